import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { scratch, toolchainUnderTest } from "../device/support.ts";
import { addedFile } from "./added-kernel.ts";
import { launches, PatchedMiopen, type RunOptions } from "./patched.ts";

/*
 * What patches/3.5 adds to the options of tensor reduction on RDNA1, given to the distribution's unpatched MIOpen 3.5.1 by
 * HIPRTC's own variable: its kernels, its host, its CPU as the judge.
 */

const REDUCTIONS = [
  ["gfx1010", "reduce -D 4,5,6,7 -R 0,2 -O 0"],
  ["gfx1011", "reduce -D 4,5,6,7 -R 0,1,2,3 -O 3 -I 1"],
  ["gfx1012", "reducefp16 -D 16,8,30 -R 1 -O 4"],
] as const;

test("tensor reduction, which stock MIOpen cannot build for RDNA1, is right with the option of patches/3.5", async (t) => {
  const toolchain = await toolchainUnderTest();
  if (typeof toolchain === "string") return t.skip(toolchain);
  const { miopenDriver, miopen: library } = toolchain.paths;
  if (miopenDriver === null || library === null) return t.skip("the toolchain has no MIOpenDriver");
  const option = /ReduceOptions\(.*\n\{\n.* \? "( -D\w+)" : "";/.exec(
    (await addedFile("3.5", "src/rdna1.cpp")) ?? "",
  )?.[1];
  assert.ok(option !== undefined, "rdna1.cpp has no ReduceOptions");

  const prefix = await scratch(t);
  for (const [name, file] of [
    ["bin/MIOpenDriver", miopenDriver],
    ["lib/libMIOpen.so.1", library],
  ] as const) {
    await mkdir(dirname(join(prefix, name)), { recursive: true });
    await symlink(file, join(prefix, name));
  }
  const miopen = await PatchedMiopen.start({ prefix, toolchain });
  t.after(() => miopen.end());
  const reduce = (command: string, options: RunOptions) =>
    miopen.drive(`${command} -V 1 -t 0 -i 1`, { ...options, execute: true });

  const stock = await reduce(REDUCTIONS[0][1], { card: REDUCTIONS[0][0] });
  assert.match(stock.output, /No CK_AMD_GPU_GFX\* macro defined/);
  assert.deepEqual(launches(stock), []);
  for (const [card, command] of REDUCTIONS) {
    const run = await reduce(command, { card, env: { HIPRTC_COMPILE_OPTIONS_APPEND: option.trim() } });
    assert.match(run.output, /Verifies on CPU and GPU/, `${card} ${command}\n${run.output.slice(-3000)}`);
    assert.ok(launches(run).some((kernel) => kernel.startsWith("gridwise_generic_reduce")));
    assert.deepEqual(
      run.events.filter(({ event }) => ["fault", "finding", "error"].includes(event)),
      [],
      command,
    );
  }
});
