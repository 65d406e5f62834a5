import { test } from "node:test";
import { flushed, formatOf, numeric, pure } from "./case-tools.ts";
import { bitsOf, exactly, fusedMultiplyAdd, isInfiniteBits, isNanBits, numberOf, rounded } from "./exact.ts";
import { checkInstructions, type Flagged, type InstructionCase } from "./instruction-cases.ts";

type FloatType = "f16" | "f32" | "f64";
type Three = (a: number, b: number, c: number) => number;

const three = (name: string, expect: Three): InstructionCase =>
  numeric(`${name} D, A, B, C`, "f32", ["f32", "f32", "f32"], expect as (...values: number[]) => number);

const fused = (name: string, type: FloatType): InstructionCase =>
  pure(name, type, [type, type, type], (...values) =>
    fusedMultiplyAdd(formatOf(type), ...(values as [bigint, bigint, bigint])),
  );

/** The smallest of numbers, NaN only when there are no others; zeros by their signs, as Math.min has them. */
const least = (...values: number[]): number => {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return numbers.length === 0 ? Number.NaN : Math.min(...numbers);
};
const greatest = (...values: number[]): number => -least(...values.map((value) => -value));
const middle = (...values: number[]): number => {
  if (values.some(Number.isNaN)) return least(...values);
  const before = (a: number, b: number) => a < b || (a === b && Object.is(a, -0));
  return [...values].sort((a, b) => (Object.is(a, b) ? 0 : before(a, b) ? -1 : 1))[1] as number;
};

/** A signalling NaN among the operands makes the result of a minimum a NaN in IEEE mode, which kernels run in. */
function ordered(code: string, type: FloatType, count: 2 | 3, apply: (...values: number[]) => number): InstructionCase {
  const format = formatOf(type);
  const quiet = 1n << BigInt(format.fraction - 1);
  return pure(code, type, new Array(count).fill(type), (...bits) => {
    const values = bits.map((one) => numberOf(format, one));
    const signalling = bits.map((one) => isNanBits(format, one) && (one & quiet) === 0n);
    if (!signalling.includes(true)) return bitsOf(format, apply(...values));
    // Two steps: the first two operands, then the third; a NaN that was signalling is quiet after the first.
    const first = signalling[0] || signalling[1] ? Number.NaN : apply(values[0] as number, values[1] as number);
    const steps = count === 2 ? first : signalling[2] ? Number.NaN : stepwise(apply, first, values[2] as number);
    return bitsOf(format, steps);
  });
}
const stepwise = (apply: (...values: number[]) => number, first: number, last: number): number =>
  apply === middle ? least(first, last) : apply(first, last);

const cube = (x: number, y: number, z: number): { face: number; s: number; t: number; major: number } => {
  const [ax, ay, az] = [Math.abs(x), Math.abs(y), Math.abs(z)];
  if (az >= ax && az >= ay) return { face: z < 0 ? 5 : 4, s: z < 0 ? -x : x, t: -y, major: 2 * z };
  if (ay >= ax) return { face: y < 0 ? 3 : 2, s: x, t: y < 0 ? -z : z, major: 2 * y };
  return { face: x < 0 ? 1 : 0, s: x < 0 ? z : -z, t: -y, major: 2 * x };
};

const single = Math.fround;
const legacy = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
const largest = numberOf(formatOf("f32"), 0x7f7fffffn);

function scaledBy(type: "f32" | "f64"): InstructionCase {
  const format = formatOf(type);
  const count = type === "f64" ? "2" : "";
  return pure(`v_ldexp_${type} D${count}, A${count}, B`, type, [type, "i32"], (...values) => {
    const [bits, power] = values as [bigint, bigint];
    if (isNanBits(format, bits) || isInfiniteBits(format, bits)) return bits;
    const distance = Math.min(Math.max(Number(BigInt.asIntN(32, power)), -5000), 5000);
    const number = exactly(format, bits);
    return rounded(format, { ...number, exponent: number.exponent + distance });
  });
}

