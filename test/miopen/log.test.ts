import assert from "node:assert/strict";
import { test } from "node:test";
import { readDriverLog } from "../../src/miopen/log.ts";

test("reads requests, misses and the chosen solver, with and without quotes around the name", () => {
  const log = readDriverLog(
    [
      'MIOpen(HIP): Info2 [LoadBinary] Loading binary for: "naive_conv.cpp.o"; args:  -DA=1 -mcpu=gfx1010',
      'MIOpen(HIP): Info2 [LoadBinary] Unable to load binary for: "naive_conv.cpp.o"; args:  -DA=1 -mcpu=gfx1010',
      "MIOpen(HIP): Info2 [LoadBinary] Loading binary for: old.cl.o; args:  -DB -mcpu=gfx1010",
      "MIOpen Forward Conv. Algorithm: 1, Solution: 85/ConvDirectNaiveConvFwd",
    ].join("\n"),
  );
  assert.deepEqual(log.requests, [
    { name: "naive_conv.cpp.o", args: " -DA=1 -mcpu=gfx1010" },
    { name: "old.cl.o", args: " -DB -mcpu=gfx1010" },
  ]);
  assert.deepEqual(log.misses, [{ name: "naive_conv.cpp.o", args: " -DA=1 -mcpu=gfx1010" }]);
  assert.deepEqual(log.solvers, ["ConvDirectNaiveConvFwd"]);
  assert.deepEqual(log.errors, []);
});

for (const line of [
  "MIOpen(HIP): Error [BuildHip] Code object build failed",
  "error: not a valid operand.",
  "MIOpen Error: rc: 7",
  "Forward Convolution FAILED: 0.6 > 1.5e-06",
  "config.hpp:25: error: No CK_AMD_GPU_GFX* macro defined",
]) {
  test(`takes for a failure: ${line}`, () => {
    assert.deepEqual(readDriverLog(line).errors, [line]);
  });
}

test("takes warnings and informational lines for none", () => {
  assert.deepEqual(
    readDriverLog("MIOpen(HIP): Warning [GetWorkspace] small\nMIOpen(HIP): Info [x] no Error here").errors,
    [],
  );
});

const gemmError = "MIOpen(HIP): Error [EvaluateInvokers] vm:src/gemm_v2.cpp:936: rocBlas error encountered";

test("takes a GEMM that rocBLAS has no kernel for on this target for a limit, not a failure", () => {
  const log = readDriverLog(
    `rdna1-device: hipLaunchKernel: _ZL20rocblas_gemvn_kernelILi64EEviiT3_: the offload bundle has no object for gfx1011 (x)\n${gemmError}`,
  );
  assert.deepEqual(log.errors, []);
  assert.deepEqual(log.unserved, ["_ZL20rocblas_gemvn_kernelILi64EEviiT3_"]);
});

test("takes any other error of rocBLAS for a failure", () => {
  assert.deepEqual(readDriverLog(gemmError).errors, [gemmError]);
});
