/** The ELF header of an AMD GPU's code object, as LLVM writes it; sections end at the file's end. */
export function codeObject(
  flags = 0x233,
  change: (view: DataView, bytes: Uint8Array) => void = () => {},
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 64, 4]);
  const view = new DataView(bytes.buffer);
  view.setUint16(18, 224, true);
  view.setUint32(48, flags, true);
  view.setBigUint64(40, 64n, true);
  change(view, bytes);
  return bytes;
}
