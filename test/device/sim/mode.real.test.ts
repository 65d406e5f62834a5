// MODE: rounding and subnormal numbers, each for f32 and for f16 with f64.
import { test } from "node:test";
import { formatOf } from "./case-tools.ts";
import {
  added,
  bitsOf,
  type Exact,
  exactly,
  type FloatFormat,
  infinityBits,
  isInfiniteBits,
  isNanBits,
  lengthOf,
  multiplied,
  numberOf,
  rounded,
  signBit,
  withoutSubnormal,
} from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";

type FloatType = "f16" | "f32" | "f64";
const single = 1;
const other = 2;
const classOf = (type: FloatType): number => (type === "f32" ? single : other);

interface Settings {
  /** 0 to even, 1 up, 2 down, 3 towards zero */
  round: number;
  /** Bit 0: subnormal sources are kept; bit 1: results */
  keep: number;
}

/** MODE with settings for one class of types; the other one has its defaults, or, for contrast, the opposite. */
function modeOf(type: FloatType, { round, keep }: Settings): number {
  const mine = (round << (classOf(type) === single ? 0 : 2)) | (keep << (classOf(type) === single ? 4 : 6));
  return mine | ((3 - keep) << (classOf(type) === single ? 6 : 4)) | 0x300;
}

/** Rounded as MODE says; sums that are exactly zero are negative only when they are rounded down. */
function roundedBy(format: FloatFormat, x: Exact, round: number): bigint {
  if (round === 0 || x.magnitude === 0n) return rounded(format, x);
  const top = x.exponent + lengthOf(x.magnitude) - 1;
  const last = Math.max(top - format.fraction, 1 - format.bias - format.fraction);
  const cut = BigInt(Math.max(last - x.exponent, 0));
  const kept = (x.magnitude >> cut) << cut;
  const away = kept !== x.magnitude && round !== 3 && x.negative === (round === 2);
  // What fits exactly needs no rounding: it is the value or the one next to it, away from zero.
  const exact = rounded(format, { ...x, magnitude: kept });
  if (isInfiniteBits(format, exact)) {
    const infinite = round !== 3 && x.negative === (round === 2);
    return infinite ? exact : exact - 1n;
  }
  return away ? exact + 1n : exact;
}

const isSubnormal = (format: FloatFormat, bits: bigint): boolean => (bits & infinityBits(format)) === 0n;
const zeroOf = (format: FloatFormat, bits: bigint): bigint => bits & signBit(format);

function operation(
  name: string,
  type: FloatType,
  settings: Settings,
  exact: (values: Exact[]) => Exact,
  special: (...values: number[]) => number,
  count = 2,
): InstructionCase {
  const format = formatOf(type);
  const wide = type === "f64" ? "2" : "";
  const registers = ["A", "B", "C"].slice(0, count).map((letter) => letter + wide);
  const mode = modeOf(type, settings).toString(16);
  return {
    code: `s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 10), 0x${mode}\n${name} D${wide}, ${registers.join(", ")}`,
    out: type,
    in: registers.map(() => ({ type })),
    expect: (operands) => {
      const flushed = (bits: bigint, bit: number): bigint =>
        (settings.keep & bit) === 0 && isSubnormal(format, bits) ? zeroOf(format, bits) : bits;
      const bits = operands.map((one) => flushed(one, 1));
      if (bits.some((one) => isNanBits(format, one) || isInfiniteBits(format, one))) {
        return bitsOf(format, special(...bits.map((one) => numberOf(format, one))));
      }
      const result = exact(bits.map((one) => exactly(format, one)));
      if (result.magnitude === 0n && settings.round === 2 && isCancelled(bits, result)) return signBit(format);
      const value = roundedBy(format, result, settings.round);
      return (settings.keep & 2) === 0 && isTiny(type, result) ? zeroOf(format, value) : flushed(value, 2);
    },
  };
}

/**
 * Whether a result that rounds up to the smallest normal number counts as subnormal: with f32 and f64 it does unless it
 * would be that number with any exponent, as x86 has it. What a card does is not documented.
 */
function isTiny(type: FloatType, x: Exact): boolean {
  if (type === "f16" || x.magnitude === 0n) return false;
  const format = formatOf(type);
  const wider = { bits: format.bits + 8, fraction: format.fraction, bias: format.bias + 4000 };
  const field = (rounded(wider, { ...x, negative: false }) >> BigInt(format.fraction)) - BigInt(wider.bias);
  return field < BigInt(1 - format.bias);
}

/** Whether a zero comes of unlike signs: rounded down it is negative. */
const isCancelled = (bits: bigint[], result: Exact): boolean =>
  result.magnitude === 0n && !result.negative && bits.length > 0 && result.exponent < 4000;

