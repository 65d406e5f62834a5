export type Width = 32 | 64;

export interface Rule {
  /** Memory afterwards from memory, data and second data (or comparison), as unsigned integers of the width */
  next: (memory: bigint, data: bigint, second: bigint, width: Width) => bigint;
  operands?: 2;
  float?: true;
}

const signed = (value: bigint, width: Width) => BigInt.asIntN(width, value);
const largest = (width: Width) => (1n << BigInt(width)) - 1n;

function float(bits: bigint, width: Width): number {
  const view = new DataView(new ArrayBuffer(8));
  if (width === 64) view.setBigUint64(0, bits);
  else view.setUint32(0, Number(bits));
  return width === 64 ? view.getFloat64(0) : view.getFloat32(0);
}

function bitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
}

/** By the names of LLVM behind "global_atomic_" and its like. */
export const RULES: Record<string, Rule> = {
  swap: { next: (_m, d) => d },
  cmpswap: { next: (m, d, c) => (m === c ? d : m), operands: 2 },
  add: { next: (m, d) => m + d },
  sub: { next: (m, d) => m - d },
  smin: { next: (m, d, _, w) => (signed(d, w) < signed(m, w) ? d : m) },
  umin: { next: (m, d) => (d < m ? d : m) },
  smax: { next: (m, d, _, w) => (signed(d, w) > signed(m, w) ? d : m) },
  umax: { next: (m, d) => (d > m ? d : m) },
  and: { next: (m, d) => m & d },
  or: { next: (m, d) => m | d },
  xor: { next: (m, d) => m ^ d },
  inc: { next: (m, d) => (m >= d ? 0n : m + 1n) },
  dec: { next: (m, d) => (m === 0n || m > d ? d : m - 1n) },
  fcmpswap: { next: (m, d, c, w) => (float(m, w) === float(c, w) ? d : m), operands: 2, float: true },
  fmin: { next: (m, d, _, w) => (float(d, w) < float(m, w) ? d : m), float: true },
  fmax: { next: (m, d, _, w) => (float(d, w) > float(m, w) ? d : m), float: true },
};

/** LDS names; where the two data operands of a comparison come the other way round. */
export const LDS_RULES: Record<
  string,
  Rule & { returnsOnly?: true; widths?: Width[]; plain?: string; returning?: string }
> = {
  add_u: { next: (m, d) => m + d },
  sub_u: { next: (m, d) => m - d },
  rsub_u: { next: (m, d) => d - m },
  inc_u: { next: (m, d) => (m >= d ? 0n : m + 1n) },
  dec_u: { next: (m, d) => (m === 0n || m > d ? d : m - 1n) },
  min_i: { next: (m, d, _, w) => (signed(d, w) < signed(m, w) ? d : m) },
  max_i: { next: (m, d, _, w) => (signed(d, w) > signed(m, w) ? d : m) },
  min_u: { next: (m, d) => (d < m ? d : m) },
  max_u: { next: (m, d) => (d > m ? d : m) },
  and_b: { next: (m, d) => m & d },
  or_b: { next: (m, d) => m | d },
  xor_b: { next: (m, d) => m ^ d },
  mskor_b: { next: (m, d, s, w) => (m & (largest(w) ^ d)) | s, operands: 2 },
  wrxchg_b: { next: (_m, d) => d, returnsOnly: true },
  cmpst_b: { next: (m, c, d) => (m === c ? d : m), operands: 2 },
  cmpst_f: { next: (m, c, d, w) => (float(m, w) === float(c, w) ? d : m), operands: 2, float: true },
  min_f: { next: (m, d, _, w) => (float(d, w) < float(m, w) ? d : m), float: true },
  max_f: { next: (m, d, _, w) => (float(d, w) > float(m, w) ? d : m), float: true },
  add_f: { next: (m, d, _, w) => bitsOf(float(m, w) + float(d, w)), float: true, widths: [32] },
  wrap_b: { next: (m, d, s) => (m >= d ? m - d : m + s), operands: 2, returnsOnly: true, widths: [32] },
};

export const INTEGERS: Record<Width, bigint[]> = {
  32: [0n, 1n, 2n, 5n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn],
  64: [0n, 1n, 5n, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn],
};
export const FLOATS: Record<Width, bigint[]> = {
  32: [0n, 0x80000000n, 0x3f800000n, 0xbf800000n, 1n, 0x7f7fffffn, 0x7f800000n, 0xff800000n, 0x7fc00000n],
  64: [0n, 1n << 63n, 0x3ff0000000000000n, 0xbff0000000000000n, 1n, 0x7ff0000000000000n, 0xfff0000000000000n,
    0x7ff8000000000000n], // biome-ignore format: one line a width
};
