import assert from "node:assert/strict";
import { test } from "node:test";
import { RdnaError } from "../../src/errors.ts";
import { coverageOf } from "../../src/verify/coverage.ts";
import { withoutFailed } from "../../src/verify/leave-out.ts";
import type { ProofRow } from "../../src/verify/proofs.ts";

const naive = (type: string) => ({
  name: "naive_conv.cpp.o",
  args: ` -D${type}`,
  hash: "n",
  functions: ["fwd", "x_ab_packed_y"],
});
const im2col = { name: "MIOpenIm2d2Col.cpp.o", args: " -DLOCAL_MEM_SIZE=1", hash: "i", functions: ["Im2d2Col_v2"] };
const kernels = [naive("FP32"), naive("FP16"), im2col];

function row(change: Partial<ProofRow> & { uses?: string }): ProofRow {
  const { uses = "n", ...rest } = change;
  const functions = uses === "n" ? ["fwd"] : ["Im2d2Col_v2"];
  return {
    ...{
      kind: "numerical",
      target: "gfx1010",
      command: "conv -n 1",
      operation: "conv",
      type: "fp32",
      direction: "forward",
    },
    ...{ family: "2d", layout: "NCHW", result: "passed", reason: null, solver: null, error: 0, seconds: 1 },
    kernels: uses === "" ? [] : [{ name: uses, hash: uses, functions }],
    reference: "miopen-cpu",
    ...rest,
  };
}

test("every key of an object is proven by the rows that executed the object", () => {
  const { files, unproven } = coverageOf(kernels, [row({}), row({ command: "conv -n 2" })], "gfx1010");
  const [im, nc] = files;
  assert.deepEqual([nc?.keys, nc?.proven, nc?.objects, nc?.problems, nc?.once], [2, 2, 1, 2, 0]);
  assert.deepEqual(nc?.references, ["miopen-cpu"]);
  assert.deepEqual([im?.keys, im?.proven], [1, 0]);
  assert.deepEqual(
    unproven.map(({ hash, reason }) => [hash, reason]),
    [["i", "no row of the table executes it"]],
  );
});

test("names functions that no row executes, with the reason", () => {
  const [, nc] = coverageOf(kernels, [row({})], "gfx1010").files;
  assert.equal(nc?.executed, 1);
  assert.match(nc?.unreached[0]?.reason ?? "", /debug builds only/);
  assert.equal(nc?.once, 1);
});

test("counts the problems of our own reference one by one, and no row of another target or kind", () => {
  const rows = [row({ uses: "i", reference: "ours", command: "a; b" }), row({ target: "gfx1012" })];
  const { files, unproven } = coverageOf(kernels, [...rows, row({ kind: "completeness" })], "gfx1010");
  assert.equal(files[0]?.problems, 2);
  assert.deepEqual(
    unproven.map(({ hash }) => hash),
    ["n", "n"],
  );
});

test("one failed row outweighs all that passed", () => {
  const { unproven } = coverageOf(kernels, [row({}), row({ result: "failed", reason: "wrong" })], "gfx1010");
  assert.match(unproven[0]?.reason ?? "", /failed: conv -n 1: wrong/);
});

test("kernels of failed rows are left out under all their keys, the others stay", () => {
  const { kept, leftOut } = withoutFailed(kernels, [row({ uses: "i" }), row({ result: "failed", reason: "wrong" })]);
  assert.deepEqual(
    kept.map(({ hash }) => hash),
    ["i"],
  );
  assert.deepEqual(
    leftOut.map(({ key }) => key),
    ["naive_conv.cpp.o -DFP32", "naive_conv.cpp.o -DFP16"],
  );
  assert.equal(withoutFailed(kernels, [row({})]).kept, kernels);
});

for (const [what, failed] of [
  ["a row that used no kernel of the set", row({ uses: "", result: "failed", reason: "rocBLAS" })],
  ["a control that noticed nothing", row({ kind: "negative-control", result: "failed", reason: "it passed" })],
] as const) {
  test(`nothing is packaged after ${what} failed`, () => {
    assert.throws(
      () => withoutFailed(kernels, [failed]),
      (error) => error instanceof RdnaError && /to blame/.test(error.message),
    );
  });
}
