// Short ways to say what an instruction's operands and results are, for tables of InstructionCase.
import { bitsOf, type FloatFormat, f16, f32, f64, numberOf } from "./exact.ts";
import type { InstructionCase } from "./instruction-cases.ts";
import { bitsIn, type Operand, type Scalar } from "./operands.ts";

export const operands = (...types: Scalar[]): Operand[] => types.map((type) => ({ type }));

/** A case whose result does not depend on registers besides its sources. */
export function pure(
  code: string,
  out: InstructionCase["out"],
  types: readonly Scalar[],
  expect: (...values: bigint[]) => bigint,
  ulps = 0,
): InstructionCase {
  return { code, out, in: operands(...types), expect: (values) => expect(...values), ulps };
}

/** Operands and result as integers with the signs of their types. */
export function whole(
  code: string,
  out: Scalar,
  types: readonly Scalar[],
  expect: (...values: bigint[]) => bigint,
): InstructionCase {
  return pure(code, out, types, (...bits) => {
    const values = bits.map((value, index) => withSign(types[index] ?? "u32", value));
    return BigInt.asUintN(bitsIn(out), expect(...values));
  });
}

export const withSign = (type: Scalar, bits: bigint): bigint =>
  type.startsWith("i") ? BigInt.asIntN(bitsIn(type), bits) : bits;

const formats: Partial<Record<Scalar, FloatFormat>> = { f16, f32, f64 };
export const formatOf = (type: Scalar): FloatFormat => formats[type] ?? f32;

/** Operands and result as JavaScript numbers, integers too; the result is rounded to its type. */
export function numeric(
  code: string,
  out: Scalar,
  types: readonly Scalar[],
  expect: (...values: number[]) => number,
  ulps = 0,
): InstructionCase {
  return pure(
    code,
    out,
    types,
    (...bits) => {
      const values = bits.map((value, index) => {
        const type = types[index] ?? "u32";
        return formats[type] === undefined ? Number(withSign(type, value)) : numberOf(formatOf(type), value);
      });
      const result = expect(...values);
      return formats[out] === undefined ? BigInt.asUintN(bitsIn(out), BigInt(result)) : bitsOf(formatOf(out), result);
    },
    ulps,
  );
}

/** An integer within the range of a type; NaN is 0. */
export function saturated(type: Scalar, value: number): number {
  const width = bitsIn(type);
  const low = type.startsWith("i") ? -(2 ** (width - 1)) : 0;
  const high = type.startsWith("i") ? 2 ** (width - 1) - 1 : 2 ** width - 1;
  return Number.isNaN(value) ? 0 : Math.min(Math.max(value, low), high) + 0;
}

/** Zero with the same sign for a subnormal f32: units that know none read and write it so. */
export function flushed(value: number): number {
  return Math.abs(value) < 2 ** -126 ? value * 0 : value;
}

/** To the nearest integer, ties to even, a zero with its sign. */
export function toEven(x: number): number {
  if (!Number.isFinite(x)) return x;
  const below = Math.floor(x);
  const rest = x - below;
  const result = rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
  return result === 0 && (x < 0 || Object.is(x, -0)) ? -0 : result;
}

const right = new WeakMap<object, Uint8Array>();

/** Checks results of a case, unless they were found right before: test/mutation runs every table again and again. */
export function checkOnce(one: object, results: Buffer, check: () => object[]): object[] {
  const known = right.get(one);
  if (known !== undefined && results.equals(known)) return [];
  const wrong = check();
  if (wrong.length === 0) right.set(one, results);
  return wrong;
}

/** What `make` gives for a case, made once. */
export function onceFor<T>(make: (one: object, index: number) => T): (one: object, index: number) => T {
  const made = new WeakMap<object, { index: number; value: T }>();
  return (one, index) => {
    const known = made.get(one);
    if (known?.index === index) return known.value;
    const value = make(one, index);
    made.set(one, { index, value });
    return value;
  };
}
