/** What the ELF header of an AMDGPU code object says [LLVM AMDGPUUsage, "ELF Code Object"]. */
export interface CodeObjectHeader {
  /** `e_flags` machine field; 0x33 is gfx1010 */
  mach: number;
  xnack: "unsupported" | "any" | "off" | "on";
  /** Code-object version, 4 to 6 */
  version: number;
}

const EM_AMDGPU = 224;
const ELFOSABI_AMDGPU_HSA = 64;
/** `e_ident[EI_ABIVERSION]` of code-object versions [AMDGPUUsage, ELFABIVERSION_AMDGPU_HSA_V4 …]. */
const VERSIONS: Readonly<Record<number, number>> = { 2: 4, 3: 5, 4: 6 };
const XNACK = ["unsupported", "any", "off", "on"] as const;

/** Reads the header, or says in words why the bytes are not a code object for an AMD GPU. */
export function readCodeObjectHeader(object: Uint8Array): CodeObjectHeader | string {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  if (object.length < 64 || view.getUint32(0) !== 0x7f454c46) return "not an ELF file";
  if (object[4] !== 2 || object[5] !== 1) return "not a 64-bit little-endian ELF file";
  if (view.getUint16(18, true) !== EM_AMDGPU || object[7] !== ELFOSABI_AMDGPU_HSA) return "not an AMD GPU code object";
  const abi = object[8] ?? 0;
  const version = VERSIONS[abi];
  if (version === undefined) return `code-object ABI version ${abi} is not known`;
  // Section headers lie at the end of what LLVM writes: a shorter file was cut.
  const end = Number(view.getBigUint64(40, true)) + view.getUint16(58, true) * view.getUint16(60, true);
  if (end > object.length) return `truncated: ${object.length} of ${end} bytes`;
  const flags = view.getUint32(48, true);
  if ((flags & ~0x3ff) !== 0) return `e_flags 0x${flags.toString(16)} has bits that RDNA1 does not know`;
  return { mach: flags & 0xff, xnack: XNACK[(flags >> 8) & 3] ?? "unsupported", version };
}
