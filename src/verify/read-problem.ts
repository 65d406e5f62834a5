import { optionsOf } from "../kernels/commands.ts";
import type { ConvDirection, ConvProblem, TensorType } from "../kernels/problem.ts";

const TYPES: Readonly<Record<string, TensorType>> = {
  conv: "fp32",
  convfp16: "fp16",
  convbfp16: "bf16",
  convint8: "int8",
};

/** Bits of `-F` [driver/conv_driver.hpp]. */
export const DIRECTION_BITS: readonly (readonly [number, ConvDirection])[] = [
  [1, "forward"],
  [2, "backward-data"],
  [4, "backward-weights"],
];

/**
 * The convolution that a MIOpenDriver command is about, one for each direction that it asks for; null when it is none
 * that MIOpen has a solver of ours for (another operation, a layout of its own for each tensor, vectorised tensors).
 * Values that are not given are the driver's own [driver/conv_driver.hpp AddCmdLineArgs].
 */
export function readProblems(args: readonly string[]): ConvProblem[] | null {
  const type = TYPES[args[0] ?? ""];
  if (type === undefined) return null;
  const options = optionsOf(args);
  const number = (letter: string, otherwise: number) => Number(options.get(letter) ?? otherwise);
  const three = number("_", 2) === 3;
  const axes = (depth: string, height: string, width: string, otherwise: number) => {
    const flat = [number(height, otherwise), number(width, otherwise)];
    return three ? [number(depth, otherwise), ...flat] : flat;
  };
  const plain = three ? "NCDHW" : "NCHW";
  const layouts = new Set(["I", "O", "f"].map((letter) => options.get(letter) || plain));
  const [layout] = layouts;
  if (layouts.size > 1 || !isLayout(layout) || (layout.length === 5) !== three) return null;
  if (number("L", 1) > 1) return null;
  const shape = {
    ...{
      type,
      layout,
      n: number("n", 100),
      c: number("c", 3),
      k: number("k", 32),
      groups: Math.max(1, number("g", 1)),
    },
    ...{ input: axes("!", "H", "W", 32), filter: axes("@", "y", "x", 3), stride: axes("#", "u", "v", 1) },
    ...{ pad: axes("$", "p", "q", 0), dilation: axes("^", "l", "j", 1), transposed: options.get("m") === "trans" },
  };
  const forw = number("F", 0);
  const wanted = DIRECTION_BITS.filter(([bit]) => forw === 0 || (forw & bit) !== 0);
  const pad = paddingOf(shape, options.get("z") ?? "default");
  return wanted.map(([, direction]) => ({ ...shape, pad, direction }));
}

function isLayout(text: string | undefined): text is ConvProblem["layout"] {
  return text === "NCHW" || text === "NHWC" || text === "NCDHW" || text === "NDHWC";
}

/** `-z same` and `-z valid` replace the padding of undilated convolutions [SetConvDescriptorFromCmdLineArgs]. */
function paddingOf(shape: Omit<ConvProblem, "direction">, mode: string): readonly number[] {
  const { input, filter, stride, dilation, transposed } = shape;
  const undilated = dilation.every((step) => step === 1) || filter.every((size) => size === 1);
  if (transposed || !undilated) return shape.pad;
  if (mode === "valid") return shape.pad.map(() => 0);
  if (mode !== "same") return shape.pad;
  return filter.map((size, axis) => {
    const step = stride[axis] ?? 1;
    const rest = (input[axis] ?? 0) % step;
    return Math.floor(Math.max(size - (rest === 0 ? step : rest), 0) / 2);
  });
}
