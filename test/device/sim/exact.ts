// Floating-point results worked out with integers of any size: what the simulator must give, from another direction.

/** A binary interchange format of IEEE 754 (bf16 is binary32 cut to 16 bits). */
export interface FloatFormat {
  readonly bits: number;
  readonly fraction: number;
  readonly bias: number;
}

export const f16: FloatFormat = { bits: 16, fraction: 10, bias: 15 };
export const bf16: FloatFormat = { bits: 16, fraction: 7, bias: 127 };
export const f32: FloatFormat = { bits: 32, fraction: 23, bias: 127 };
export const f64: FloatFormat = { bits: 64, fraction: 52, bias: 1023 };

/** A finite number: (negative ? -1 : 1) * magnitude * 2 ** exponent. */
export interface Exact {
  readonly negative: boolean;
  readonly magnitude: bigint;
  readonly exponent: number;
}

export const signBit = (format: FloatFormat): bigint => 1n << BigInt(format.bits - 1);
export const infinityBits = (format: FloatFormat): bigint =>
  ((1n << BigInt(format.bits - 1 - format.fraction)) - 1n) << BigInt(format.fraction);
export const isNanBits = (format: FloatFormat, bits: bigint): boolean =>
  (bits & (signBit(format) - 1n)) > infinityBits(format);
/** A zero of the same sign for a subnormal number. */
export const withoutSubnormal = (format: FloatFormat, bits: bigint): bigint =>
  (bits & infinityBits(format)) === 0n ? bits & signBit(format) : bits;
export const isInfiniteBits = (format: FloatFormat, bits: bigint): boolean =>
  (bits & (signBit(format) - 1n)) === infinityBits(format);

/** The number that finite bits stand for. */
export function exactly(format: FloatFormat, bits: bigint): Exact {
  const fraction = bits & ((1n << BigInt(format.fraction)) - 1n);
  const field = Number((bits & (signBit(format) - 1n)) >> BigInt(format.fraction));
  const magnitude = field === 0 ? fraction : fraction | (1n << BigInt(format.fraction));
  return {
    negative: (bits & signBit(format)) !== 0n,
    magnitude,
    exponent: Math.max(field, 1) - format.bias - format.fraction,
  };
}

export function integer(value: bigint): Exact {
  return { negative: value < 0n, magnitude: value < 0n ? -value : value, exponent: 0 };
}

/** Number of binary digits. */
export function lengthOf(magnitude: bigint): number {
  const digits = magnitude.toString(16);
  return digits.length * 4 + 28 - Math.clz32(Number.parseInt(digits[0] ?? "0", 16));
}

/** The bits of the nearest number of a format, ties to even. */
export function rounded(format: FloatFormat, { negative, magnitude, exponent }: Exact): bigint {
  const sign = negative ? signBit(format) : 0n;
  if (magnitude === 0n) return sign;
  const top = exponent + lengthOf(magnitude) - 1;
  const last = Math.max(top - format.fraction, 1 - format.bias - format.fraction);
  let kept = magnitude;
  if (last <= exponent) {
    kept <<= BigInt(exponent - last);
  } else {
    const shift = BigInt(last - exponent);
    const rest = magnitude & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    kept >>= shift;
    if (rest > half || (rest === half && (kept & 1n) === 1n)) kept += 1n;
  }
  // The leading bit of a normal number adds one to the field below it; so does a carry of the rounding.
  const field = last + format.fraction + format.bias - 1;
  const result = (BigInt(field) << BigInt(format.fraction)) + kept;
  return sign | (result < infinityBits(format) ? result : infinityBits(format));
}

export function multiplied(a: Exact, b: Exact): Exact {
  return {
    negative: a.negative !== b.negative,
    magnitude: a.magnitude * b.magnitude,
    exponent: a.exponent + b.exponent,
  };
}

/** The sum; a zero has the sign that rounding to nearest gives it. */
export function added(a: Exact, b: Exact): Exact {
  const exponent = Math.min(a.exponent, b.exponent);
  const signed = (x: Exact): bigint => (x.negative ? -x.magnitude : x.magnitude) << BigInt(x.exponent - exponent);
  const sum = signed(a) + signed(b);
  const negative = sum < 0n || (sum === 0n && a.negative && b.negative);
  return { negative, magnitude: sum < 0n ? -sum : sum, exponent };
}

/** The integer nearest to zero on the way from a number to zero. */
export function truncated(x: Exact): bigint {
  const magnitude = x.exponent >= 0 ? x.magnitude << BigInt(x.exponent) : x.magnitude >> BigInt(-x.exponent);
  return x.negative ? -magnitude : magnitude;
}

const buffer = new DataView(new ArrayBuffer(8));

/** The value of a format's bits as a JavaScript number, which holds all of them. */
export function numberOf(format: FloatFormat, bits: bigint): number {
  if (format.bits === 64) {
    buffer.setBigUint64(0, bits);
    return buffer.getFloat64(0);
  }
  if (format.fraction === f32.fraction || format.fraction === bf16.fraction) {
    buffer.setUint32(0, format.bits === 16 ? Number(bits) << 16 : Number(bits));
    return buffer.getFloat32(0);
  }
  if (isNanBits(format, bits)) return Number.NaN;
  const sign = (bits & signBit(format)) === 0n ? 1 : -1;
  if (isInfiniteBits(format, bits)) return sign * Number.POSITIVE_INFINITY;
  const { magnitude, exponent } = exactly(format, bits);
  return sign * Number(magnitude) * 2 ** exponent;
}

/** The bits of the nearest number of a format to a JavaScript number. */
export function bitsOf(format: FloatFormat, value: number): bigint {
  if (Number.isNaN(value)) return infinityBits(format) | (1n << BigInt(format.fraction - 1));
  if (!Number.isFinite(value)) return infinityBits(format) | (value < 0 ? signBit(format) : 0n);
  buffer.setFloat64(0, value);
  const bits = buffer.getBigUint64(0);
  return format.bits === 64 ? bits : rounded(format, exactly(f64, bits));
}

/** a * b + c rounded once; infinities and NaN as JavaScript's arithmetic has them. */
export function fusedMultiplyAdd(format: FloatFormat, a: bigint, b: bigint, c: bigint): bigint {
  const special = [a, b, c].some((bits) => isNanBits(format, bits) || isInfiniteBits(format, bits));
  if (special) {
    const [x, y, z] = [a, b, c].map((bits) => numberOf(format, bits)) as [number, number, number];
    // A finite addend or product cannot change what an infinity gives.
    const product = Number.isFinite(x) && Number.isFinite(y) ? 0 : x * y;
    return bitsOf(format, product + (Number.isFinite(z) && Number.isFinite(x) && Number.isFinite(y) ? 0 : z));
  }
  return rounded(format, added(multiplied(exactly(format, a), exactly(format, b)), exactly(format, c)));
}
