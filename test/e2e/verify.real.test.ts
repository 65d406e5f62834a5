import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { bunzipFor } from "../../src/kernels/bunzip.ts";
import { checkRows, type Kernel, readRows, writeKernelDatabase } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import { rowsOfCommand } from "../../src/verify/command-rows.ts";
import type { Proofs } from "../../src/verify/proofs.ts";
import { planTable } from "../../src/verify/table.ts";
import { cachedDevice, cachedProver } from "../device/sim/builds.ts";
import { BREAKAGES } from "./breakages.ts";
import { breakKernel, judgeObject, judgeRow, linesFor, objectOf, type Places, rowsFor } from "./broken-kernels.ts";
import { ROCM_VERSION, realToolchain, Sandbox } from "./sandbox.ts";
import { shareBuilds } from "./shared-builds.ts";

const toolchain = await realToolchain();
const skip = typeof toolchain === "string" ? toolchain : false;

const LINE = "MIOpenDriver conv -n 1 -c 4 -H 8 -W 14 -k 4 -y 3 -x 3 -p 1 -q 1 -F 1";
/** MIOpen 3.5.1 reserves less LDS than its kernel fills (docs/proofs.md): GEMM is wrong, naive is right. */
const DEFECT = "MIOpenDriver conv -n 1 -c 4 -H 8 -W 14 -k 4 -y 1 -x 7 -F 1";

/** Clears the gradient, then takes columns of the image. */
const WEIGHTS = LINE.replace("-F 1", "-F 4");

/** s_nop 0 [RDNA1 ISA 12.5] */
const NOP = 0xbf800000;