const sum = ([a, b]: Exact[]): Exact => added(a as Exact, b as Exact);
const product = ([a, b]: Exact[]): Exact => ({ ...multiplied(a as Exact, b as Exact), exponent: exponentOf(a, b) });
const exponentOf = (a?: Exact, b?: Exact): number =>
  a?.magnitude === 0n || b?.magnitude === 0n ? 5000 : (a?.exponent ?? 0) + (b?.exponent ?? 0);

const settings: Settings[] = [
  { round: 1, keep: 3 },
  { round: 2, keep: 3 },
  { round: 3, keep: 3 },
  { round: 0, keep: 0 },
  { round: 0, keep: 1 },
  { round: 0, keep: 2 },
];

const arithmetic = (["f16", "f32", "f64"] as const).flatMap((type) =>
  settings.flatMap((one) => [
    operation(`v_add_${type}`, type, one, sumWithZeros, (a, b) => (a as number) + (b as number)),
    operation(`v_mul_${type}`, type, one, product, (a, b) => (a as number) * (b as number)),
  ]),
);

/** Zeros of the same sign do not cancel. */
function sumWithZeros(values: Exact[]): Exact {
  const [a, b] = values as [Exact, Exact];
  const both = a.magnitude === 0n && b.magnitude === 0n && a.negative === b.negative;
  return both ? { ...a, exponent: 5000 } : sum(values);
}

/** Operations that pick one of their sources, or look at it: subnormal numbers are zeros for them, too. */
function picking(name: string, type: FloatType, keep: number): InstructionCase {
  const format = formatOf(type);
  const wide = type === "f64" ? "2" : "";
  const mode = modeOf(type, { round: 0, keep }).toString(16);
  const largest = name.startsWith("v_max");
  return {
    code: `s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 10), 0x${mode}\n${name} D${wide}, A${wide}, B${wide}`,
    out: type,
    in: [
      { type, below: 3 },
      { type, below: 3 },
    ],
    expect: (operands) => {
      const flushed = (bits: bigint, bit: number): bigint =>
        (keep & bit) === 0 && isSubnormal(format, bits) ? zeroOf(format, bits) : bits;
      const [a, b] = operands.map((one) => numberOf(format, flushed(one, 1))) as [number, number];
      return flushed(bitsOf(format, largest ? Math.max(a, b) : Math.min(a, b)), 2);
    },
  };
}

const picks = (["f16", "f32", "f64"] as const).flatMap((type) =>
  [0, 1, 2].flatMap((keep) => [picking(`v_max_${type}`, type, keep), picking(`v_min_${type}`, type, keep)]),
);

const compared = (["f16", "f32", "f64"] as const).map((type): InstructionCase => {
  const format = formatOf(type);
  const wide = type === "f64" ? "2" : "";
  return {
    code: `s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 10), 0x${modeOf(type, { round: 0, keep: 0 }).toString(16)}
v_cmp_eq_${type}_e64 F, A${wide}, B${wide}`,
    out: "u32",
    in: [{ type }, { type }],
    more: [
      [1n, signBit(format) | 2n],
      [1n, 1n],
    ],
    expect: (operands, { old }) => {
      const [a, b] = operands.map((bits) => numberOf(format, isSubnormal(format, bits) ? 0n : bits));
      return { value: old, flag: a === b };
    },
  };
});

/** Conversions between f32 and f64, where the fields of source and result differ: each is flushed by its own. */
const converted = [0, 1, 2, 3].flatMap((keep): InstructionCase[] =>
  (["f32", "f64"] as const).map((from) => {
    const [source, result] = [formatOf(from), formatOf(from === "f32" ? "f64" : "f32")];
    const [sources, results] = [keep, 3 - keep];
    const flushed = (format: FloatFormat, bits: bigint, bit: number): bigint =>
      bit === 0 ? withoutSubnormal(format, bits) : bits;
    return {
      code: `s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 10), 0x${modeOf(from, { round: 0, keep }).toString(16)}
${from === "f32" ? "v_cvt_f64_f32 D2, A" : "v_cvt_f32_f64 D, A2"}`,
      out: from === "f32" ? "f64" : "f32",
      in: [{ type: from }],
      more: [0x1n, 0x7fffffn, 0x80000001n, 0x36a0000000000000n].map((bits) => [bits]),
      expect: ([a]) =>
        flushed(result, bitsOf(result, numberOf(source, flushed(source, a as bigint, sources & 1))), results & 2),
    };
  }),
);

test("MODE: rounding and subnormal numbers of sums and products", (t) => checkInstructions(t, arithmetic));
test("MODE: subnormal numbers that are picked or compared", (t) => checkInstructions(t, [...picks, ...compared]));
test("MODE: subnormal numbers that are converted", (t) => checkInstructions(t, converted));
