// Contracts of the device library's functions: within the distance from the true result that OpenCL C allows.
import type { Contract } from "./contract.ts";
import { bitsOf, type FloatFormat, f32, f64, numberOf } from "./exact.ts";

type Apply = (a: number, b: number) => number;

/** OpenCL C 3.0 §7.4 for f32 and f64, and one more for what JavaScript's own f64 functions may be off. */
const functions: [name: string, arguments_: 1 | 2, apply: Apply, ulps32: number, ulps64: number][] = [
  ["exp", 1, Math.exp, 3, 3],
  ["exp2", 1, (a) => 2 ** a, 3, 3],
  ["expm1", 1, Math.expm1, 3, 3],
  ["log", 1, Math.log, 3, 3],
  ["log2", 1, Math.log2, 3, 3],
  ["log10", 1, Math.log10, 3, 3],
  ["log1p", 1, Math.log1p, 2, 2],
  ["sin", 1, Math.sin, 4, 4],
  ["cos", 1, Math.cos, 4, 4],
  ["tan", 1, Math.tan, 5, 5],
  ["asin", 1, Math.asin, 4, 4],
  ["acos", 1, Math.acos, 4, 4],
  ["atan", 1, Math.atan, 5, 5],
  ["sinh", 1, Math.sinh, 4, 4],
  ["cosh", 1, Math.cosh, 4, 4],
  ["tanh", 1, Math.tanh, 5, 5],
  ["cbrt", 1, Math.cbrt, 2, 2],
  ["rsqrt", 1, (a) => 1 / Math.sqrt(a), 2, 2],
  ["atan2", 2, Math.atan2, 6, 6],
  ["hypot", 2, Math.hypot, 4, 4],
  ["pow", 2, power, 16, 16],
  ["fmod", 2, (a, b) => a % b, 0, 0],
];

/** C's pow, which gives 1 where JavaScript gives NaN. */
function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

function contract(type: "f32" | "f64", format: FloatFormat): Contract[] {
  return functions.map(([name, count, apply, ulps32, ulps64]) => {
    const operands = ["a", "b"].slice(0, count);
    const declared = operands.map(() => (type === "f32" ? "float" : "double")).join(", ");
    return {
      name: `${type}_${name}`,
      out: type,
      in: operands.map(() => ({ type })),
      before: `${type === "f32" ? "float" : "double"} __ocml_${name}_${type}(${declared});`,
      code: `__ocml_${name}_${type}(${operands.join(", ")})`,
      expect: (a, b) => bitsOf(format, apply(numberOf(format, a ?? 0n), numberOf(format, b ?? 0n))),
      ulps: (type === "f32" ? ulps32 : ulps64) + (type === "f64" ? 1 : 0),
    };
  });
}

export const mathContracts: readonly Contract[] = [...contract("f32", f32), ...contract("f64", f64)];
