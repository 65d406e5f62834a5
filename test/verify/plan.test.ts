import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type DriverCommand, optionsOf } from "../../src/kernels/commands.ts";
import { keyOf } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { columnsToImageKey, databaseKey, type KernelKey, keysOf, naiveKey } from "../../src/kernels/keys.ts";
import { planDigest, planRows } from "../../src/verify/plan.ts";
import { readProblems } from "../../src/verify/read-problem.ts";
import { proofOrigin } from "../../src/verify/shard-stage.ts";
import { type VerifyRequest, verifyParts } from "../../src/verify/stage.ts";

const target = "gfx1010";

/** The rows for one command of a user's file, whose set holds what Find asks for. */
function rowsFor(line: string) {
  const command = { args: line.split(" "), family: "file" };
  const problems = readProblems(command.args) ?? [];
  const held = new Set(problems.flatMap((problem) => keysOf(problem).map((key) => keyOf(databaseKey(key, target)))));
  const { rows } = planRows({ name: "my.log", commands: [command], dialect: STOCK }, held, target);
  return rows.filter(({ family }) => family === "file");
}

test("a set of the user's is proven with the keys that Find asks for", () => {
  const rows = rowsFor("conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3 -p 1 -q 1 -F 1");
  const [naive, gemm] = rows;
  assert.equal(rows.length, 2);
  assert.equal(naive?.env.MIOPEN_DEBUG_FIND_ONLY_SOLVER, "ConvDirectNaiveConvFwd");
  assert.ok(!naive?.args.includes("-S"));
  assert.deepEqual(gemm?.args.slice(-2), ["-S", "GemmFwdRest"]);
});

test("a line with a filter too large for a predicted key is proven with each solver", () => {
  const rows = rowsFor("conv -n 1 -c 3 -H 256 -W 256 -k 4 -y 3 -x 3 -l 64 -j 64 -p 64 -q 64 -F 1");
  assert.deepEqual(
    rows.map(({ solver }) => solver),
    ["ConvDirectNaiveConvFwd", "GemmFwdRest"],
  );
});

test("pooling and dropout go forward before they go back, for they read what that leaves", () => {
  const forw = (line: string) => rowsFor(line).map(({ args }) => optionsOf(args).get("F"));
  assert.deepEqual(forw("pool -W 1x4x8x8 -y 2 -x 2 -F 2"), ["0"]);
  assert.deepEqual(forw("dropoutfp16 --forw 2 -d 1 -p 0.5"), ["0"]);
  assert.deepEqual(forw("pool -W 1x4x8x8 -y 2 -x 2 -F 1"), ["1"]);
  for (const operation of ["softmax", "activ", "lrn"]) assert.deepEqual(forw(`${operation} -n 1 -F 2`), ["2"]);
});

test("an object of a user's set that serves all directions is proven in each of them, twice", () => {
  const held = new Set([keyOf(databaseKey(naiveKey("fp32", "immediate"), target))]);
  const { rows } = planRows({ name: "my.log", commands: [], dialect: STOCK }, held, target);
  const solvers = ["Bwd", "Fwd", "Wrw"].map((name) => `ConvDirectNaiveConv${name}`);
  assert.deepEqual(rows.map(({ solver }) => solver).sort(), [...solvers, ...solvers].sort());
});

test("no proof is asked for GEMM where Find offers none", () => {
  const rows = rowsFor("conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3 -p 1 -q 1 -l 2 -j 2 -F 1");
  assert.deepEqual(
    rows.map(({ solver }) => solver),
    ["ConvDirectNaiveConvFwd"],
  );
});

test("no proof is asked for the naive solver where the file lets Find take another only", () => {
  const args = "conv -n 1 -c 4 -k 4 -H 8 -W 8 -y 3 -x 3 -F 1".split(" ");
  const env = { MIOPEN_DEBUG_FIND_ONLY_SOLVER: "GemmFwdRest" };
  const [problem] = readProblems(args) ?? [];
  assert.ok(problem);
  const gemm = keysOf(problem).filter(({ file }) => file !== "naive_conv.cpp");
  const held = new Set(gemm.map((key) => keyOf(databaseKey(key, target))));
  const { rows } = planRows(
    { name: "my.log", commands: [{ args, env, family: "file" }], dialect: STOCK },
    held,
    target,
  );
  assert.deepEqual(
    rows.filter(({ family }) => family === "file").map(({ solver }) => solver),
    ["GemmFwdRest"],
  );
});

describe("the digest of what a proof runs", () => {
  const set = { name: "my.log", commands: [], dialect: STOCK };
  const key = (one: KernelKey) => ({ ...databaseKey(one, target), hash: "a".repeat(32) });
  const naive = [key(naiveKey("fp32", "immediate"))];
  const columns = [key(columnsToImageKey("fp32", 3, 2 ** 32))];
  const line = (text: string, env = {}) => ({ ...set, commands: [{ args: text.split(" "), env, family: "file" }] });

  test("is the same for the same plan", () => {
    assert.equal(planDigest(line("poolfp16 -F 1"), naive, target), planDigest(line("poolfp16 -F 1"), naive, target));
  });

  test("changes with the rows, their variables and order, the keys that they launch, and the prover's cases", () => {
    const two = [...line("poolfp16 -F 1").commands, ...line("activ -F 1").commands];
    const digests = [
      planDigest(set, naive, target),
      planDigest(set, columns, target),
      planDigest({ ...set, name: "conv" }, naive, target),
      planDigest({ ...set, name: "conv", dialect: { release: "3.4", patched: true } }, naive, target),
      planDigest(line("poolfp16 -F 1"), naive, target),
      planDigest(line("poolfp16 -F 2"), naive, target),
      planDigest(line("poolfp16 -F 1", { MIOPEN_FIND_MODE: "1" }), naive, target),
      planDigest(line("convint8 -n 1 -c 4 -k 4 -H 8 -W 8 -F 1"), naive, target),
      planDigest(line("convint8 -n 1 -c 4 -k 4 -H 8 -W 9 -F 1"), naive, target),
      planDigest({ ...set, commands: two }, naive, target),
      planDigest({ ...set, commands: two.toReversed() }, naive, target),
    ];
    assert.equal(new Set(digests).size, digests.length);
  });
});

test("what shards have proven with another plan is another proof table, and another result", () => {
  const request = (commands: readonly DriverCommand[]) =>
    ({
      ...{ toolchain: { digest: "t" }, device: { digest: "d" }, prover: { digest: "p" }, target },
      set: { name: "my.log", commands, dialect: STOCK, digest: "s" },
      kernels: { sha256: "k", kernels: [] },
    }) as unknown as VerifyRequest;
  const [one, other] = [request([]), request([{ args: ["poolfp16"], family: "file" }])];
  assert.notEqual(verifyParts(one).plan, verifyParts(other).plan);
  const origin = { miopen: "", library: "", toolchain: "", device: "", "kernel-set": "", schema: "" };
  assert.notEqual(proofOrigin(origin, one).table, proofOrigin(origin, other).table);
});
