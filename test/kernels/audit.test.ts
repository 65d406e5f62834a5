import assert from "node:assert/strict";
import { test } from "node:test";
import { auditKernels, headerFaults, instructionFaults, metadataFaults } from "../../src/kernels/audit.ts";
import { readNotes } from "../../src/kernels/notes.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { readCodeObjectHeader } from "../../src/rdna1/code-object.ts";
import { codeObject } from "../rdna1/sample-object.ts";
import { sampleToolchain } from "../release/sample.ts";
import { scratch } from "../toolchain/helpers.ts";

const good = {
  name: "k",
  symbol: "k.kd",
  vgprs: 33,
  sgprs: 20,
  lds: 1360,
  scratch: 0,
  maxWorkGroup: 256,
  waveSize: 32,
};
const symbols = "   1: 0000 64 OBJECT GLOBAL PROTECTED 7 k.kd\n   2: 0000 99 FUNC GLOBAL PROTECTED 8 k";
const faults = (change: Partial<typeof good>, target = "amdgcn-amd-amdhsa--gfx1010:xnack-") =>
  metadataFaults([{ ...good, ...change }], target, "gfx1010", symbols);

test("passes metadata within the limits", () => {
  assert.deepEqual(faults({}), []);
});

for (const [what, change, pattern] of [
  ["too many vector registers", { vgprs: 257 }, /257, the limit is 256/],
  ["too many scalar registers", { sgprs: 128 }, /128, the limit is 106/],
  ["more LDS than a work-group has", { lds: 65540 }, /65540/],
  ["a work-group that is too large", { maxWorkGroup: 2048 }, /2048/],
  ["a wave size that does not exist", { waveSize: 16 }, /wave size 16/],
  ["a number that is missing", { vgprs: Number.NaN }, /NaN/],
  ["a descriptor that is not in the symbol table", { symbol: "gone.kd" }, /no symbol gone\.kd/],
] as const) {
  test(`finds ${what}`, () => {
    assert.match(faults(change).join("\n"), pattern);
  });
}

test("finds metadata of another target", () => {
  assert.match(faults({}, "amdgcn-amd-amdhsa--gfx1030").join("\n"), /gfx1030/);
});

test("finds words that are no instruction, s_inst_prefetch, and an empty disassembly", () => {
  assert.match(instructionFaults(["\ts_endpgm", "\t.long 0xdeadbeef"]).join(), /no instruction/);
  assert.match(instructionFaults(["\ts_inst_prefetch 0x3"]).join(), /s_inst_prefetch/);
  assert.deepEqual(instructionFaults([]), ["no instructions"]);
  assert.deepEqual(instructionFaults(["\tv_add_f32_e32 v0, v1, v2", "\ts_endpgm"]), []);
});

test("gives no metadata for a file that llvm-readelf could not read", () => {
  assert.deepEqual(readNotes("File: a.co\n  nothing\n", ["a.co", "b.co"]), [undefined, undefined]);
});

for (const [what, flags, faults] of [
  ["passes gfx1010 without xnack", 0x233, []],
  ["passes gfx1010 for any xnack", 0x133, []],
  ["finds gfx1030", 0x236, ["built for machine 0x36, not for gfx1010 (0x33)"]],
  ["finds gfx1012", 0x235, ["built for machine 0x35, not for gfx1010 (0x33)"]],
  ["finds xnack that is on", 0x333, ["xnack is on"]],
  ["finds an object that knows nothing of xnack", 0x33, ["xnack is unsupported"]],
] as const) {
  test(`${what} in the header`, () => {
    assert.deepEqual(headerFaults(readCodeObjectHeader(codeObject(flags)), "gfx1010"), faults);
  });
}

test("a tool that failed and said nothing is the machine's fault, not the kernels'", async (t) => {
  const kernel = { name: "a.cpp.o", args: "", blob: Buffer.from(""), hash: "0".repeat(32), size: 0 };
  const exec: Exec = {
    run: async () => ({ code: 127, signal: null, timedOut: false, stdout: "", stderr: "no such file", seconds: 0 }),
  };
  const how = { toolchain: sampleToolchain("/rocm"), exec, jobs: 1, scratch: await scratch(t) };
  await assert.rejects(auditKernels([{ ...kernel, object: Buffer.from(codeObject(0x233)) }], "gfx1010", how), {
    kind: "machine",
    message: /llvm-readelf failed: no such file/,
  });
});
