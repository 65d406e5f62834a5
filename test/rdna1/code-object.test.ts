import assert from "node:assert/strict";
import { test } from "node:test";
import { readCodeObjectHeader } from "../../src/rdna1/code-object.ts";
import { codeObject } from "./sample-object.ts";

const header = (change?: (view: DataView, bytes: Uint8Array) => void) => codeObject(0x233, change);

test("reads machine, xnack and code-object version", () => {
  assert.deepEqual(readCodeObjectHeader(header()), { mach: 0x33, xnack: "off", version: 6 });
  const gfx1030 = header((view) => view.setUint32(48, 0x36, true));
  assert.deepEqual(readCodeObjectHeader(gfx1030), { mach: 0x36, xnack: "unsupported", version: 6 });
});

for (const [what, bytes, pattern] of [
  ["an empty file", new Uint8Array(0), /not an ELF/],
  ["a program of the host", header((view) => view.setUint16(18, 62, true)), /not an AMD GPU/],
  ["a cut file", header((view) => view.setBigUint64(40, 4096n, true)), /truncated: 64 of 4096/],
  ["an unknown ABI version", header((_, bytes) => bytes.fill(9, 8, 9)), /ABI version 9/],
  ["flags of other chips", header((view) => view.setUint32(48, 0xe33, true)), /e_flags 0xe33/],
] as const) {
  test(`says what is wrong with ${what}`, () => {
    assert.match(String(readCodeObjectHeader(bytes)), pattern);
  });
}
