import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../src/context.ts";
import { RdnaError } from "../../src/errors.ts";
import { makeKernels } from "../../src/kernels/make.ts";
import { loadKernelSet } from "../../src/kernels/set.ts";
import type { KernelRequest } from "../../src/kernels/stages.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

for (const patched of [false, true]) {
  test(`ends when a ${patched ? "patched" : "stock"} MIOpen does not ask for an im2col key that the model predicts, and names the key`, async (t) => {
    let runs = 0;
    // MIOpenDriver compiles nothing and asks for nothing
    const exec: Exec = {
      run: async () => {
        runs += 1;
        return { code: 0, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 0 };
      },
    };
    const whole = await loadKernelSet("conv", { release: "3.5", patched });
    const set = { ...whole, commands: whole.commands.slice(0, 2), derived: whole.derived.slice(0, 3) };
    const rocm = sampleToolchain("/rocm");
    const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
    const request = { toolchain, device: { library: "/d.so" }, rocblas: { folder: "/r" }, set, target: "gfx1010" };
    const context = { exec, log: recordedLog(), jobs: 1 } as unknown as Context;
    await assert.rejects(
      makeKernels(context, request as unknown as KernelRequest, await scratch(t)),
      (error) =>
        error instanceof RdnaError &&
        /never asked for MIOpenIm2d2Col\S*\.o .*-mcpu=gfx1010/.test(error.message) &&
        error.kind === "machine",
    );
    assert.equal(runs, 5);
  });
}
