// What the scalar instructions compute, said with unbounded integers: the RDNA1 ISA manual's definitions, written down
// without a look at the simulator.

/** Bits of an operand: 0 when there is none */
export type Width = 0 | 32 | 64;

/** Result, and the condition code where the instruction writes it */
export type Outcome = readonly [d: bigint, scc?: boolean];

export interface Rule {
  d: Width;
  a: Width;
  b: Width;
  /** Unsigned operands, the old destination and condition code */
  of: (a: bigint, b: bigint, d: bigint, scc: boolean) => Outcome;
  readsScc?: boolean;
}

export const signed = (bits: number, value: bigint) => BigInt.asIntN(bits, value);
export const unsigned = (bits: number, value: bigint) => BigInt.asUintN(bits, value);

const ones = (count: bigint) => (1n << count) - 1n;
const bit = (value: bigint, index: bigint) => (value >> index) & 1n;
const count = (value: bigint) => BigInt(value.toString(2).replaceAll("0", "").length);
const text = (bits: number, value: bigint) => value.toString(2).padStart(bits, "0");

/** The value and whether it has bits. */
const tested = (value: bigint): Outcome => [value, value !== 0n];

function logical(f: (a: bigint, b: bigint) => bigint): (bits: 32 | 64) => Rule {
  return (bits) => ({ d: bits, a: bits, b: bits, of: (a, b) => tested(unsigned(bits, f(a, b))) });
}

function shift(f: (a: bigint, by: bigint, bits: 32 | 64) => bigint): (bits: 32 | 64) => Rule {
  return (bits) => ({
    d: bits,
    a: bits,
    b: 32,
    of: (a, b) => tested(unsigned(bits, f(a, b % BigInt(bits), bits))),
  });
}

const two = (of: Rule["of"], readsScc = false): Rule => ({ d: 32, a: 32, b: 32, of, readsScc });
const compare = (f: (a: bigint, b: bigint) => boolean, bits: 32 | 64 = 32, b: 32 | 64 = bits): Rule => ({
  d: 0,
  a: bits,
  b,
  of: (x, y) => [0n, f(x, y)],
});
const signedCompare = (f: (a: bigint, b: bigint) => boolean) => compare((a, b) => f(signed(32, a), signed(32, b)));

function exact(value: bigint): Outcome {
  return [unsigned(32, value), value !== signed(32, value)];
}

function shiftAdd(by: bigint): Rule {
  return two((a, b) => [unsigned(32, (a << by) + b), (a << by) + b >= 1n << 32n]);
}

function extract(bits: 32 | 64, isSigned: boolean): Rule {
  return {
    d: bits,
    a: bits,
    b: 32,
    of: (a, field) => {
      const first = field % BigInt(bits);
      const width = (field >> 16n) & 127n;
      if (!isSigned) return tested((a >> first) & ones(width));
      const shifted = signed(bits, a) >> first;
      return tested(unsigned(bits, signed(Math.min(Number(width), bits), shifted)));
    },
  };
}

const AND = logical((a, b) => a & b);
const OR = logical((a, b) => a | b);
const XOR = logical((a, b) => a ^ b);
const ANDN2 = logical((a, b) => a & ~b);
const ORN2 = logical((a, b) => a | ~b);
const NAND = logical((a, b) => ~(a & b));
const NOR = logical((a, b) => ~(a | b));
const XNOR = logical((a, b) => ~(a ^ b));
const LSHL = shift((a, by) => a << by);
const LSHR = shift((a, by) => a >> by);
const ASHR = shift((a, by, bits) => signed(bits, a) >> by);

const absolute = (value: bigint) => unsigned(32, signed(32, value) < 0n ? -value : value);

