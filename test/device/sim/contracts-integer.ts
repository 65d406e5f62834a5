// Contracts of conversions, integer arithmetic and bit operations.
import { type Contract, cName } from "./contract.ts";
import {
  bf16,
  bitsOf,
  type Exact,
  exactly,
  type FloatFormat,
  f16,
  f32,
  f64,
  integer,
  numberOf,
  rounded,
  truncated,
} from "./exact.ts";
import { bitsIn, type Operand, type Scalar } from "./operands.ts";

const many = 65536;

function conversions(): Contract[] {
  const formats: [Scalar, FloatFormat][] = [
    ["f16", f16],
    ["f32", f32],
    ["f64", f64],
  ];
  const integers: Scalar[] = ["i16", "u16", "i32", "u32", "i64", "u64"];
  const result: Contract[] = [];
  for (const [type, format] of formats) {
    for (const whole of integers) {
      const isSigned = whole.startsWith("i");
      const width = bitsIn(whole);
      const valueOfBits = (bits: bigint): Exact => integer(isSigned ? BigInt.asIntN(width, bits) : bits);
      result.push({
        name: `${type}_from_${whole}`,
        out: type,
        in: [{ type: whole }],
        code: `(${cName[type]})a`,
        expect: (a) => rounded(format, valueOfBits(a as bigint)),
      });
      const below = Math.min(isSigned ? width - 1 : width, format.bias + 1);
      result.push({
        name: `${whole}_from_${type}`,
        out: whole,
        // Negative numbers above -1 become 0 in unsigned types; others are not defined.
        in: [{ type, below, ...(isSigned ? {} : { positive: true }) }],
        code: `(${cName[whole]})a`,
        expect: (a) => BigInt.asUintN(width, truncated(exactly(format, a as bigint))),
      });
    }
    for (const [other, otherFormat] of [...formats, ["bf16", bf16] as [Scalar, FloatFormat]]) {
      if (other === type || (type === "f16" && other === "bf16")) continue;
      result.push({
        name: `${other}_from_${type}`,
        out: other,
        in: [{ type }],
        code: `(${cName[other]})a`,
        expect: (a) => bitsOf(otherFormat, numberOf(format, a as bigint)),
        count: many,
      });
    }
  }
  return result;
}

function integers(type: "i32" | "u32" | "i64" | "u64"): Contract[] {
  const width = bitsIn(type);
  const isSigned = type.startsWith("i");
  const value = (bits: bigint | undefined): bigint => (isSigned ? BigInt.asIntN(width, bits ?? 0n) : (bits ?? 0n));
  const wrapped = (result: bigint): bigint => BigInt.asUintN(width, result);
  const limit = (result: bigint): bigint => {
    const high = (1n << BigInt(isSigned ? width - 1 : width)) - 1n;
    const low = isSigned ? -high - 1n : 0n;
    return wrapped(result > high ? high : result < low ? low : result);
  };
  const two: Operand[] = [{ type }, { type }];
  const shift: Operand[] = [{ type }, { type: "u32", count: BigInt(width) }];
  const undefinedDivision = isSigned ? "b == 0 || b == -1" : "b == 0";
  const divided =
    (apply: (a: bigint, b: bigint) => bigint): Contract["expect"] =>
    (a, b) =>
      value(b) === 0n || (isSigned && value(b) === -1n) ? 0n : wrapped(apply(value(a), value(b)));
  const make = (
    name: string,
    operands: Operand[],
    code: string,
    expect: Contract["expect"],
    count?: number,
  ): Contract => ({
    name: `${type}_${name}`,
    out: type,
    in: operands,
    code,
    expect,
    ...(count === undefined ? {} : { count }),
  });
  const unsigned = width === 64 ? "ulong" : "uint";
  const wide = width === 64 ? (isSigned ? "__int128" : "unsigned __int128") : isSigned ? "long" : "ulong";
  return [
    make(
      "divide",
      two,
      `${undefinedDivision} ? 0 : a / b`,
      divided((a, b) => a / b),
      many,
    ),
    make(
      "remainder",
      two,
      `${undefinedDivision} ? 0 : a % b`,
      divided((a, b) => a % b),
      many,
    ),
    make("add", two, "a + b", (a, b) => wrapped(value(a) + value(b))),
    make("multiply", two, "a * b", (a, b) => wrapped(value(a) * value(b))),
    make("multiply_high", two, `(${cName[type]})(((${wide})a * (${wide})b) >> ${width})`, (a, b) =>
      wrapped((value(a) * value(b)) >> BigInt(width)),
    ),
    make("add_saturated", two, "__builtin_elementwise_add_sat(a, b)", (a, b) => limit(value(a) + value(b))),
    make("subtract_saturated", two, "__builtin_elementwise_sub_sat(a, b)", (a, b) => limit(value(a) - value(b))),
    make("shift_left", shift, "a << b", (a, b) => wrapped(value(a) << (b ?? 0n))),
    make("shift_right", shift, "a >> b", (a, b) => wrapped(value(a) >> (b ?? 0n))),
    make("least", two, "a < b ? a : b", (a, b) => wrapped(value(a) < value(b) ? value(a) : value(b))),
    make(
      "absolute_difference",
      two,
      `a > b ? (${unsigned})a - (${unsigned})b : (${unsigned})b - (${unsigned})a`,
      (a, b) => wrapped(value(a) > value(b) ? value(a) - value(b) : value(b) - value(a)),
    ),
  ];
}

