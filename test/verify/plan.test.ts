import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { databaseKey, keysOf } from "../../src/kernels/keys.ts";
import { planRows } from "../../src/verify/plan.ts";
import { readProblems } from "../../src/verify/read-problem.ts";

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
