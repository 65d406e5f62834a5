import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";

/** Byte of e_flags that names the machine in an ELF header, and gfx1010's value [LLVM AMDGPUUsage, EF_AMDGPU_MACH]. */
const MACHINE = { offset: 48, gfx1010: 0x33 };

const nothing = objectText([{ name: "k", body: "s_nop 0" }]);

test("a wave that never ends is a fault that says so, in time", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(
    objectText([{ name: "endless", body: "again:\ns_branch again", pointers: 0 }]),
  );
  const ran = await simulator.run(object, [{ kernel: "endless", args: [] }], {
    env: { RDNA1_DEVICE_BUDGET: "5000000" },
  });
  assert.equal(ran.launches[0]?.result, "hipErrorLaunchFailure");
  assert.match(ran.faults[0]?.problem ?? "", /instructions and not ended: an endless loop/);
  assert.equal(ran.faults[0]?.kernel, "endless");
  assert.match(ran.faults[0]?.instruction ?? "", /^s_branch/);
});

test("a kernel of another architecture is not loaded", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(nothing, "gfx1030");
  await assert.rejects(simulator.run(object, []), /hipErrorNoBinaryForGpu.*it is for gfx1030, the device is gfx1010/s);
  const ran = await simulator.run(object, [{ kernel: "k", args: [{ new: 4 }, { new: 4 }] }], {
    architecture: "gfx1030",
  });
  assert.equal(ran.launches[0]?.result, "hipSuccess");
});

test("an instruction of another architecture is a fault although the object claims to be for this one", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const text = objectText([{ name: "dot", body: "v_dot2_f32_f16 v1, v0, v0, v0", pointers: 0 }]);
  const bytes = await readFile(await simulator.assemble(text, "gfx1012"));
  bytes[MACHINE.offset] = MACHINE.gfx1010;
  const forged = join(simulator.folder, "forged.co");
  await writeFile(forged, bytes);
  const ran = await simulator.run(forged, [{ kernel: "dot", args: [] }]);
  assert.equal(ran.launches[0]?.result, "hipErrorLaunchFailure");
  assert.match(ran.faults[0]?.problem ?? "", /^at offset 0x[0-9a-f]+: 0x/);
});

test("an object that was cut off is not loaded", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const bytes = await readFile(await simulator.assemble(nothing));
  const cut = join(simulator.folder, "cut.co");
  await writeFile(cut, bytes.subarray(0, bytes.length / 2));
  await assert.rejects(simulator.run(cut, []), /hipErrorInvalidImage.*truncated/s);
});

test("execution that runs into what is no code is a fault with place and words", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(objectText([{ name: "k", body: ".long 0xffffffff", pointers: 0 }]));
  const ran = await simulator.run(object, [{ kernel: "k", args: [] }]);
  assert.equal(ran.launches[0]?.result, "hipErrorLaunchFailure");
  assert.match(ran.faults[0]?.problem ?? "", /0xffffffff/);
});
