import { test } from "node:test";
import { flushed, formatOf, numeric, pure, whole } from "./case-tools.ts";
import {
  bitsOf,
  exactly,
  fusedMultiplyAdd,
  isInfiniteBits,
  isNanBits,
  numberOf,
  rounded,
  withoutSubnormal,
} from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";
import { bitsIn, type Scalar } from "./operands.ts";

type FloatType = "f16" | "f32";
type Two = (a: number, b: number) => number;
const ofTwo = (code: string, type: FloatType, expect: Two): InstructionCase =>
  numeric(code, type, [type, type], expect as (...values: number[]) => number);

/** a op b and, after "rev", b op a. */
const sums = (type: FloatType): InstructionCase[] => [
  ofTwo(`v_add_${type} D, A, B`, type, (a, b) => a + b),
  ofTwo(`v_sub_${type} D, A, B`, type, (a, b) => a - b),
  ofTwo(`v_subrev_${type} D, A, B`, type, (a, b) => b - a),
  ofTwo(`v_mul_${type} D, A, B`, type, (a, b) => a * b),
];

/** With MODE.IEEE a signalling NaN wins; a quiet one loses against a number. */
function extreme(code: string, type: FloatType, pick: Two): InstructionCase {
  const format = formatOf(type);
  const quiet = 1n << BigInt(format.fraction - 1);
  return pure(code, type, [type, type], (...bits) => {
    if (bits.some((one) => isNanBits(format, one) && (one & quiet) === 0n)) return bitsOf(format, Number.NaN);
    const [a, b] = bits.map((one) => numberOf(format, one)) as [number, number];
    return bitsOf(format, Number.isNaN(a) ? b : Number.isNaN(b) ? a : pick(a, b));
  });
}

/** The destination's old value is the addend. */
function accumulating(
  code: string,
  type: FloatType,
  expect: (a: bigint, b: bigint, old: bigint) => bigint,
): InstructionCase {
  const mask = (1n << BigInt(bitsIn(type))) - 1n;
  return {
    code,
    out: type,
    in: [{ type }, { type }],
    expect: ([a, b], { old }) => expect(a as bigint, b as bigint, old & mask),
  };
}

const single = Math.fround;
const unfused = (a: number, b: number, c: number): number =>
  flushed(single(flushed(single(flushed(a) * flushed(b))) + flushed(c)));
const legacy = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
const asNumbers =
  (apply: (a: number, b: number, c: number) => number) =>
  (...bits: [bigint, bigint, bigint]): bigint =>
    bitsOf(formatOf("f32"), apply(...(bits.map((one) => numberOf(formatOf("f32"), one)) as [number, number, number])));

const floats: InstructionCase[] = [
  ...sums("f32"),
  ofTwo("v_mul_legacy_f32 D, A, B", "f32", legacy),
  extreme("v_min_f32 D, A, B", "f32", Math.min),
  extreme("v_max_f32 D, A, B", "f32", Math.max),
  accumulating("v_mac_f32 D, A, B", "f32", asNumbers(unfused)),
  accumulating(
    "v_mac_legacy_f32 D, A, B",
    "f32",
    asNumbers((a, b, c) => flushed(single(flushed(single(legacy(flushed(a), flushed(b)))) + flushed(c)))),
  ),
  numeric("v_madmk_f32 D, A, 0x40490fdb, B", "f32", ["f32", "f32"], (...values) =>
    unfused(values[0] as number, single(Math.PI), values[1] as number),
  ),
  numeric("v_madak_f32 D, A, B, 0x40490fdb", "f32", ["f32", "f32"], (...values) =>
    unfused(values[0] as number, values[1] as number, single(Math.PI)),
  ),
  accumulating("v_fmac_f32 D, A, B", "f32", (...bits) => fusedMultiplyAdd(formatOf("f32"), ...bits)),
  pure("v_fmamk_f32 D, A, 0x40490fdb, B", "f32", ["f32", "f32"], (...bits) =>
    fusedMultiplyAdd(formatOf("f32"), bits[0] as bigint, 0x40490fdbn, bits[1] as bigint),
  ),
  pure("v_fmaak_f32 D, A, B, 0x40490fdb", "f32", ["f32", "f32"], (...bits) =>
    fusedMultiplyAdd(formatOf("f32"), bits[0] as bigint, bits[1] as bigint, 0x40490fdbn),
  ),
  pure(
    "v_cvt_pkrtz_f16_f32 D, A, B",
    "u32",
    ["f32", "f32"],
    (...bits) => towardZero(bits[0] as bigint) | (towardZero(bits[1] as bigint) << 16n),
  ),
];

/** f32 bits to f16 bits, cut; a NaN keeps the top of its payload. */
function towardZero(bits: bigint): bigint {
  const sign = (bits >> 16n) & 0x8000n;
  if (isNanBits(formatOf("f32"), bits)) return sign | 0x7e00n | ((bits >> 13n) & 0x3ffn);
  const magnitude = Math.abs(numberOf(formatOf("f32"), bits));
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00n;
  if (magnitude >= 65536) return sign | 0x7bffn;
  const step = 2 ** Math.max(Math.floor(Math.log2(magnitude)) - 10, -24);
  return sign | bitsOf(formatOf("f16"), Math.floor(magnitude / step) * step);
}

