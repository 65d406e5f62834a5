import { test } from "node:test";
import { flushed, formatOf, numeric, pure, saturated, toEven, whole } from "./case-tools.ts";
import { bitsOf, exactly, isInfiniteBits, isNanBits, lengthOf, numberOf, rounded } from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";
import type { Scalar } from "./operands.ts";

type FloatType = "f16" | "f32" | "f64";
const registers: Record<FloatType, string> = { f16: "", f32: "", f64: "2" };

function unary(name: string, type: FloatType, expect: (value: number) => number, ulps = 0): InstructionCase {
  const count = registers[type];
  return numeric(
    `v_${name}_${type} D${count}, A${count}`,
    type,
    [type],
    expect as (...values: number[]) => number,
    ulps,
  );
}

const convert = (out: Scalar, type: Scalar, expect: (value: number) => number): InstructionCase =>
  numeric(
    `v_cvt_${out}_${type} D${out === "f64" ? "2" : ""}, A${type === "f64" ? "2" : ""}`,
    out,
    [type],
    expect as (...values: number[]) => number,
  );

/** x - floor(x) rounded, and below 1. */
function fraction(type: FloatType): (value: number) => number {
  const format = formatOf(type);
  const largest = 1 - 2 ** -(format.fraction + 1);
  return (value) => {
    const rest = value - Math.floor(value);
    const result = numberOf(format, bitsOf(format, rest));
    return result >= 1 ? largest : result;
  };
}

function significand(type: FloatType): InstructionCase {
  const format = formatOf(type);
  return pure(`v_frexp_mant_${type} D${registers[type]}, A${registers[type]}`, type, [type], (a) => {
    const bits = a as bigint;
    const number = exactly(format, bits);
    if (isNanBits(format, bits) || isInfiniteBits(format, bits) || number.magnitude === 0n) return bits;
    return rounded(format, { ...number, exponent: -lengthOf(number.magnitude) });
  });
}

function exponent(type: FloatType): InstructionCase {
  const format = formatOf(type);
  const out = type === "f16" ? "i16" : "i32";
  return pure(`v_frexp_exp_${out}_${type} D, A${registers[type]}`, out, [type], (a) => {
    const bits = a as bigint;
    const number = exactly(format, bits);
    if (isNanBits(format, bits) || isInfiniteBits(format, bits) || number.magnitude === 0n) return 0n;
    return BigInt.asUintN(out === "i16" ? 16 : 32, BigInt(number.exponent + lengthOf(number.magnitude)));
  });
}

/** Sine of an angle in turns: turns modulo 1 is exact. */
function sine(turns: number): number {
  const rest = turns % 1;
  if (turns === 0) return turns;
  if (Math.abs(rest) === 0.5 || rest === 0) return 0;
  if (Math.abs(rest) === 0.25 || Math.abs(rest) === 0.75) return Math.sign(rest) * (Math.abs(rest) === 0.25 ? 1 : -1);
  // Near a half turn the difference to it is what counts.
  const fromHalf = Math.abs(rest) - 0.5;
  if (Math.abs(fromHalf) < 0.25) return -Math.sign(rest) * Math.sin(2 * Math.PI * fromHalf);
  const near = Math.abs(rest) > 0.5 ? rest - Math.sign(rest) : rest;
  return Math.sin(2 * Math.PI * near);
}

function cosine(turns: number): number {
  const rest = Math.abs(turns % 1);
  if (rest === 0.25 || rest === 0.75) return 0;
  // cos(x) = sin(quarter - x), and the difference is exact near the zeros.
  if (rest > 0.125 && rest < 0.375) return Math.sin(2 * Math.PI * (0.25 - rest));
  if (rest > 0.625 && rest < 0.875) return Math.sin(2 * Math.PI * (rest - 0.75));
  return Math.cos(2 * Math.PI * rest);
}

const binary = (a: bigint): string => a.toString(2).padStart(32, "0");
const leading = (text: string): bigint => (text.includes("1") ? BigInt(text.indexOf("1")) : 0xffffffffn);
const reverse = (text: string): string => [...text].reverse().join("");
const norm = (type: "i16" | "u16", value: number): number =>
  Number.isNaN(value)
    ? 0
    : toEven(Math.min(Math.max(value, type === "i16" ? -1 : 0), 1) * (type === "i16" ? 32767 : 65535));

const rounding: InstructionCase[] = (["f16", "f32", "f64"] as const).flatMap((type) => [
  unary("trunc", type, Math.trunc),
  unary("ceil", type, Math.ceil),
  unary("rndne", type, toEven),
  unary("floor", type, Math.floor),
  unary("fract", type, fraction(type)),
  significand(type),
  exponent(type),
]);

