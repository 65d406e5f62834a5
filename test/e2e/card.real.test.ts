import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { StandIn } from "../../src/card/find.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import type { CardProof, Proofs } from "../../src/verify/proofs.ts";
import { standInRoot } from "../card/stand-in.ts";
import { cachedDevice } from "../device/sim/builds.ts";
import { hostCompiler, must } from "../device/support.ts";
import { ROCM_VERSION, realToolchain, Sandbox } from "./sandbox.ts";
import { shareBuilds } from "./shared-builds.ts";

const toolchain = await realToolchain();
const compiler = await hostCompiler();
const skip =
  typeof toolchain === "string"
    ? toolchain
    : compiler === null
      ? "there is no C++ compiler for the failing card"
      : false;

const LINE = "MIOpenDriver conv -n 1 -c 4 -H 8 -W 14 -k 4 -y 3 -x 3 -p 1 -q 1 -F 1";
const WEIGHTS = LINE.replace("-F 1", "-F 4");

/** Behind the witness the virtual device plays the card: the witness, and all that follows from its log, is the real one. */
describe("a card", { skip }, () => {
  const rocm = toolchain as Toolchain;
  const sandbox = new Sandbox();
  const set = sandbox.file("set.txt", `${LINE}\n${LINE} -S ConvDirectNaiveConvFwd\n${WEIGHTS}\n`);
  let device = "";
  let crash = "";
  after(() => sandbox.remove());

  before(async () => {
    await shareBuilds(rocm);
    device = await cachedDevice(rocm);
    crash = sandbox.path("crash.so");
    const source = new URL("../card/crash.cpp", import.meta.url).pathname;
    await must(compiler ?? "", ["-std=c++20", "-shared", "-fPIC", "-Wall", "-Werror", "-o", crash, source, "-ldl"]);
  });

  const plays = (environment: Record<string, string> = {}): StandIn => ({
    preload: [crash, device],
    environment: { RDNA1_DEVICE_TARGET: "gfx1010", ...environment },
  });
  const run = (command: string, root: string | null, ...more: string[]) => {
    const where = ["--toolchain", "debian", "--rocm-version", ROCM_VERSION, "--kernel-set", set];
    return sandbox.run([command, ...where, ...more], root === null ? {} : { RDNA1_TEST_CARD: root });
  };
  const verified = () => JSON.parse(readFileSync(sandbox.path("out/verify.json"), "utf8")) as Proofs;
  const rowsOf = (card: CardProof | undefined) =>
    card?.rows.map(({ kind, operation, direction, reference, result }) =>
      [kind, operation, direction, reference, result].join(" "),
    );

  test("runs what has passed on the virtual device, and controls that execute nothing", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1030", "gfx1010"], plays());
    const { code, stderr } = await run("verify", root, "--device", "gpu");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /a stand-in plays the card; what runs on it proves no card/);
    const { device: on, cards = [], rows } = verified();
    assert.equal(on, "virtual");
    const [card] = cards;
    assert.equal(card?.name, "AMD Radeon RX 5700 XT (virtual)");
    assert.equal(card.standIn, true);
    const numerical = rows.filter(({ kind }) => kind !== "completeness");
    assert.deepEqual(rowsOf(card), rowsOf({ ...card, rows: numerical }), "the same rows ran on both");
    assert.ok(card.rows.every(({ result }) => result === "passed"));
    assert.ok(
      card.rows.some(({ reference }) => reference === "ours"),
      "the prover ran there, too",
    );
    assert.ok(card.rows.some(({ kind }) => kind === "negative-control"));
    const again = await run("verify", root, "--device", "gpu");
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /card gfx1010: skipped, nothing changed/);
  });

  test("is asked by `auto` where there is one, and a user's commands run on it", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays());
    const commands = sandbox.file("mine.txt", `${LINE}\n`);
    const { code, stderr } = await run("verify", root, "--commands", commands);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /stand-in plays the card/);
    assert.deepEqual(
      verified().rows.map(({ result, solver }) => [result, solver]),
      [
        ["passed", "ConvDirectNaiveConvFwd"],
        ["passed", "GemmFwdRest"],
      ],
    );
  });

  test("that computes something else refutes the set, and failed rows are run again", async () => {
    const environment = { RDNA1_TEST_WRONG: "naive_conv" };
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays(environment));
    const { code, stderr } = await run("verify", root, "--device", "gpu");
    assert.equal(code, 1, stderr);
    assert.match(
      stderr.replaceAll("\n", " "),
      /rows failed on AMD Radeon RX 5700 XT .* although they pass on the virtual/,
    );
    const [card] = verified().cards ?? [];
    const wrong = card?.rows.filter(({ result }) => result === "failed") ?? [];
    assert.ok(wrong.length > 0 && wrong.every(({ reason }) => /differs from the CPU/.test(reason ?? "")));
    assert.ok(wrong.every(({ kernels }) => kernels.some(({ name }) => name === "naive_conv.cpp.o")));
    const again = await run("verify", root, "--device", "gpu");
    assert.equal(again.code, 1);
    assert.match(again.stderr, /goes on where an interrupted run was/);
  });

  test("that faults in a kernel is never given it again, the rest runs, and the kernel is named", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays({ RDNA1_TEST_CRASH: "Im2d2Col" }));
    const failed = async () => {
      const { code, stderr } = await run("verify", root, "--device", "gpu");
      assert.equal(code, 1, stderr);
      const rows = verified().cards?.[0]?.rows ?? [];
      assert.ok(rows.some(({ result, kind }) => result === "passed" && kind === "numerical"));
      return rows.filter(({ result }) => result === "failed");
    };
    const rows = await failed();
    const driven = rows.filter(({ reference }) => reference === "miopen-cpu");
    assert.ok(driven.length > 0);
    for (const { reason, kernels } of driven) {
      assert.match(reason ?? "", /ended by SIGABRT.* in Im2d2Col.*: Memory access fault by GPU node-1/);
      assert.deepEqual(
        kernels.map(({ name }) => name),
        ["MIOpenIm2d2Col.cpp.o"],
      );
    }
    assert.deepEqual(await failed(), rows, "the seconds, too, are those of the first run");
  });

  test("whose runtime goes on after a fault: the prover ends with the culprit, and no other object is blamed", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays({ RDNA1_TEST_STICKY: "SubTensorOp" }));
    const { code, stderr } = await run("verify", root, "--device", "gpu");
    assert.equal(code, 1, stderr);
    const rows = (verified().cards?.[0]?.rows ?? []).filter(({ kind }) => kind === "numerical");
    const bad = rows.filter(({ result }) => result === "failed");
    assert.ok(bad.some(({ reference }) => reference === "ours"));
    for (const { kernels } of bad) assert.ok(kernels.some(({ name }) => name.startsWith("MIOpenSubTensorOp")));
    const im2col = rows.find(({ family, reference }) => family === "im2col 2d" && reference === "ours");
    assert.equal(im2col?.result, "passed");
  });

  test("that does not answer is told of in HIP's words, by the real runtime, and nothing is held against a row", {
    skip: existsSync("/dev/kfd") && "this machine has a card that answers",
  }, async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], { preload: [], environment: {} });
    for (const _ of [1, 2]) {
      const { code, stderr } = await run("verify", root, "--device", "gpu");
      assert.equal(code, 1, stderr);
      assert.match(stderr, /the card does not answer: .*no ROCm-capable device is detected/);
    }
  });

  test("that is another one than its driver says is noticed", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays({ RDNA1_DEVICE_TARGET: "gfx1012" }));
    const { code, stderr } = await run("verify", root, "--device", "gpu");
    assert.equal(code, 1, stderr);
    assert.match(stderr, /it ran on AMD Radeon RX 5500 XT \(virtual\), which is gfx1012:xnack- and not gfx1010/);
  });

  test("that is not there, or is no target's, is refused before any work", async () => {
    const none = await run("verify", null, "--device", "gpu");
    const other = await run("verify", standInRoot(sandbox.folder, ["gfx1030"], plays()), "--device", "gpu");
    if (!existsSync("/dev/kfd")) assert.match(none.stderr, /device: this machine has no AMD card .*no \/dev\/kfd/);
    assert.match(other.stderr, /device: there is no gfx1010 among the cards that programs can use here \(gfx1030\)/);
    for (const { code, stderr } of [none, other]) {
      assert.equal(code, 1);
      assert.doesNotMatch(stderr, /toolchain:/);
    }
  });

  test("is known to `doctor`, and a spoof", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays());
    const well = await sandbox.run(["doctor"], { RDNA1_TEST_CARD: root });
    assert.match(
      well.stdout,
      /✓ card +gfx1010 \(RX 5700 XT[\s\S]*✓ spoof[\s\S]*\? kernels +none are precompiled[^→]*→ .*install/,
    );
    assert.equal(well.code, 0, well.stderr);
    const spoofed = await sandbox.run(["doctor"], { RDNA1_TEST_CARD: root, HSA_OVERRIDE_GFX_VERSION: "10.3.0" });
    assert.match(spoofed.stdout, /✗ spoof +HSA_OVERRIDE_GFX_VERSION=10\.3\.0[^→]*→ unset HSA_OVERRIDE_GFX_VERSION/);
    assert.match(spoofed.stderr, /RDNA1 will not work on this machine as it is: spoof/);
    assert.equal(spoofed.code, 1);
  });

  test("is part of a build, its manifest and its report", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays());
    const { code, stderr } = await run("build", root, "--miopen", "distribution", "--output", "packaged");
    assert.equal(code, 0, stderr);
    const read = (name: string) => readFileSync(sandbox.path("packaged", name), "utf8");
    const { proofs } = JSON.parse(read("manifest.json")) as Manifest;
    const [card] = proofs.cards ?? [];
    assert.equal(proofs.device, "virtual");
    assert.ok(card !== undefined && card.failed === 0 && card.passed > 4 && card.standIn === true);
    assert.match(read("report.html"), /<h2>On a card<\/h2>[\s\S]*a stand-in in a test: no card/);
    assert.ok(readdirSync(sandbox.path("packaged")).some((name) => name.endsWith(".tar.zst")));
  });

  test("is not given what has failed on the virtual device and is left out of a build", async () => {
    // MIOpen 3.5.1 reserves less LDS for it than its kernel fills (docs/proofs.md)
    const defect = LINE.replace("-H 8 -W 14 -k 4 -y 3 -x 3 -p 1 -q 1", "-H 8 -W 14 -k 4 -y 1 -x 7");
    const mixed = sandbox.file("mixed.txt", `${LINE}\n${LINE} -S ConvDirectNaiveConvFwd\n${defect}\n`);
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays());
    const more = ["--miopen", "distribution", "--output", "mixed", "--kernel-set", mixed];
    const { code, stderr } = await run("build", root, ...more);
    assert.equal(code, 0, stderr);
    const proofs = JSON.parse(readFileSync(sandbox.path("mixed/proofs.json"), "utf8")) as Proofs;
    const failed = proofs.rows.filter(({ result, kind }) => result === "failed" && kind === "numerical");
    assert.ok(failed.length > 0, "the virtual device refutes it");
    const rows = proofs.cards?.[0]?.rows ?? [];
    assert.ok(rows.length > 4 && rows.every(({ result }) => result === "passed"));
    for (const { command } of failed) assert.ok(!rows.some((row) => row.command === command), command);
  });

  test("that computes something else refutes a build, which packages nothing", async () => {
    const root = standInRoot(sandbox.folder, ["gfx1010"], plays({ RDNA1_TEST_WRONG: "naive_conv" }));
    const { code, stderr } = await run(
      "build",
      root,
      "--miopen",
      "distribution",
      "--output",
      "refuted",
      "--verify",
      "gpu",
    );
    assert.equal(code, 1, stderr);
    assert.match(stderr, /nothing was packaged/);
    assert.ok(!existsSync(sandbox.path("refuted/SHA256SUMS")));
  });
});