describe("verify", { skip }, () => {
  const rocm = toolchain as Toolchain;
  const sandbox = new Sandbox();
  let database = "";
  const lines = (name: string, ...text: string[]) => sandbox.file(name, `${text.join("\n")}\n`);
  // The defective problem's kernel is in the set, asked for by a problem that it is right for
  const broken = linesFor(BREAKAGES.flatMap((breakage) => rowsFor(breakage, planTable(STOCK, "gfx1010"))));
  const few = [LINE, `${LINE} -S ConvDirectNaiveConvFwd`, DEFECT.replace("-H 8", "-H 4")];
  const set = lines("set.txt", ...few, WEIGHTS, ...broken);
  const verifySet = (kernelSet: string, ...more: string[]) =>
    sandbox.run([
      "verify",
      "--toolchain",
      "debian",
      "--rocm-version",
      ROCM_VERSION,
      "--kernel-set",
      kernelSet,
      ...more,
    ]);
  const verify = (...more: string[]) => verifySet(set, ...more);
  const rows = () => (JSON.parse(readFileSync(sandbox.path("out/verify.json"), "utf8")) as Proofs).rows;
  after(() => sandbox.remove());

  before(async () => {
    await shareBuilds(rocm);
    const { code, stderr } = await verify("--commands", lines("good.txt", LINE));
    assert.equal(code, 0, stderr);
    const [key] = readdirSync(sandbox.path("cache/stages/kernels-gfx1010")).filter((name) => !name.includes("."));
    database = sandbox.path("given.kdb");
    copyFileSync(join(sandbox.path("cache/stages/kernels-gfx1010"), key ?? "", "gfx1010.kdb"), database);
  });

  async function places(): Promise<Places> {
    const [device, program] = [await cachedDevice(rocm), await cachedProver(rocm)];
    return { toolchain: rocm, device, program, folder: sandbox.folder };
  }

  test("proves a user's command with each solver", () => {
    assert.deepEqual(
      rows().map(({ solver, result, reference }) => [solver, result, reference]),
      [
        ["ConvDirectNaiveConvFwd", "passed", "miopen-cpu"],
        ["GemmFwdRest", "passed", "miopen-cpu"],
      ],
    );
  });

  test("refutes one that is wrong, and says what the device saw", async () => {
    const { code, stderr } = await verify("--commands", lines("wrong.txt", LINE, DEFECT));
    assert.equal(code, 1, stderr);
    assert.match(stderr, /1 of 4 proofs failed/);
    assert.match(stderr, /differs from the CPU reference .*lds-out-of-range: Im2d2Col_v2/);
  });

  for (const [what, text, pattern] of [
    ["a line that is no command", "MIOpenDriver cnov -n 1", /commands: 1 lines of .*bad\.txt:1: .*cnov/],
    ["an option that MIOpenDriver has not", `${LINE} -A 1`, /has no option -A/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const { code, stderr } = await verify("--commands", lines("bad.txt", text));
      assert.match(stderr.replaceAll("\n", " "), pattern);
      assert.equal(code, 2);
    });
  }

  for (const breakage of BREAKAGES) {
    test(`refutes ${breakage.kernel} when ${breakage.what}`, async () => {
      const sound = await checkRows(database, readRows(database), bunzipFor(rocm));
      const { kernels, hash } = await breakKernel(await places(), sound, breakage);
      const { row } = await judgeObject(await places(), kernels, breakage, hash);
      assert.ok(row !== null, "no row of the proof fails");
      assert.match(
        row.reason ?? "",
        /differs from the CPU reference|elements are wrong|in no live allocation|waited for/,
      );
      assert.ok(row.kernels.some((kernel) => kernel.hash === hash && kernel.name === breakage.kernel));
    });
  }

  test("refutes none of these kernels as they are", async () => {
    const kernels = await checkRows(database, readRows(database), bunzipFor(rocm));
    const one = [...new Map(BREAKAGES.map((breakage) => [breakage.function, breakage])).values()];
    for (const breakage of one) {
      const { row, count } = await judgeObject(await places(), kernels, breakage, objectOf(kernels, breakage).hash);
      assert.equal(row?.reason, undefined, breakage.function);
      assert.ok(count > 0, breakage.function);
    }
  });

  test("blames a kernel whose launch is refused, and not the one that ran before it", async () => {
    const kernels = await checkRows(database, readRows(database), bunzipFor(rocm));
    const rows = rowsOfCommand({ args: WEIGHTS.split(" ").slice(1), family: "mine" }, STOCK, "gfx1010");
    const row = rows.at(-1);
    assert.ok(typeof row === "object" && row.solver === "GemmWrwUniversal");
    const proof = await judgeRow(await places(), kernels.map(withoutGroups), row);
    assert.match(proof.reason ?? "", /Im2d2Col_v2: a work-group of 256 work-items exceeds the 1 /);
    assert.deepEqual(
      proof.kernels.map(({ name }) => name),
      ["MIOpenIm2d2Col.cpp.o"],
    );
  });

  test("notices a broken kernel in a database whose md5 was corrected, and names it", async () => {
    const kernels = await checkRows(database, readRows(database), bunzipFor(rocm));
    const asked = kernels.filter(({ name }) => /^(naive_conv|MIOpenIm2d2Col)/.test(name));
    const broken = asked.map((row) => {
      if (row.name !== "MIOpenIm2d2Col.cpp.o") return row;
      const blob = Buffer.from(row.object);
      const at = lastStore(blob);
      blob.writeUInt32LE(NOP, at);
      blob.writeUInt32LE(NOP, at + 4);
      return { ...row, blob, size: 0, hash: createHash("md5").update(blob).digest("hex") };
    });
    const file = sandbox.path("broken.kdb");
    await writeKernelDatabase(file, broken);
    const { code, stderr } = await verifySet(lines("few.txt", ...few), "--kernel-database", file);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /elements are wrong/);
    assert.ok(rows().some(({ result, kernels }) => result === "failed" && kernels[0]?.name === "MIOpenIm2d2Col.cpp.o"));
  });
});

/** Im2d2Col for work-groups of a single work-item [its metadata: 16 bits behind the key, in MessagePack]. */
function withoutGroups(row: Kernel): Kernel {
  if (row.name !== "MIOpenIm2d2Col.cpp.o") return row;
  const blob = Buffer.from(row.object);
  const key = ".max_flat_workgroup_size";
  blob.writeUInt16BE(1, blob.indexOf(key) + key.length + 1);
  return { ...row, object: blob, blob, size: 0, hash: createHash("md5").update(blob).digest("hex") };
}

/** Offset of the last global_store_dword: 0xdc70 in the upper half of its first word. */
function lastStore(object: Buffer): number {
  for (let at = object.length - 8; at >= 0; at -= 4) if (object.readUInt16LE(at + 2) === 0xdc70) return at;
  return assert.fail("the object stores nothing");
}