export const SOP2: Record<string, Rule> = {
  s_add_u32: two((a, b) => [unsigned(32, a + b), a + b >= 1n << 32n]),
  s_sub_u32: two((a, b) => [unsigned(32, a - b), a - b < 0n]),
  s_add_i32: two((a, b) => exact(signed(32, a) + signed(32, b))),
  s_sub_i32: two((a, b) => exact(signed(32, a) - signed(32, b))),
  s_addc_u32: two((a, b, _, c) => [unsigned(32, a + b + BigInt(c)), a + b + BigInt(c) >= 1n << 32n], true),
  s_subb_u32: two((a, b, _, c) => [unsigned(32, a - b - BigInt(c)), a - b - BigInt(c) < 0n], true),
  s_min_i32: two((a, b) => (signed(32, a) < signed(32, b) ? [a, true] : [b, false])),
  s_min_u32: two((a, b) => (a < b ? [a, true] : [b, false])),
  s_max_i32: two((a, b) => (signed(32, a) > signed(32, b) ? [a, true] : [b, false])),
  s_max_u32: two((a, b) => (a > b ? [a, true] : [b, false])),
  s_cselect_b32: two((a, b, _, scc) => [scc ? a : b], true),
  s_cselect_b64: { d: 64, a: 64, b: 64, of: (a, b, _, scc) => [scc ? a : b], readsScc: true },
  s_and_b32: AND(32),
  s_and_b64: AND(64),
  s_or_b32: OR(32),
  s_or_b64: OR(64),
  s_xor_b32: XOR(32),
  s_xor_b64: XOR(64),
  s_andn2_b32: ANDN2(32),
  s_andn2_b64: ANDN2(64),
  s_orn2_b32: ORN2(32),
  s_orn2_b64: ORN2(64),
  s_nand_b32: NAND(32),
  s_nand_b64: NAND(64),
  s_nor_b32: NOR(32),
  s_nor_b64: NOR(64),
  s_xnor_b32: XNOR(32),
  s_xnor_b64: XNOR(64),
  s_lshl_b32: LSHL(32),
  s_lshl_b64: LSHL(64),
  s_lshr_b32: LSHR(32),
  s_lshr_b64: LSHR(64),
  s_ashr_i32: ASHR(32),
  s_ashr_i64: ASHR(64),
  s_bfm_b32: two((a, b) => [unsigned(32, ones(a % 32n) << (b % 32n))]),
  s_bfm_b64: { d: 64, a: 32, b: 32, of: (a, b) => [unsigned(64, ones(a % 64n) << (b % 64n))] },
  s_mul_i32: two((a, b) => [unsigned(32, a * b)]),
  s_bfe_u32: extract(32, false),
  s_bfe_i32: extract(32, true),
  s_bfe_u64: extract(64, false),
  s_bfe_i64: extract(64, true),
  s_absdiff_i32: two((a, b) => tested(absolute(a - b))),
  s_lshl1_add_u32: shiftAdd(1n),
  s_lshl2_add_u32: shiftAdd(2n),
  s_lshl3_add_u32: shiftAdd(3n),
  s_lshl4_add_u32: shiftAdd(4n),
  s_pack_ll_b32_b16: two((a, b) => [(a & 0xffffn) | ((b & 0xffffn) << 16n)]),
  s_pack_lh_b32_b16: two((a, b) => [(a & 0xffffn) | ((b >> 16n) << 16n)]),
  s_pack_hh_b32_b16: two((a, b) => [(a >> 16n) | ((b >> 16n) << 16n)]),
  s_mul_hi_u32: two((a, b) => [(a * b) >> 32n]),
  s_mul_hi_i32: two((a, b) => [unsigned(32, (signed(32, a) * signed(32, b)) >> 32n)]),
};

export const SOPC: Record<string, Rule> = {
  s_cmp_eq_i32: signedCompare((a, b) => a === b),
  s_cmp_lg_i32: signedCompare((a, b) => a !== b),
  s_cmp_gt_i32: signedCompare((a, b) => a > b),
  s_cmp_ge_i32: signedCompare((a, b) => a >= b),
  s_cmp_lt_i32: signedCompare((a, b) => a < b),
  s_cmp_le_i32: signedCompare((a, b) => a <= b),
  s_cmp_eq_u32: compare((a, b) => a === b),
  s_cmp_lg_u32: compare((a, b) => a !== b),
  s_cmp_gt_u32: compare((a, b) => a > b),
  s_cmp_ge_u32: compare((a, b) => a >= b),
  s_cmp_lt_u32: compare((a, b) => a < b),
  s_cmp_le_u32: compare((a, b) => a <= b),
  s_bitcmp0_b32: compare((a, b) => bit(a, b % 32n) === 0n),
  s_bitcmp1_b32: compare((a, b) => bit(a, b % 32n) === 1n),
  s_bitcmp0_b64: compare((a, b) => bit(a, b % 64n) === 0n, 64, 32),
  s_bitcmp1_b64: compare((a, b) => bit(a, b % 64n) === 1n, 64, 32),
  s_cmp_eq_u64: compare((a, b) => a === b, 64),
  s_cmp_lg_u64: compare((a, b) => a !== b, 64),
};

/** SOPK: b is the immediate, 16 bits */
export const SOPK: Record<string, Rule> = {
  s_movk_i32: { d: 32, a: 0, b: 32, of: (_, k) => [unsigned(32, signed(16, k))] },
  s_cmovk_i32: { d: 32, a: 0, b: 32, of: (_, k, d, scc) => [scc ? unsigned(32, signed(16, k)) : d], readsScc: true },
  ...Object.fromEntries(
    ["eq", "lg", "gt", "ge", "lt", "le"].flatMap((relation) => {
      const plain = SOPC[`s_cmp_${relation}_u32`]?.of;
      return [
        [`s_cmpk_${relation}_i32`, signedCompare((a, k) => plain?.(a, signed(16, k), 0n, false)[1] === true)],
        [`s_cmpk_${relation}_u32`, compare((a, k) => plain?.(a, unsigned(16, k), 0n, false)[1] === true)],
      ];
    }),
  ),
  s_addk_i32: { d: 32, a: 0, b: 32, of: (_, k, d) => exact(signed(32, d) + signed(16, k)) },
  s_mulk_i32: { d: 32, a: 0, b: 32, of: (_, k, d) => [unsigned(32, d * signed(16, k))] },
};