function shorts(type: "i8" | "u8" | "i16" | "u16"): Contract[] {
  const width = bitsIn(type);
  const isSigned = type.startsWith("i");
  const value = (bits: bigint | undefined): bigint => (isSigned ? BigInt.asIntN(width, bits ?? 0n) : (bits ?? 0n));
  const high = (1n << BigInt(isSigned ? width - 1 : width)) - 1n;
  const low = isSigned ? -high - 1n : 0n;
  const limit = (result: bigint): bigint => BigInt.asUintN(width, result > high ? high : result < low ? low : result);
  const two: Operand[] = [{ type }, { type }];
  return [
    {
      name: `${type}_add_saturated`,
      out: type,
      in: two,
      code: "__builtin_elementwise_add_sat(a, b)",
      expect: (a, b) => limit(value(a) + value(b)),
    },
    {
      name: `${type}_subtract_saturated`,
      out: type,
      in: two,
      code: "__builtin_elementwise_sub_sat(a, b)",
      expect: (a, b) => limit(value(a) - value(b)),
    },
    {
      name: `${type}_divide`,
      out: type,
      in: two,
      code: `b == 0${isSigned ? " || b == -1" : ""} ? 0 : a / b`,
      expect: (a, b) =>
        value(b) === 0n || (isSigned && value(b) === -1n) ? 0n : BigInt.asUintN(width, value(a) / value(b)),
    },
    {
      name: `${type}_multiply_add`,
      out: type,
      in: [...two, { type }],
      code: "a * b + c",
      expect: (a, b, c) => BigInt.asUintN(width, value(a) * value(b) + value(c)),
    },
  ];
}

function bitOperations(type: "u32" | "u64"): Contract[] {
  const width = bitsIn(type);
  const digits = (bits: bigint): string => bits.toString(2).padStart(width, "0");
  const make = (name: string, code: string, expect: (a: bigint) => bigint): Contract => ({
    name: `${type}_${name}`,
    out: type,
    in: [{ type }],
    code,
    expect: (a) => expect(a as bigint),
  });
  const suffix = width === 64 ? "l" : "";
  const zeros = (text: string): bigint => BigInt(text.indexOf("1") < 0 ? width : text.indexOf("1"));
  const reverse = (text: string): string => [...text].reverse().join("");
  return [
    make("leading_zeros", `a == 0 ? ${width} : __builtin_clz${suffix}(a)`, (a) => zeros(digits(a))),
    make("trailing_zeros", `a == 0 ? ${width} : __builtin_ctz${suffix}(a)`, (a) => zeros(reverse(digits(a)))),
    make("ones", `__builtin_popcount${suffix}(a)`, (a) => BigInt(digits(a).replaceAll("0", "").length)),
    make("reversed", `__builtin_bitreverse${width}(a)`, (a) => BigInt(`0b${reverse(digits(a))}`)),
    make("rotated", `(a << 7) | (a >> ${width - 7})`, (a) =>
      BigInt.asUintN(width, (a << 7n) | (a >> BigInt(width - 7))),
    ),
    make("bytes_swapped", `__builtin_bswap${width}(a)`, (a) =>
      BigInt(
        `0x${(
          a
            .toString(16)
            .padStart(width / 4, "0")
            .match(/../g) ?? []
        )
          .reverse()
          .join("")}`,
      ),
    ),
  ];
}

export const integerContracts: readonly Contract[] = [
  ...conversions(),
  ...integers("i32"),
  ...integers("u32"),
  ...integers("i64"),
  ...integers("u64"),
  ...shorts("i8"),
  ...shorts("u8"),
  ...shorts("i16"),
  ...shorts("u16"),
  ...bitOperations("u32"),
  ...bitOperations("u64"),
];
