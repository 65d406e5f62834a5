import { test } from "node:test";
import { numeric, operands, pure, saturated, toEven, whole, withSign } from "./case-tools.ts";
import { f16 as half, numberOf } from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";
import { bitsIn, type Scalar } from "./operands.ts";

type Integer = "i16" | "u16" | "i32" | "u32";
type Apply = (a: bigint, b: bigint, c: bigint) => bigint;

const least = (...values: bigint[]): bigint => values.reduce((a, b) => (a < b ? a : b));
const greatest = (...values: bigint[]): bigint => values.reduce((a, b) => (a > b ? a : b));
const middle = (...values: bigint[]): bigint => [...values].sort((a, b) => (a < b ? -1 : 1))[1] as bigint;
const limited = (type: Scalar, value: bigint): bigint => {
  const high = (1n << BigInt(bitsIn(type) - (type.startsWith("i") ? 1 : 0))) - 1n;
  const low = type.startsWith("i") ? -high - 1n : 0n;
  return greatest(low, least(high, value));
};

/** An operation on one type, and its variant that saturates. */
function both(name: string, out: Integer, types: readonly Scalar[], apply: Apply): InstructionCase[] {
  const sources = ["A", "B", "C"].slice(0, types.length).join(", ");
  const expect = (...values: bigint[]): bigint => apply(...(values as [bigint, bigint, bigint]));
  return [
    whole(`${name} D, ${sources}`, out, types, expect),
    whole(`${name} D, ${sources} clamp`, out, types, (...values) => limited(out, expect(...values))),
  ];
}

function withCarry(name: string, apply: (a: bigint, b: bigint) => bigint): InstructionCase[] {
  const make = (clamp: boolean): InstructionCase => ({
    code: `${name} D, F, A, B${clamp ? " clamp" : ""}`,
    out: "u32",
    in: operands("u32", "u32"),
    expect: ([a, b]) => {
      const exact = apply(a as bigint, b as bigint);
      const value = clamp ? limited("u32", exact) : exact;
      return { value: BigInt.asUintN(32, value), flag: exact !== BigInt.asUintN(32, exact) };
    },
  });
  return [make(false), make(true)];
}

function wideProduct(type: "u" | "i"): InstructionCase {
  const narrow: Scalar = `${type}32`;
  const wide: Scalar = `${type}64`;
  return {
    code: `v_mad_${type}64_${type}32 D2, F, A, B, C2`,
    out: wide,
    in: operands(narrow, narrow, wide),
    expect: ([a, b, c]) => {
      const exact = withSign(narrow, a as bigint) * withSign(narrow, b as bigint) + withSign(wide, c as bigint);
      return { value: BigInt.asUintN(64, exact), flag: ((exact >> 64n) & 1n) === 1n };
    },
  };
}

const byte = (value: bigint, index: number): bigint => (value >> BigInt(8 * index)) & 255n;
const halfOf = (value: bigint, index: number): bigint => (value >> BigInt(16 * index)) & 0xffffn;
const apart = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a);
const sum = (count: number, term: (index: number) => bigint): bigint =>
  Array.from({ length: count }, (_, index) => term(index)).reduce((a, b) => a + b);
const differences = (a: bigint, b: bigint): bigint => sum(4, (i) => apart(byte(a, i), byte(b, i)));
const masked = (a: bigint, b: bigint): bigint =>
  sum(4, (i) => (byte(b, i) === 0n ? 0n : apart(byte(a, i), byte(b, i))));
const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
const joined = (bits: number, count: number, part: (index: number) => bigint): bigint =>
  sum(count, (index) => BigInt.asUintN(bits, part(index)) << BigInt(bits * index));

const orders: InstructionCase[] = (["i16", "u16", "i32", "u32"] as const).flatMap((type) => [
  whole(`v_min3_${type} D, A, B, C`, type, [type, type, type], least),
  whole(`v_max3_${type} D, A, B, C`, type, [type, type, type], greatest),
  whole(`v_med3_${type} D, A, B, C`, type, [type, type, type], middle),
  ...(type.endsWith("16")
    ? [
        whole(`v_min_${type} D, A, B`, type, [type, type], least),
        whole(`v_max_${type} D, A, B`, type, [type, type], greatest),
      ]
    : []),
]);