const halves: InstructionCase[] = [
  ...sums("f16"),
  extreme("v_min_f16 D, A, B", "f16", Math.min),
  extreme("v_max_f16 D, A, B", "f16", Math.max),
  accumulating("v_fmac_f16 D, A, B", "f16", (...bits) => fusedMultiplyAdd(formatOf("f16"), ...bits)),
  pure("v_fmamk_f16 D, A, 0x3555, B", "f16", ["f16", "f16"], (...bits) =>
    fusedMultiplyAdd(formatOf("f16"), bits[0] as bigint, 0x3555n, bits[1] as bigint),
  ),
  pure("v_fmaak_f16 D, A, B, 0x3555", "f16", ["f16", "f16"], (...bits) =>
    fusedMultiplyAdd(formatOf("f16"), bits[0] as bigint, bits[1] as bigint, 0x3555n),
  ),
  pure("v_ldexp_f16 D, A, B", "f16", ["f16", "i16"], (...bits) => {
    const [value, power] = bits as [bigint, bigint];
    if (isNanBits(formatOf("f16"), value) || isInfiniteBits(formatOf("f16"), value)) return value;
    const number = exactly(formatOf("f16"), value);
    const distance = Math.min(Math.max(Number(BigInt.asIntN(16, power)), -100), 100);
    return rounded(formatOf("f16"), { ...number, exponent: number.exponent + distance });
  }),
  {
    code: "v_lshl_or_b32 A, A, 16, A\nv_lshl_or_b32 B, B, 16, B\nv_pk_fmac_f16 D, A, B",
    out: "u32",
    in: [
      { type: "f16", below: 6 },
      { type: "f16", below: 6 },
    ],
    expect: ([a, b], { old }) => {
      const half = (addend: bigint): bigint =>
        isNanBits(formatOf("f16"), addend)
          ? addend | 0x200n
          : fusedMultiplyAdd(formatOf("f16"), a as bigint, b as bigint, addend);
      return half(old & 0xffffn) | (half(old >> 16n) << 16n);
    },
  },
];

const two = (code: string, type: Scalar, expect: (a: bigint, b: bigint) => bigint): InstructionCase =>
  whole(code, type, [type, type], expect as (...values: bigint[]) => bigint);
const bounded = (value: bigint): bigint => (value < 0n ? 0n : value > 0xffffffffn ? 0xffffffffn : value);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const signed24 = (a: bigint): bigint => BigInt.asIntN(24, a);
const unsigned24 = (a: bigint): bigint => BigInt.asUintN(24, a);

const integers: InstructionCase[] = [
  two("v_add_nc_u32 D, A, B", "u32", (a, b) => a + b),
  two("v_sub_nc_u32 D, A, B", "u32", (a, b) => a - b),
  two("v_subrev_nc_u32 D, A, B", "u32", (a, b) => b - a),
  two("v_add_nc_u32_e64 D, A, B clamp", "u32", (a, b) => bounded(a + b)),
  two("v_sub_nc_u32_e64 D, A, B clamp", "u32", (a, b) => bounded(a - b)),
  two("v_subrev_nc_u32_e64 D, A, B clamp", "u32", (a, b) => bounded(b - a)),
  two("v_mul_i32_i24 D, A, B", "i32", (a, b) => signed24(a) * signed24(b)),
  two("v_mul_hi_i32_i24 D, A, B", "i32", (a, b) => (signed24(a) * signed24(b)) >> 32n),
  two("v_mul_u32_u24 D, A, B", "u32", (a, b) => unsigned24(a) * unsigned24(b)),
  two("v_mul_u32_u24_e64 D, A, B clamp", "u32", (a, b) => bounded(unsigned24(a) * unsigned24(b))),
  two("v_mul_hi_u32_u24 D, A, B", "u32", (a, b) => (unsigned24(a) * unsigned24(b)) >> 32n),
  two("v_min_i32 D, A, B", "i32", least),
  two("v_max_i32 D, A, B", "i32", greatest),
  two("v_min_u32 D, A, B", "u32", least),
  two("v_max_u32 D, A, B", "u32", greatest),
  two("v_lshrrev_b32 D, A, B", "u32", (count, a) => a >> (count & 31n)),
  two("v_ashrrev_i32 D, A, B", "i32", (count, a) => a >> (count & 31n)),
  two("v_lshlrev_b32 D, A, B", "u32", (count, a) => a << (count & 31n)),
  two("v_and_b32 D, A, B", "u32", (a, b) => a & b),
  two("v_or_b32 D, A, B", "u32", (a, b) => a | b),
  two("v_xor_b32 D, A, B", "u32", (a, b) => a ^ b),
  two("v_xnor_b32 D, A, B", "u32", (a, b) => ~(a ^ b)),
];

