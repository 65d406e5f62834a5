import { test } from "node:test";
import { formatOf, withSign } from "./case-tools.ts";
import { exactly, isInfiniteBits, isNanBits, numberOf, signBit } from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";
import { bitsIn, edges, floatFormats, type Scalar } from "./operands.ts";
import { checkWaves, type LaneState, type WaveCase } from "./wave-cases.ts";

type Compare = (a: number | bigint, b: number | bigint) => boolean;
const isOrdered: Compare = (a, b) => !Number.isNaN(a) && !Number.isNaN(b);

/** For floats: a NaN makes everything false but `u` and the negations. */
const ofFloats: Record<string, Compare> = {
  f: () => false,
  lt: (a, b) => a < b,
  eq: (a, b) => a === b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  lg: (a, b) => isOrdered(a, b) && a !== b,
  ge: (a, b) => a >= b,
  o: isOrdered,
  u: (a, b) => !isOrdered(a, b),
  nge: (a, b) => !isOrdered(a, b) || a < b,
  nlg: (a, b) => !isOrdered(a, b) || a === b,
  ngt: (a, b) => !isOrdered(a, b) || a <= b,
  nle: (a, b) => !isOrdered(a, b) || a > b,
  neq: (a, b) => !isOrdered(a, b) || a !== b,
  nlt: (a, b) => !isOrdered(a, b) || a >= b,
  tru: () => true,
};

const ofIntegers: Record<string, Compare> = {
  f: () => false,
  lt: (a, b) => a < b,
  eq: (a, b) => a === b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ne: (a, b) => a !== b,
  ge: (a, b) => a >= b,
  t: () => true,
};

function comparison(name: string, type: Scalar, compare: Compare): InstructionCase {
  const format = floatFormats[type];
  const count = bitsIn(type) === 64 ? "2" : "";
  const value = (bits: bigint): number | bigint =>
    format === undefined ? withSign(type, bits) : numberOf(format, bits);
  return {
    code: `v_cmp_${name}_${type}_e64 F, A${count}, B${count}`,
    out: "u32",
    in: [{ type }, { type }],
    expect: ([a, b], { old }) => ({ value: old, flag: compare(value(a as bigint), value(b as bigint)) }),
  };
}

/** v_cmpx writes EXEC instead of a mask. */
function narrowing(name: string, type: Scalar, compare: Compare): WaveCase {
  const format = floatFormats[type];
  const wide = bitsIn(type) === 64;
  const values = edges(type);
  const pick = (lane: number, step: number): bigint => values[(lane * step) % values.length] as bigint;
  const word = (value: bigint, index: bigint): number => Number((value >> (32n * index)) & 0xffffffffn);
  const first = (lane: number): bigint => pick(lane, 5);
  const second = (lane: number): bigint => (lane % 4 === 0 ? first(lane) : pick(lane, 3));
  const value = (bits: bigint): number | bigint =>
    format === undefined ? withSign(type, bits) : numberOf(format, bits);
  return {
    code: `v_cmpx_${name}_${type} ${wide ? "v[4:5], v[6:7]" : "A, B"}`,
    lane: (lane): Partial<LaneState> =>
      wide
        ? { a: word(first(lane), 0n), b: word(first(lane), 1n), c: word(second(lane), 0n), old: word(second(lane), 1n) }
        : { a: word(first(lane), 0n), b: word(second(lane), 0n) },
    expect: ({ lane, on }) => ({ on: on && compare(value(first(lane)), value(second(lane))) }),
  };
}

/** The number of a value's class, as in the mask of v_cmp_class. */
function classOf(type: Scalar, bits: bigint): bigint {
  const format = formatOf(type);
  const negative = (bits & signBit(format)) !== 0n;
  if (isNanBits(format, bits)) return (bits >> BigInt(format.fraction - 1)) & 1n;
  if (isInfiniteBits(format, bits)) return negative ? 2n : 9n;
  const { magnitude } = exactly(format, bits);
  if (magnitude === 0n) return negative ? 5n : 6n;
  if (magnitude < 1n << BigInt(format.fraction)) return negative ? 4n : 7n;
  return negative ? 3n : 8n;
}

function classes(type: Scalar): InstructionCase {
  return {
    code: `v_cmp_class_${type}_e64 F, A${type === "f64" ? "2" : ""}, B`,
    out: "u32",
    in: [{ type }, { type: "u32", count: 1024n }],
    expect: ([a, mask], { old }) => ({
      value: old,
      flag: (((mask as bigint) >> classOf(type, a as bigint)) & 1n) === 1n,
    }),
  };
}

const all = (types: readonly Scalar[], names: Record<string, Compare>): InstructionCase[] =>
  types.flatMap((type) => Object.entries(names).map(([name, compare]) => comparison(name, type, compare)));
const without = (names: Record<string, Compare>, ...left: string[]): Record<string, Compare> =>
  Object.fromEntries(Object.entries(names).filter(([name]) => !left.includes(name)));

test("VOPC: floats", (t) => checkInstructions(t, all(["f16", "f32", "f64"], ofFloats)));
test("VOPC: integers of 32 and 64 bits", (t) => checkInstructions(t, all(["i32", "u32", "i64", "u64"], ofIntegers)));
test("VOPC: integers of 16 bits", (t) => checkInstructions(t, all(["i16", "u16"], without(ofIntegers, "f", "t"))));
test("VOPC: classes", (t) => checkInstructions(t, [classes("f16"), classes("f32"), classes("f64")]));
test("VOPC: v_cmpx turns off the lanes where the comparison is false", async (t) => {
  const short = without(ofIntegers, "f", "t");
  const types: [Scalar, Record<string, Compare>][] = [
    ...(["f16", "f32", "f64"] as const).map((type): [Scalar, Record<string, Compare>] => [type, ofFloats]),
    ...(["i32", "u32", "i64", "u64"] as const).map((type): [Scalar, Record<string, Compare>] => [type, ofIntegers]),
    ...(["i16", "u16"] as const).map((type): [Scalar, Record<string, Compare>] => [type, short]),
  ];
  await checkWaves(
    t,
    types.flatMap(([type, names]) => Object.entries(names).map(([name, compare]) => narrowing(name, type, compare))),
  );
});