const sums: InstructionCase[] = [
  ...both("v_mad_i32_i24", "i32", ["i32", "i32", "i32"], (a, b, c) => BigInt.asIntN(24, a) * BigInt.asIntN(24, b) + c),
  ...both("v_mad_u32_u24", "u32", ["u32", "u32", "u32"], (a, b, c) => (a & 0xffffffn) * (b & 0xffffffn) + c),
  ...both("v_mad_u16", "u16", ["u16", "u16", "u16"], (a, b, c) => a * b + c),
  ...both("v_mad_i16", "i16", ["i16", "i16", "i16"], (a, b, c) => a * b + c),
  ...both("v_mad_u32_u16", "u32", ["u16", "u16", "u32"], (a, b, c) => a * b + c),
  ...both("v_mad_i32_i16", "i32", ["i16", "i16", "i32"], (a, b, c) => a * b + c),
  ...both("v_add_nc_u16", "u16", ["u16", "u16"], (a, b) => a + b),
  ...both("v_sub_nc_u16", "u16", ["u16", "u16"], (a, b) => a - b),
  ...both("v_add_nc_i16", "i16", ["i16", "i16"], (a, b) => a + b),
  ...both("v_sub_nc_i16", "i16", ["i16", "i16"], (a, b) => a - b),
  ...both("v_add_nc_i32", "i32", ["i32", "i32"], (a, b) => a + b),
  ...both("v_sub_nc_i32", "i32", ["i32", "i32"], (a, b) => a - b),
  ...withCarry("v_add_co_u32", (a, b) => a + b),
  ...withCarry("v_sub_co_u32", (a, b) => a - b),
  ...withCarry("v_subrev_co_u32", (a, b) => b - a),
  wideProduct("u"),
  wideProduct("i"),
  whole("v_mul_lo_u32 D, A, B", "u32", ["u32", "u32"], (a, b) => (a as bigint) * (b as bigint)),
  whole("v_mul_lo_i32 D, A, B", "i32", ["i32", "i32"], (a, b) => (a as bigint) * (b as bigint)),
  whole("v_mul_hi_u32 D, A, B", "u32", ["u32", "u32"], (a, b) => ((a as bigint) * (b as bigint)) >> 32n),
  whole("v_mul_hi_i32 D, A, B", "i32", ["i32", "i32"], (a, b) => ((a as bigint) * (b as bigint)) >> 32n),
  whole("v_mul_lo_u16 D, A, B", "u16", ["u16", "u16"], (a, b) => (a as bigint) * (b as bigint)),
  ternary("v_xad_u32", (a, b, c) => (a ^ b) + c),
  ternary("v_lshl_add_u32", (a, b, c) => (a << (b % 32n)) + c),
  ternary("v_add_lshl_u32", (a, b, c) => u32(a + b) << (c % 32n)),
  ternary("v_add3_u32", (a, b, c) => a + b + c),
];

function ternary(name: string, apply: Apply): InstructionCase {
  return whole(`${name} D, A, B, C`, "u32", ["u32", "u32", "u32"], (...values) =>
    apply(...(values as [bigint, bigint, bigint])),
  );
}

const shifts: InstructionCase[] = [
  whole("v_lshlrev_b64 D2, A, B2", "u64", ["u32", "u64"], (n, a) => (a as bigint) << ((n as bigint) % 64n)),
  whole("v_lshrrev_b64 D2, A, B2", "u64", ["u32", "u64"], (n, a) => (a as bigint) >> ((n as bigint) % 64n)),
  whole("v_ashrrev_i64 D2, A, B2", "i64", ["u32", "i64"], (n, a) => (a as bigint) >> ((n as bigint) % 64n)),
  whole("v_lshlrev_b16 D, A, B", "u16", ["u16", "u16"], (n, a) => (a as bigint) << ((n as bigint) % 16n)),
  whole("v_lshrrev_b16 D, A, B", "u16", ["u16", "u16"], (n, a) => (a as bigint) >> ((n as bigint) % 16n)),
  whole("v_ashrrev_i16 D, A, B", "i16", ["u16", "i16"], (n, a) => (a as bigint) >> ((n as bigint) % 16n)),
  ternary("v_alignbit_b32", (a, b, c) => ((a << 32n) | b) >> (c % 32n)),
  ternary("v_alignbyte_b32", (a, b, c) => ((a << 32n) | b) >> (8n * (c % 4n))),
  ternary("v_lshl_or_b32", (a, b, c) => (a << (b % 32n)) | c),
];

const permuted = (bytes: bigint, selector: bigint): bigint => {
  if (selector < 8n) return byte(bytes, Number(selector));
  if (selector < 12n) return ((bytes >> (16n * (selector - 8n) + 15n)) & 1n) * 255n;
  return selector === 12n ? 0n : 255n;
};

const bits: InstructionCase[] = [
  ternary("v_bfe_u32", (a, b, c) => (a >> (b % 32n)) & ((1n << (c % 32n)) - 1n)),
  whole("v_bfe_i32 D, A, B, C", "i32", ["i32", "u32", "u32"], (...values) => {
    const [a, b, c] = values as [bigint, bigint, bigint];
    return BigInt.asIntN(Number(c % 32n), a >> (b % 32n));
  }),
  ternary("v_bfi_b32", (a, b, c) => (a & b) | (~a & c)),
  whole(
    "v_bfm_b32 D, A, B",
    "u32",
    ["u32", "u32"],
    (a, b) => ((1n << ((a as bigint) % 32n)) - 1n) << ((b as bigint) % 32n),
  ),
  ternary("v_and_or_b32", (a, b, c) => (a & b) | c),
  ternary("v_or3_b32", (a, b, c) => a | b | c),
  ternary("v_xor3_b32", (a, b, c) => a ^ b ^ c),
  whole(
    "v_bcnt_u32_b32 D, A, B",
    "u32",
    ["u32", "u32"],
    (a, b) => BigInt((a as bigint).toString(2).replaceAll("0", "").length) + (b as bigint),
  ),
  ternary("v_perm_b32", (a, b, c) => joined(8, 4, (i) => permuted((a << 32n) | b, byte(c, i)))),
  {
    ...ternary("v_perm_b32", (a, b, c) => joined(8, 4, (i) => permuted((a << 32n) | b, byte(c, i)))),
    code: "v_and_b32 C, 0x0f0f0f0f, C\n v_perm_b32 D, A, B, C",
    expect: ([a, b, c]) =>
      joined(8, 4, (i) => permuted(((a as bigint) << 32n) | (b as bigint), byte(c as bigint, i) & 15n)),
  },
  ternary("v_lerp_u8", (a, b, c) => joined(8, 4, (i) => (byte(a, i) + byte(b, i) + (byte(c, i) & 1n)) >> 1n)),
];

