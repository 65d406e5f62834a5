import assert from "node:assert/strict";
import { test } from "node:test";
import { instructionFaults, metadataFaults } from "../../src/kernels/audit.ts";
import { readNotes } from "../../src/kernels/notes.ts";

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