/** Special cases by the manual; else the quotient with the sign that it must have. */
function fixup(type: FloatType): InstructionCase {
  const format = formatOf(type);
  const count = type === "f64" ? "2" : "";
  const field = (bits: bigint): number =>
    Number((bits & ((1n << BigInt(format.bits - 1)) - 1n)) >> BigInt(format.fraction));
  const tooFar = -(format.bias + format.fraction);
  return pure(`v_div_fixup_${type} D${count}, A${count}, B${count}, C${count}`, type, [type, type, type], (...bits) => {
    const [q, d, n] = bits.map((one) => numberOf(format, one)) as [number, number, number];
    const sign = (Object.is(Math.sign(d), -0) || d < 0 ? -1 : 1) * (Object.is(Math.sign(n), -0) || n < 0 ? -1 : 1);
    const isSpecial = [d, n].some((x) => !Number.isFinite(x) || x === 0);
    if (isSpecial) return bitsOf(format, n / d);
    if (type !== "f16" && field(bits[2] as bigint) - field(bits[1] as bigint) < tooFar) return bitsOf(format, sign * 0);
    return bitsOf(format, Number.isNaN(q) ? sign * Number.POSITIVE_INFINITY : sign * Math.abs(q));
  });
}

function fmas(type: "f32" | "f64"): InstructionCase {
  const format = formatOf(type);
  const count = type === "f64" ? "2" : "";
  const power = type === "f64" ? 128 : 64;
  // The products are small against the addend, as they are in a division.
  const expect = (bits: bigint[], { vcc }: { vcc: boolean }): bigint => {
    const [a, b, c] = bits as [bigint, bigint, bigint];
    if (!vcc || bits.some((one) => isNanBits(format, one) || isInfiniteBits(format, one)))
      return fusedMultiplyAdd(format, a, b, c);
    const [x, y, z] = [exactly(format, a), exactly(format, b), exactly(format, c)];
    const by =
      Number((c >> BigInt(format.fraction)) & (type === "f64" ? 0x7ffn : 0xffn)) > format.bias ? power : -power;
    // Of the sum in one rounding, unless it overflows before it is scaled.
    const sum = numberOf(format, fusedMultiplyAdd(format, a, b, c));
    if (!Number.isFinite(sum)) return bitsOf(format, sum);
    const at = Math.min(x.exponent + y.exponent, z.exponent);
    const product = (x.magnitude * y.magnitude) << BigInt(x.exponent + y.exponent - at);
    const signed =
      (x.negative !== y.negative ? -product : product) +
      (z.negative ? -1n : 1n) * (z.magnitude << BigInt(z.exponent - at));
    if (signed === 0n) return bitsOf(format, sum);
    return rounded(format, { negative: signed < 0n, magnitude: signed < 0n ? -signed : signed, exponent: at + by });
  };
  return {
    code: `v_div_fmas_${type} D${count}, A${count}, B${count}, C${count}`,
    out: type,
    in: [{ type }, { type }, { type }],
    expect,
  };
}

/** What the operand and the flag are for exponents that are far apart or at the ends of the range. */
function scale(type: "f32" | "f64"): InstructionCase {
  const format = formatOf(type);
  const count = type === "f64" ? "2" : "";
  const [power, apart, tiny] = type === "f64" ? [128, 768, 53] : [64, 96, 23];
  const exponent = (x: number): number => {
    const { magnitude, exponent: at } = exactly(format, bitsOf(format, x));
    return at + magnitude.toString(2).length - 1;
  };
  const field = (x: number): number => Math.max(exponent(x) + format.bias, 0);
  const expect = ([operand, divisor]: bigint[]): Flagged => {
    // The case tests the denominator as operand; A is n, B is d.
    const n = numberOf(format, operand as bigint);
    const d = numberOf(format, divisor as bigint);
    const moved = (by: number): bigint => {
      const number = exactly(format, divisor as bigint);
      return rounded(format, { ...number, exponent: number.exponent + by });
    };
    if (n === 0 || d === 0) return { value: bitsOf(format, Number.NaN), flag: false };
    if (!Number.isFinite(n) || !Number.isFinite(d)) return { value: divisor as bigint, flag: false };
    const small = exponent(n) - exponent(d) <= 1 - format.bias;
    const large = exponent(d) >= format.bias - 1;
    if (field(n) - field(d) >= (apart as number)) return { value: moved(power as number), flag: true };
    if (large) return { value: moved(-(power as number)), flag: small };
    if (small) return { value: n === d ? moved(power as number) : (divisor as bigint), flag: true };
    if (field(d) === 0 || field(n) <= (tiny as number)) return { value: moved(power as number), flag: false };
    return { value: divisor as bigint, flag: false };
  };
  return {
    code: `v_div_scale_${type} D${count}, F, B${count}, B${count}, A${count}`,
    out: type,
    in: [{ type }, { type }],
    expect,
  };
}