const sads: InstructionCase[] = [
  ...both("v_sad_u8", "u32", ["u32", "u32", "u32"], (a, b, c) => differences(a, b) + c),
  ...both("v_sad_hi_u8", "u32", ["u32", "u32", "u32"], (a, b, c) => (differences(a, b) << 16n) + c),
  ...both("v_sad_u16", "u32", ["u32", "u32", "u32"], (a, b, c) => sum(2, (i) => apart(halfOf(a, i), halfOf(b, i))) + c),
  ...both("v_sad_u32", "u32", ["u32", "u32", "u32"], (a, b, c) => apart(a, b) + c),
  ...both("v_msad_u8", "u32", ["u32", "u32", "u32"], (a, b, c) => masked(a, b) + c),
  ...(
    [
      ["v_qsad_pk_u16_u8", differences],
      ["v_mqsad_pk_u16_u8", masked],
    ] as const
  ).map(([name, apply]) =>
    whole(`${name} D2, A2, B, C2`, "u64", ["u64", "u32", "u64"], (...values) => {
      const [a, b, c] = values as [bigint, bigint, bigint];
      return joined(16, 4, (i) => apply(u32(a >> BigInt(8 * i)), b) + halfOf(c, i));
    }),
  ),
  {
    code: "v_mqsad_u32_u8 D4, A2, B, C4",
    out: "b128",
    in: operands("u64", "u32", "u64"),
    // The upper half of C is where the state of the registers comes from.
    expect: ([a, b, c], { old, vcc }) => {
      const sums = [u32(c as bigint), (c as bigint) >> 32n, vcc ? 1n : 0n, old];
      return joined(32, 4, (i) => masked(u32((a as bigint) >> BigInt(8 * i)), b as bigint) + (sums[i] as bigint));
    },
  },
];

const norm = (type: "i16" | "u16", value: number): bigint =>
  Number.isNaN(value)
    ? 0n
    : BigInt.asUintN(
        16,
        BigInt(toEven(Math.min(Math.max(value, type === "i16" ? -1 : 0), 1) * (type === "i16" ? 32767 : 65535))),
      );

const pairs: InstructionCase[] = [
  pure("v_pack_b32_f16 D, A, B", "u32", ["u16", "u16"], (a, b) => (a as bigint) | ((b as bigint) << 16n)),
  whole("v_cvt_pk_u16_u32 D, A, B", "u32", ["u32", "u32"], (...values) =>
    joined(16, 2, (i) => limited("u16", values[i] as bigint)),
  ),
  whole("v_cvt_pk_i16_i32 D, A, B", "u32", ["i32", "i32"], (...values) =>
    joined(16, 2, (i) => limited("i16", values[i] as bigint)),
  ),
  ...(["i16", "u16"] as const).flatMap((type) => [
    numeric(`v_cvt_pknorm_${type}_f32 D, A, B`, "u32", ["f32", "f32"], (...values) =>
      Number(joined(16, 2, (i) => norm(type, values[i] as number))),
    ),
    pure(`v_cvt_pknorm_${type}_f16 D, A, B`, "u32", ["f16", "f16"], (...values) =>
      joined(16, 2, (i) => norm(type, numberOf(half, values[i] as bigint))),
    ),
  ]),
  numeric("v_cvt_pk_u8_f32 D, A, B, C", "u32", ["f32", "u32", "u32"], (a, b, c) => {
    const shift = 8n * (BigInt(b as number) % 4n);
    const value = BigInt(saturated("u8", toEven(a as number)));
    return Number((BigInt(c as number) & ~(255n << shift)) | (value << shift));
  }),
];

test("VOP3: orders of integers", (t) => checkInstructions(t, orders));
test("VOP3: sums and products of integers", (t) => checkInstructions(t, sums));
test("VOP3: shifts", (t) => checkInstructions(t, shifts));
test("VOP3: bits and bytes", (t) => checkInstructions(t, bits));
test("VOP3: sums of absolute differences", (t) => checkInstructions(t, sads));
test("VOP3: conversions to pairs", (t) => checkInstructions(t, pairs));