type Carrying = (a: bigint, b: bigint, carry: bigint) => bigint;
function carrying(code: string, exact: Carrying, clamp = false): InstructionCase {
  return {
    code,
    out: "u32",
    in: [{ type: "u32" }, { type: "u32" }],
    expect: ([a, b], { vcc }) => {
      const result = exact(a as bigint, b as bigint, vcc ? 1n : 0n);
      const flag = result < 0n || result > 0xffffffffn;
      return { value: clamp ? bounded(result) : BigInt.asUintN(32, result), flag };
    },
  };
}

const carries: InstructionCase[] = [
  carrying("v_add_co_ci_u32_e64 D, F, A, B, VCC", (a, b, carry) => a + b + carry),
  carrying("v_sub_co_ci_u32_e64 D, F, A, B, VCC", (a, b, borrow) => a - b - borrow),
  carrying("v_subrev_co_ci_u32_e64 D, F, A, B, VCC", (a, b, borrow) => b - a - borrow),
  carrying("v_add_co_ci_u32_e64 D, F, A, B, VCC clamp", (a, b, carry) => a + b + carry, true),
  carrying("v_sub_co_ci_u32_e64 D, F, A, B, VCC clamp", (a, b, borrow) => a - b - borrow, true),
  carrying("v_subrev_co_ci_u32_e64 D, F, A, B, VCC clamp", (a, b, borrow) => b - a - borrow, true),
  {
    code: "v_add_co_ci_u32 D, VCC, A, B, VCC\nv_add_co_ci_u32_e64 D, F, D, B, VCC",
    out: "u32",
    in: [{ type: "u32" }, { type: "u32" }],
    expect: ([a, b], { vcc }) => {
      const first = (a as bigint) + (b as bigint) + (vcc ? 1n : 0n);
      const second = BigInt.asUintN(32, first) + (b as bigint) + (first >> 32n);
      return { value: BigInt.asUintN(32, second), flag: second >> 32n !== 0n };
    },
  },
  {
    code: "v_cndmask_b32 D, A, B, VCC",
    out: "u32",
    in: [{ type: "u32" }, { type: "u32" }],
    expect: ([a, b], { vcc }) => (vcc ? b : a) as bigint,
  },
  {
    code: "v_cndmask_b32_e64 D, -A, |B|, VCC",
    out: "u32",
    in: [{ type: "u32" }, { type: "u32" }],
    expect: ([a, b], { vcc }) => (vcc ? (b as bigint) & 0x7fffffffn : (a as bigint) ^ 0x80000000n),
  },
];

const bytes = (word: bigint): bigint[] => [0n, 8n, 16n, 24n].map((shift) => BigInt.asIntN(8, word >> shift));

const dots: InstructionCase[] = [
  {
    code: "v_dot4c_i32_i8 D, A, B",
    out: "i32",
    in: [{ type: "u32" }, { type: "u32" }],
    expect: ([a, b], { old }) => {
      const left = bytes(a as bigint);
      const sum = bytes(b as bigint).reduce((total, byte, index) => total + byte * (left[index] as bigint), old);
      return BigInt.asUintN(32, sum);
    },
  },
  {
    code: "v_mov_b32 D, C\nv_dot2c_f32_f16 D, A, B",
    out: "f32",
    in: [{ type: "u32" }, { type: "u32" }, { type: "f32" }],
    more: [0x1n, 0x123n, 0x7fffffn, 0x80000001n].map((c) => [0n, 0n, c]),
    expect: ([a, b, c]) => {
      const half = (word: bigint, index: bigint): bigint => {
        const value = numberOf(formatOf("f16"), (word >> (16n * index)) & 0xffffn);
        return bitsOf(formatOf("f32"), value);
      };
      const f32 = formatOf("f32");
      const start = withoutSubnormal(f32, c as bigint); // whatever MODE says: here it keeps them
      const first = fusedMultiplyAdd(f32, half(a as bigint, 0n), half(b as bigint, 0n), start);
      return withoutSubnormal(f32, fusedMultiplyAdd(f32, half(a as bigint, 1n), half(b as bigint, 1n), first));
    },
  },
];

test("VOP2: f32", (t) => checkInstructions(t, floats));
test("VOP2: f16", (t) => checkInstructions(t, halves));
test("VOP2: integers", (t) => checkInstructions(t, integers));
test("VOP2: masks in and out", (t) => checkInstructions(t, carries));
test("VOP2: dot products of gfx1011 and gfx1012", (t) => checkInstructions(t, dots, "gfx1011"));
test("VOP2: the fused legacy multiply-add of gfx1030", (t) =>
  checkInstructions(
    t,
    [
      accumulating("v_fmac_legacy_f32 D, A, B", "f32", (a, b, old) => {
        const f32 = formatOf("f32");
        const zero = [a, b].some((bits) => (bits & 0x7fffffffn) === 0n);
        return zero ? bitsOf(f32, 0 + numberOf(f32, old)) : fusedMultiplyAdd(f32, a, b, old);
      }),
    ],
    "gfx1030",
  ));