/** 2 / pi to 1,184 bits. */
const twoOverPi = ((): bigint => {
  const bits = 1400n;
  const arctangent = (divisor: bigint): bigint => {
    let term = (1n << bits) / divisor;
    let sum = term;
    for (let n = 3n; term !== 0n; n += 2n) {
      term /= -(divisor * divisor);
      sum += term / n;
    }
    return sum;
  };
  const pi = 4n * (4n * arctangent(5n) - arctangent(239n));
  return ((2n << (2n * bits)) / pi) >> (bits - 1184n);
})();

const trigPreop = pure("v_trig_preop_f64 D2, A2, B", "f64", ["f64", "u32"], (...values) => {
  const [bits, segment] = values as [bigint, bigint];
  if (isNanBits(formatOf("f64"), bits)) return bits;
  const field = Number((bits >> 52n) & 0x7ffn);
  const shift = Number(segment % 32n) * 53 + Math.max(field - 1077, 0);
  const from = 1184 - 53 - shift;
  const piece = (from >= 0 ? twoOverPi >> BigInt(from) : twoOverPi << BigInt(-from)) & ((1n << 53n) - 1n);
  return rounded(formatOf("f64"), {
    negative: false,
    magnitude: piece,
    exponent: -53 - shift + (field >= 1968 ? 128 : 0),
  });
});

const arithmetic: InstructionCase[] = [
  fused("v_fma_f32 D, A, B, C", "f32"),
  fused("v_fma_f64 D2, A2, B2, C2", "f64"),
  fused("v_fma_f16 D, A, B, C", "f16"),
  three("v_mad_f32", (a, b, c) => flushed(single(flushed(single(flushed(a) * flushed(b))) + flushed(c)))),
  three("v_mad_legacy_f32", (a, b, c) => flushed(single(flushed(single(legacy(flushed(a), flushed(b)))) + flushed(c)))),
  three("v_mullit_f32", (a, b, c) =>
    b === -largest || b === Number.NEGATIVE_INFINITY || Number.isNaN(b) || c <= 0 || Number.isNaN(c)
      ? -largest
      : legacy(a, b),
  ),
  three("v_cubeid_f32", (x, y, z) => cube(x, y, z).face),
  three("v_cubesc_f32", (x, y, z) => cube(x, y, z).s),
  three("v_cubetc_f32", (x, y, z) => cube(x, y, z).t),
  three("v_cubema_f32", (x, y, z) => cube(x, y, z).major),
  numeric("v_add_f64 D2, A2, B2", "f64", ["f64", "f64"], (a, b) => (a as number) + (b as number)),
  numeric("v_mul_f64 D2, A2, B2", "f64", ["f64", "f64"], (a, b) => (a as number) * (b as number)),
  scaledBy("f32"),
  scaledBy("f64"),
  trigPreop,
];

const extremes: InstructionCase[] = [
  ordered("v_min_f64 D2, A2, B2", "f64", 2, least),
  ordered("v_max_f64 D2, A2, B2", "f64", 2, greatest),
  ...(["f16", "f32"] as const).flatMap((type) => [
    ordered(`v_min3_${type} D, A, B, C`, type, 3, least),
    ordered(`v_max3_${type} D, A, B, C`, type, 3, greatest),
    ordered(`v_med3_${type} D, A, B, C`, type, 3, middle),
  ]),
];

const division: InstructionCase[] = [
  fixup("f16"),
  fixup("f32"),
  fixup("f64"),
  scale("f32"),
  scale("f64"),
  fmas("f32"),
  fmas("f64"),
];

test("VOP3: float arithmetic", (t) => checkInstructions(t, arithmetic));
test("VOP3: least, greatest and middle floats", (t) => checkInstructions(t, extremes));
test("VOP3: the steps of a division", (t) => checkInstructions(t, division));
test("VOP3: gfx1030 fuses where RDNA1 multiplies and adds", (t) =>
  checkInstructions(
    t,
    [
      pure("v_fma_legacy_f32 D, A, B, C", "f32", ["f32", "f32", "f32"], (...values) => {
        const [a, b, c] = values as [bigint, bigint, bigint];
        const isZero = (bits: bigint) => (bits & 0x7fffffffn) === 0n;
        if (!isZero(a) && !isZero(b)) return fusedMultiplyAdd(formatOf("f32"), a, b, c);
        return bitsOf(formatOf("f32"), 0 + numberOf(formatOf("f32"), c));
      }),
    ],
    "gfx1030",
  ));