const one = (d: Width, a: 32 | 64, of: Rule["of"], readsScc = false): Rule => ({ d, a, b: 0, of, readsScc });

function quads(bits: number, value: bigint): boolean[] {
  return Array.from({ length: bits / 4 }, (_, i) => ((value >> BigInt(4 * i)) & 15n) !== 0n);
}
const wholeQuads = (bits: 32 | 64) =>
  one(bits, bits, (a) => tested(quads(bits, a).reduce((sum, set, i) => sum + (set ? 15n << BigInt(4 * i) : 0n), 0n)));
const quadMask = (bits: 32 | 64) =>
  one(bits, bits, (a) => tested(quads(bits, a).reduce((sum, set, i) => sum + (set ? 1n << BigInt(i) : 0n), 0n)));
const reverse = (bits: 32 | 64) => one(bits, bits, (a) => [BigInt(`0b${[...text(bits, a)].reverse().join("")}`)]);
const found = (index: number): Outcome => [unsigned(32, BigInt(index))];
const lowest = (bits: 32 | 64, digit: string) =>
  one(32, bits, (a) => found([...text(bits, a)].reverse().join("").indexOf(digit)));
const highest = (bits: 32 | 64) => one(32, bits, (a) => found(text(bits, a).indexOf("1")));
const signBits = (bits: 32 | 64) =>
  one(32, bits, (a) => {
    const digits = text(bits, a);
    return found(digits.indexOf(digits.startsWith("0") ? "1" : "0"));
  });
const extended = (bits: number) => one(32, 32, (a) => [unsigned(32, signed(bits, a))]);
const withBit = (bits: 32 | 64, value: boolean): Rule => ({
  d: bits,
  a: 32,
  b: 0,
  of: (a, _, d) => {
    const mask = 1n << (a % BigInt(bits));
    return [value ? d | mask : d & ~mask];
  },
});

export const SOP1: Record<string, Rule> = {
  s_mov_b32: one(32, 32, (a) => [a]),
  s_mov_b64: one(64, 64, (a) => [a]),
  s_cmov_b32: one(32, 32, (a, _, d, scc) => [scc ? a : d], true),
  s_cmov_b64: one(64, 64, (a, _, d, scc) => [scc ? a : d], true),
  s_not_b32: one(32, 32, (a) => tested(ones(32n) - a)),
  s_not_b64: one(64, 64, (a) => tested(ones(64n) - a)),
  s_wqm_b32: wholeQuads(32),
  s_wqm_b64: wholeQuads(64),
  s_brev_b32: reverse(32),
  s_brev_b64: reverse(64),
  s_bcnt0_i32_b32: one(32, 32, (a) => tested(32n - count(a))),
  s_bcnt0_i32_b64: one(32, 64, (a) => tested(64n - count(a))),
  s_bcnt1_i32_b32: one(32, 32, (a) => tested(count(a))),
  s_bcnt1_i32_b64: one(32, 64, (a) => tested(count(a))),
  s_ff0_i32_b32: lowest(32, "0"),
  s_ff0_i32_b64: lowest(64, "0"),
  s_ff1_i32_b32: lowest(32, "1"),
  s_ff1_i32_b64: lowest(64, "1"),
  s_flbit_i32_b32: highest(32),
  s_flbit_i32_b64: highest(64),
  s_flbit_i32: signBits(32),
  s_flbit_i32_i64: signBits(64),
  s_sext_i32_i8: extended(8),
  s_sext_i32_i16: extended(16),
  s_bitset0_b32: withBit(32, false),
  s_bitset0_b64: withBit(64, false),
  s_bitset1_b32: withBit(32, true),
  s_bitset1_b64: withBit(64, true),
  s_quadmask_b32: quadMask(32),
  s_quadmask_b64: quadMask(64),
  s_abs_i32: one(32, 32, (a) => tested(absolute(a))),
  s_bitreplicate_b64_b32: one(64, 32, (a) => [BigInt(`0b${text(32, a).replaceAll(/./g, (digit) => digit + digit)}`)]),
};

/** New EXEC of a source and the old EXEC; `writes`: the destination takes the new EXEC, not the old one */
export const SAVE_EXEC: Record<string, { of: (a: bigint, exec: bigint) => bigint; writes?: boolean }> = {
  and_saveexec: { of: (a, exec) => a & exec },
  or_saveexec: { of: (a, exec) => a | exec },
  xor_saveexec: { of: (a, exec) => a ^ exec },
  andn2_saveexec: { of: (a, exec) => a & ~exec },
  orn2_saveexec: { of: (a, exec) => a | ~exec },
  nand_saveexec: { of: (a, exec) => ~(a & exec) },
  nor_saveexec: { of: (a, exec) => ~(a | exec) },
  xnor_saveexec: { of: (a, exec) => ~(a ^ exec) },
  andn1_saveexec: { of: (a, exec) => ~a & exec },
  orn1_saveexec: { of: (a, exec) => ~a | exec },
  andn1_wrexec: { of: (a, exec) => ~a & exec, writes: true },
  andn2_wrexec: { of: (a, exec) => a & ~exec, writes: true },
};