const functions: InstructionCase[] = [
  unary("rcp", "f32", (a) => flushed(Math.fround(1 / flushed(a)))),
  numeric("v_rcp_iflag_f32 D, A", "f32", ["f32"], (a) => flushed(Math.fround(1 / flushed(a as number)))),
  unary("rcp", "f16", (a) => 1 / a),
  unary("rcp", "f64", (a) => 1 / a),
  unary("sqrt", "f32", (a) => Math.sqrt(flushed(a))),
  unary("sqrt", "f16", Math.sqrt),
  unary("sqrt", "f64", Math.sqrt),
  unary("rsq", "f32", (a) => 1 / Math.sqrt(flushed(a))),
  unary("rsq", "f16", (a) => 1 / Math.sqrt(a)),
  unary("rsq", "f64", (a) => 1 / Math.sqrt(a), 1),
  unary("exp", "f32", (a) => flushed(Math.fround(2 ** flushed(a))), 1),
  unary("exp", "f16", (a) => 2 ** a, 1),
  unary("log", "f32", (a) => Math.log2(flushed(a)), 1),
  unary("log", "f16", Math.log2, 1),
  unary("sin", "f32", sine, 1),
  unary("sin", "f16", sine, 1),
  unary("cos", "f32", cosine, 1),
  unary("cos", "f16", cosine, 1),
];

const conversions: InstructionCase[] = [
  convert("i32", "f64", (a) => saturated("i32", Math.trunc(a))),
  convert("f64", "i32", (a) => a),
  convert("f32", "i32", (a) => a),
  convert("f32", "u32", (a) => a),
  convert("u32", "f32", (a) => saturated("u32", Math.trunc(a))),
  convert("i32", "f32", (a) => saturated("i32", Math.trunc(a))),
  convert("f16", "f32", (a) => a),
  convert("f32", "f16", (a) => a),
  byFloor("v_cvt_rpi_i32_f32 D, A", 0.5),
  byFloor("v_cvt_flr_i32_f32 D, A", 0),
  whole("v_cvt_off_f32_i4 D, A", "f32", ["u32"], (a) =>
    bitsOf(formatOf("f32"), Number(BigInt.asIntN(4, a as bigint)) / 16),
  ),
  convert("f32", "f64", (a) => a),
  convert("f64", "f32", (a) => a),
  ...[0, 1, 2, 3].map((byte) =>
    numeric(`v_cvt_f32_ubyte${byte} D, A`, "f32", ["u32"], (a) => ((a as number) >>> (8 * byte)) & 255),
  ),
  convert("u32", "f64", (a) => saturated("u32", Math.trunc(a))),
  convert("f64", "u32", (a) => a),
  convert("f16", "u16", (a) => a),
  convert("f16", "i16", (a) => a),
  convert("u16", "f16", (a) => saturated("u16", Math.trunc(a))),
  convert("i16", "f16", (a) => saturated("i16", Math.trunc(a))),
  numeric("v_cvt_norm_i16_f16 D, A", "i16", ["f16"], (a) => norm("i16", a as number)),
  numeric("v_cvt_norm_u16_f16 D, A", "u16", ["f16"], (a) => norm("u16", a as number)),
  pure("v_sat_pk_u8_i16 D, A", "u16", ["u32"], (a) => {
    const byte = (value: bigint) => BigInt(saturated("u8", Number(BigInt.asIntN(16, value))));
    return byte(a as bigint) | (byte((a as bigint) >> 16n) << 8n);
  }),
];

/** floor(value + more) of the exact sum, which a double holds; a NaN gives the bound of its sign. */
function byFloor(code: string, more: number): InstructionCase {
  return pure(code, "i32", ["f32"], (a) => {
    const bits = a as bigint;
    if (isNanBits(formatOf("f32"), bits)) return bits >> 31n === 0n ? 0x7fffffffn : 0x80000000n;
    return BigInt.asUintN(32, BigInt(saturated("i32", Math.floor(numberOf(formatOf("f32"), bits) + more))));
  });
}

const bits: InstructionCase[] = [
  whole("v_mov_b32 D, A", "u32", ["u32"], (a) => a as bigint),
  whole("v_not_b32 D, A", "u32", ["u32"], (a) => ~(a as bigint)),
  whole("v_bfrev_b32 D, A", "u32", ["u32"], (a) => BigInt(`0b${reverse(binary(a as bigint))}`)),
  whole("v_ffbh_u32 D, A", "u32", ["u32"], (a) => leading(binary(a as bigint))),
  whole("v_ffbl_b32 D, A", "u32", ["u32"], (a) => leading(reverse(binary(a as bigint)))),
  whole("v_ffbh_i32 D, A", "u32", ["u32"], (a) => {
    const text = binary(a as bigint);
    const other = text.indexOf(text.startsWith("0") ? "1" : "0");
    return other < 0 ? 0xffffffffn : BigInt(other);
  }),
];

test("VOP1: rounding to integers, fractions and exponents", (t) => checkInstructions(t, rounding));
test("VOP1: reciprocals, roots, powers, logarithms, sines", (t) => checkInstructions(t, functions));
test("VOP1: conversions", (t) => checkInstructions(t, conversions));
test("VOP1: bits", (t) => checkInstructions(t, bits));
