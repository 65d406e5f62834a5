// Operands for tests: every edge of a type against every other, then random ones that land near the edges.
import { bf16, type FloatFormat, f16, f32, f64, infinityBits, isInfiniteBits, isNanBits, signBit } from "./exact.ts";

export type Scalar = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f16" | "bf16" | "f32" | "f64";

export const floatFormats: Partial<Record<Scalar, FloatFormat>> = { f16, bf16, f32, f64 };
export const bitsIn = (type: Scalar): number => (type === "bf16" ? 16 : Number(type.slice(1)));

/** A type, perhaps without the values that an operation does not define. */
export interface Operand {
  readonly type: Scalar;
  /** Floats: the magnitude is below 2 ** below, and finite */
  readonly below?: number;
  readonly positive?: boolean;
  /** Integers: from 0 to this, exclusive */
  readonly count?: bigint;
}

/** A sequence of 32-bit numbers that is the same in every run. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** Bits of the values where operations of a type change their ways. */
export function edges(type: Scalar): bigint[] {
  const width = BigInt(bitsIn(type));
  const all = (1n << width) - 1n;
  const format = floatFormats[type];
  if (format === undefined) {
    const small = [0n, 1n, 2n, 3n, 5n, 7n, 8n, 10n, 127n, 128n, 255n, 256n, all >> 1n, (all >> 1n) - 1n, all / 3n];
    return [...new Set(small.flatMap((value) => [value & all, ~value & all, -value & all]))];
  }
  const { fraction, bias } = format;
  const power = (exponent: number): bigint => BigInt(exponent + bias) << BigInt(fraction);
  const infinity = infinityBits(format);
  const smallestNormal = power(1 - bias);
  const positive = [
    0n,
    1n,
    smallestNormal / 3n,
    smallestNormal - 1n,
    smallestNormal,
    smallestNormal + 1n,
    power(-1),
    power(0) - 1n,
    power(0),
    power(0) + 1n,
    power(0) + (1n << BigInt(fraction - 1)),
    power(1),
    power(1) + (1n << BigInt(fraction - 2)),
    power(3) + 5n,
    power(Math.min(fraction, bias)),
    power(Math.min(fraction, bias)) + 1n,
    power(bias - 1),
    infinity - 2n,
    infinity - 1n,
    infinity,
    infinity + 1n,
    infinity | (1n << BigInt(fraction - 1)),
  ];
  return positive.flatMap((value) => [value, value | signBit(format)]);
}

/** `count` tuples of operands as bits. */
export function tuples(operands: readonly Operand[], count: number, seed = 1): bigint[][] {
  const next = random(seed);
  const lists = operands.map((operand) => edges(operand.type));
  const combinations = lists.reduce((product, list) => product * list.length, 1);
  return Array.from({ length: count }, (_, index) => {
    // At most half of the tuples are edges: all combinations in order where they fit, else some at random.
    const ordered = combinations <= count / 2 && index < combinations;
    const mixed = combinations > count / 2 && index < count / 2;
    let rest = index;
    const first = anyBits(operands[0]?.type ?? "u32", next);
    return operands.map((operand, position) => {
      const list = lists[position] as bigint[];
      let bits = position === 0 ? first : near(operand.type, first, operands[0]?.type ?? "u32", next);
      if (ordered) {
        bits = list[rest % list.length] as bigint;
        rest = Math.floor(rest / list.length);
      } else if (mixed && next() % 4 !== 0) bits = list[next() % list.length] as bigint;
      return within(operand, bits);
    });
  });
}

function anyBits(type: Scalar, next: () => number): bigint {
  const bits = (BigInt(next()) << 32n) | BigInt(next());
  const width = bitsIn(type);
  // Integers of all lengths; floats of all exponents.
  const cut = floatFormats[type] === undefined ? next() % width : 0;
  return BigInt.asUintN(width, BigInt.asIntN(width, bits) >> BigInt(cut));
}

/** Any bits, or, for a float after another one of its type, often an exponent near that one's. */
function near(type: Scalar, first: bigint, firstType: Scalar, next: () => number): bigint {
  const bits = anyBits(type, next);
  const format = floatFormats[type];
  if (format === undefined || type !== firstType || next() % 2 === 0) return bits;
  const mask = infinityBits(format);
  const field = (first & mask) + (BigInt((next() % 9) - 4) << BigInt(format.fraction));
  return (bits & ~mask) | (field < 0n ? 0n : field & mask);
}

function within(operand: Operand, bits: bigint): bigint {
  const format = floatFormats[operand.type];
  let result = bits;
  if (format !== undefined && operand.below !== undefined) {
    const limit = BigInt(operand.below + format.bias);
    const mask = infinityBits(format);
    const field = (bits & mask) >> BigInt(format.fraction);
    if (field >= limit) result = (bits & ~mask) | ((field % limit) << BigInt(format.fraction));
  }
  if (format !== undefined && operand.positive === true) result &= signBit(format) - 1n;
  return operand.count === undefined ? result : result % operand.count;
}

/** Values of a type next to each other in memory. */
export function bytesOf(type: Scalar, values: readonly bigint[]): Uint8Array {
  const size = bitsIn(type) / 8;
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, index) => {
    if (size === 8) view.setBigUint64(index * 8, value, true);
    else if (size === 4) view.setUint32(index * 4, Number(value), true);
    else if (size === 2) view.setUint16(index * 2, Number(value), true);
    else view.setUint8(index, Number(value));
  });
  return new Uint8Array(view.buffer);
}

/** The value at `index` of what bytesOf gives. */
export function valueAt(type: Scalar, bytes: Uint8Array, index: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bitsIn(type) / 8;
  if (size === 8) return view.getBigUint64(index * 8, true);
  if (size === 4) return BigInt(view.getUint32(index * 4, true));
  return BigInt(size === 2 ? view.getUint16(index * 2, true) : view.getUint8(index));
}

/** Equal, or so many units in the last place apart at most; any NaN is as good as another, and so are zeros then. */
export function close(type: Scalar, a: bigint, b: bigint, ulps: number): boolean {
  const format = floatFormats[type];
  if (a === b) return true;
  if (format === undefined) return false;
  if (isNanBits(format, a) || isNanBits(format, b)) return isNanBits(format, a) && isNanBits(format, b);
  if (ulps === 0 || isInfiniteBits(format, a) || isInfiniteBits(format, b)) return false;
  // Bits in the order of the numbers, both zeros at 0.
  const rank = (bits: bigint) => ((bits & signBit(format)) === 0n ? bits : signBit(format) - bits);
  const apart = rank(a) - rank(b);
  return (apart < 0n ? -apart : apart) <= BigInt(ulps);
}
