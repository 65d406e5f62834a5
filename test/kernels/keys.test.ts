import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { STOCK } from "../../src/kernels/dialect.ts";
import { im2d2colShape } from "../../src/kernels/im2col.ts";
import { databaseKey, gemmSolver, keysOf, keysOfRun, naiveSolver } from "../../src/kernels/keys.ts";
import type { ConvProblem, TensorType } from "../../src/kernels/problem.ts";
import { typeOptions } from "../../src/kernels/type-options.ts";
import { problemOf } from "./conv-problems.ts";

/** What MIOpen 3.5.1 (ROCm 7.2.4) asked its databases for, recorded on the virtual device as gfx1010; `{type}` stands for the type's options. */
const recorded = JSON.parse(readFileSync(new URL("./fixtures/requests.json", import.meta.url), "utf8")) as {
  line: string;
  asked: string[];
}[];

test("the model predicts exactly the keys that MIOpen asked for", () => {
  assert.ok(recorded.length >= 150);
  for (const { line, asked } of recorded) {
    const { problem, solver } = problemOf(line.split(" "));
    const predicted = keysOfRun(problem, solver).map((key) => {
      const { name, args } = databaseKey(key, "gfx1010");
      return `${name}|${args.replaceAll(typeOptions(problem.type), ` {${problem.type}}`)}`;
    });
    assert.deepEqual(predicted.toSorted(), asked.toSorted(), line);
  }
});

test("a key ends with the target, whatever the options", () => {
  assert.deepEqual(databaseKey({ file: "naive_conv.cpp", options: " -DX=1" }, "gfx1012"), {
    name: "naive_conv.cpp.o",
    args: " -DX=1 -mcpu=gfx1012",
  });
});

test("the column kernels of MIOpen 3.4 are OpenCL, so their files have other names", () => {
  const files = (problem: Partial<ConvProblem>, release: "3.4" | "3.5") =>
    keysOf({ ...plain, ...problem }, "find", { ...STOCK, release }).map(({ file }) => file);
  assert.deepEqual(files({}, "3.4"), ["naive_conv.cpp", "MIOpenIm2d2Col.cl"]);
  assert.deepEqual(files({ direction: "backward-data" }, "3.4"), ["naive_conv.cpp", "MIOpenCol2Im2d.cl"]);
  assert.deepEqual(files({}, "3.5"), ["naive_conv.cpp", "MIOpenIm2d2Col.cpp"]);
});

const plain: ConvProblem = {
  ...{ type: "fp32", direction: "forward", n: 1, c: 4, k: 4, groups: 1, input: [8, 8], filter: [3, 3] },
  ...{ pad: [0, 0], stride: [1, 1], dilation: [1, 1], layout: "NCHW", transposed: false },
};
const names = (problem: ConvProblem) => keysOf(problem).map(({ file }) => file);

test("the three float types ask for the same kernels, int8 for the naive one only", () => {
  for (const type of ["fp16", "bf16"] as const) assert.deepEqual(names({ ...plain, type }), names(plain));
  assert.deepEqual(names({ ...plain, type: "int8" }), ["naive_conv.cpp"]);
});

test("channels-last layouts never reach GEMM", () => {
  assert.equal(gemmSolver({ ...plain, layout: "NHWC" }), null);
  assert.deepEqual(names({ ...plain, layout: "NHWC" }), ["naive_conv.cpp"]);
});

test("Find gives a dilated problem no GEMM workspace, immediate mode does", () => {
  const dilated: ConvProblem = { ...plain, dilation: [2, 2] };
  assert.deepEqual(names(dilated), ["naive_conv.cpp"]);
  assert.deepEqual(
    keysOf(dilated, "immediate").map(({ file }) => file),
    ["naive_conv.cpp", "MIOpenIm2d2Col.cpp"],
  );
});

test("a known solution has the naive options twice, as MIOpen 3.5.1 writes them", () => {
  const [found] = keysOf(plain, "find");
  const [known] = keysOfRun(plain, naiveSolver(plain));
  assert.ok(found !== undefined);
  assert.deepEqual(known, { file: "naive_conv.cpp", options: found.options + found.options });
});

test("a transposed convolution's forward pass is backward-data", () => {
  const transposed: ConvProblem = { ...plain, transposed: true };
  assert.deepEqual(names(transposed), ["naive_conv.cpp", "MIOpenCol2Im2d.cpp"]);
  assert.deepEqual(names({ ...transposed, direction: "backward-data" }), ["naive_conv.cpp", "MIOpenIm2d2Col.cpp"]);
});

test("a gradient of more than 65536 elements shares the largest clearing kernel", () => {
  const sizeOf = (k: number) =>
    /WORK_LENGTH_0=(\d+)/.exec(JSON.stringify(keysOf({ ...plain, direction: "backward-weights", k })))?.[1];
  assert.equal(sizeOf(1), "64");
  assert.equal(sizeOf(1820), "65536");
  assert.equal(sizeOf(40000), "65536");
});

for (const [what, problem, tile] of [
  ["a large output", { input: [40, 40] }, 340],
  ["an output of 8x8, channels in fours", { input: [10, 10] }, 544],
  ["an output of 8x8, odd channels", { input: [10, 10], c: 3 }, 340],
  ["unequal strides", { input: [40, 40], stride: [1, 4] }, 1270],
] as const) {
  test(`the im2col tile of ${what} has ${tile} elements`, () => {
    assert.equal(im2d2colShape({ ...plain, ...problem }).tile, tile);
  });
}

test("filters whose channel count would be in the key are refused, not guessed", () => {
  const large = { ...plain, input: [200, 200], filter: [130, 130] };
  assert.throws(() => im2d2colShape(large), RangeError);
  // A user's line may have such a filter, or one that is widely dilated: it is a problem with one key fewer
  const wide = { ...plain, input: [256, 256], pad: [64, 64], dilation: [64, 64] };
  for (const problem of [large, wide]) {
    assert.deepEqual(keysOfRun(problem, "GemmFwdRest"), []);
    const [set, ...more] = keysOfRun({ ...problem, direction: "backward-weights" }, "GemmWrwUniversal");
    assert.deepEqual([set?.file, more], ["MIOpenSubTensorOpWithScalarKernel.cl", []]);
  }
});

test("every type has its own options", () => {
  const types: TensorType[] = ["fp32", "fp16", "bf16", "int8"];
  assert.equal(new Set(types.map(typeOptions)).size, 4);
});
