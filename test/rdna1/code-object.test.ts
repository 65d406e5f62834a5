import assert from "node:assert/strict";
import { test } from "node:test";
import { readCodeObjectHeader } from "../../src/rdna1/code-object.ts";

/** An ELF header as LLVM writes it for an AMD GPU; sections end at the file's end. */
function header(change: (view: DataView, bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 64, 4]);
  const view = new DataView(bytes.buffer);
  view.setUint16(18, 224, true);
  view.setUint32(48, 0x233, true);
  view.setBigUint64(40, 64n, true);
  change(view, bytes);
  return bytes;
}

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
