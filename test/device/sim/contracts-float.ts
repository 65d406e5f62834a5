// Contracts of floating-point arithmetic in f16, f32 and f64.
import type { Contract } from "./contract.ts";
import {
  bitsOf,
  exactly,
  type FloatFormat,
  f16,
  f32,
  f64,
  fusedMultiplyAdd,
  isInfiniteBits,
  isNanBits,
  lengthOf,
  numberOf,
  rounded,
} from "./exact.ts";
import type { Operand } from "./operands.ts";

const many = 65536;

/** The same from JavaScript numbers: exact where a double has more than twice the bits that the result keeps. */
const byNumbers =
  (format: FloatFormat, apply: (...numbers: number[]) => number) =>
  (...bits: bigint[]): bigint =>
    bitsOf(format, apply(...bits.map((one) => numberOf(format, one))));

const special = (format: FloatFormat, bits: bigint): boolean => isNanBits(format, bits) || isInfiniteBits(format, bits);
const toEven = (x: number): number => {
  const below = Math.floor(x);
  const up = x - below > 0.5 || (x - below === 0.5 && below % 2 !== 0);
  return signed(up ? below + 1 : below, x);
};
const awayFromZero = (x: number): number => {
  const whole = Math.trunc(x);
  return signed(Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole, x);
};
/** A zero with the sign of `like`. */
const signed = (x: number, like: number): number => (x === 0 && (like < 0 || Object.is(like, -0)) ? -0 : x);

function scaled(format: FloatFormat, bits: bigint, power: bigint): bigint {
  if (special(format, bits)) return bits;
  const number = exactly(format, bits);
  // Beyond this every format overflows or underflows.
  const far = 5000;
  const distance = Math.min(Math.max(Number(BigInt.asIntN(32, power)), -far), far);
  return rounded(format, { ...number, exponent: number.exponent + distance });
}

/** Fraction (0.5 to 1) and exponent of a number. */
function split(format: FloatFormat, bits: bigint): { fraction: bigint; exponent: number } {
  const number = exactly(format, bits);
  if (special(format, bits) || number.magnitude === 0n) return { fraction: bits, exponent: 0 };
  const length = lengthOf(number.magnitude);
  return { fraction: rounded(format, { ...number, exponent: -length }), exponent: number.exponent + length };
}

function floats(type: "f16" | "f32" | "f64", format: FloatFormat): Contract[] {
  const one: Operand[] = [{ type }];
  const two: Operand[] = [{ type }, { type }];
  const three: Operand[] = [{ type }, { type }, { type }];
  const suffix = { f16: "f16", f32: "f", f64: "" }[type];
  const make = (name: string, operands: Operand[], code: string, expect: Contract["expect"], count?: number) => ({
    name: `${type}_${name}`,
    out: type,
    in: operands,
    code,
    expect,
    ...(count === undefined ? {} : { count }),
  });
  const exponent: Operand = { type: "i32" };
  return [
    make(
      "add",
      two,
      "a + b",
      byNumbers(format, (a, b) => (a as number) + (b as number)),
    ),
    make(
      "subtract",
      two,
      "a - b",
      byNumbers(format, (a, b) => (a as number) - (b as number)),
    ),
    make(
      "multiply",
      two,
      "a * b",
      byNumbers(format, (a, b) => (a as number) * (b as number)),
    ),
    make(
      "divide",
      two,
      "a / b",
      byNumbers(format, (a, b) => (a as number) / (b as number)),
      many,
    ),
    make(
      "square_root",
      one,
      "__builtin_elementwise_sqrt(a)",
      byNumbers(format, Math.sqrt as (a?: number) => number),
      many,
    ),
    make(
      "fma",
      three,
      "__builtin_elementwise_fma(a, b, c)",
      (a, b, c) => fusedMultiplyAdd(format, a as bigint, b as bigint, c as bigint),
      many,
    ),
    make(
      "remainder",
      two,
      "__builtin_elementwise_fmod(a, b)",
      byNumbers(format, (a, b) => (a as number) % (b as number)),
    ),
    make("floor", one, "__builtin_elementwise_floor(a)", byNumbers(format, Math.floor as (a?: number) => number)),
    make("ceil", one, "__builtin_elementwise_ceil(a)", byNumbers(format, Math.ceil as (a?: number) => number)),
    make("trunc", one, "__builtin_elementwise_trunc(a)", byNumbers(format, Math.trunc as (a?: number) => number)),
    make("rint", one, "__builtin_elementwise_rint(a)", byNumbers(format, toEven as (a?: number) => number)),
    make("round", one, "__builtin_elementwise_round(a)", byNumbers(format, awayFromZero as (a?: number) => number)),
    make("scale", [{ type }, exponent], `__builtin_ldexp${suffix}(a, b)`, (a, b) =>
      scaled(format, a as bigint, b as bigint),
    ),
    make(
      "scale_little",
      [{ type }, { type: "u32", count: 200n }],
      `__builtin_ldexp${suffix}(a, (int)b - 100)`,
      (a, b) => scaled(format, a as bigint, (b as bigint) - 100n),
    ),
    make("fraction", one, `({ int e; __builtin_frexp${suffix}(a, &e); })`, (a) => split(format, a as bigint).fraction),
    {
      name: `${type}_exponent`,
      out: "i32",
      in: [{ type, below: format.bias }],
      code: `({ int e; __builtin_frexp${suffix}(a, &e); e; })`,
      expect: (a) => BigInt.asUintN(32, BigInt(split(format, a as bigint).exponent)),
    },
    make(
      "minimum",
      two,
      "__builtin_elementwise_minnum(a, b)",
      byNumbers(format, (a, b) => least(a as number, b as number)),
    ),
    make(
      "maximum",
      two,
      "__builtin_elementwise_maxnum(a, b)",
      byNumbers(format, (a, b) => -least(-(a as number), -(b as number))),
    ),
  ];
}

/** A NaN loses. */
function least(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : Math.min(a, b);
}

export const floatContracts: readonly Contract[] = [
  ...floats("f16", f16),
  ...floats("f32", f32),
  ...floats("f64", f64),
];
