import { type Dialect, STOCK } from "./dialect.ts";
import { type Im2d2ColShape, im2d2colShape } from "./im2col.ts";
import type { ConvProblem, TensorType } from "./problem.ts";

/** The two-dimensional convolutions that the kernel set promises to serve. */
export interface Ranges {
  /** [height, width] */
  filters: readonly (readonly [number, number])[];
  strides: readonly (readonly [number, number])[];
  dilations: readonly (readonly [number, number])[];
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/**
 * Filters: squares to 13x13, 1xN and Nx1 to 13, every rectangle to 7x7. Strides 1 to 4, each axis for itself.
 * Dilation 1 to 4, the same on both axes.
 */
export const CONV_RANGES: Ranges = {
  filters: [
    ...upTo(7).flatMap((height) => upTo(7).map((width): [number, number] => [height, width])),
    ...upTo(13)
      .filter((size) => size > 7)
      .flatMap((size): [number, number][] => [
        [size, size],
        [1, size],
        [size, 1],
      ]),
  ],
  strides: upTo(4).flatMap((height) => upTo(4).map((width): [number, number] => [height, width])),
  dilations: upTo(4).map((step): [number, number] => [step, step]),
};

/** The three float types share everything but the type in the key. */
export const FLOAT_TYPES: readonly TensorType[] = ["fp32", "fp16", "bf16"];

/** A shape that Im2d2Col is specialised for, and a small problem that asks for it. */
export interface Im2colCase {
  shape: Im2d2ColShape;
  /** fp32, forward; the smallest of all that ask for the shape, undilated where one exists */
  example: ConvProblem;
}

/**
 * Every Im2d2Col shape that a problem within the ranges can ask for, whatever its batch, channels, groups, padding and
 * image size. An output is a single block (8 rows, 32 columns or less) or not; with stride 1 and four channels together
 * or alone: that is all MIOpen looks at (keys.ts).
 */
export function im2colCases(ranges: Ranges = CONV_RANGES, dialect = STOCK): Im2colCase[] {
  const cases = new Map<string, Im2colCase & { cost: number }>();
  for (const dilation of ranges.dilations) {
    for (const filter of ranges.filters) {
      for (const stride of ranges.strides) {
        for (const example of examplesOf({ filter, stride, dilation }, dialect)) {
          const shape = im2d2colShape(example, dialect);
          const key = shapeId(shape);
          const cost = (dilation[0] > 1 ? 1e6 : 0) + (example.input[0] ?? 1) * (example.input[1] ?? 1) * example.c;
          if (cost < (cases.get(key)?.cost ?? Number.POSITIVE_INFINITY)) cases.set(key, { shape, example, cost });
        }
      }
    }
  }
  return [...cases.values()].map(({ shape, example }) => ({ shape, example }));
}

/** One text for a shape. */
export function shapeId(shape: Im2d2ColShape): string {
  return `${shape.tile} ${shape.strided} ${shape.oneBlock} ${shape.large}`;
}

/**
 * Problems of one filter, stride and dilation: large output, small output, and small outputs with four channels, whose size
 * counts with the patches.
 */
function examplesOf(
  { filter, stride, dilation }: Record<"filter" | "stride" | "dilation", readonly number[]>,
  { patched }: Dialect,
): ConvProblem[] {
  // The patches leave out products with a side of 1 on some cards (dialect.ts).
  const few = patched ? 2 : 1;
  const problem = (channels: number, output: readonly [number, number]): ConvProblem => ({
    ...{ type: "fp32", direction: "forward", n: 1, c: channels, k: few, groups: 1 },
    input: output.map((size, axis) => {
      const extent = ((filter[axis] ?? 1) - 1) * (dilation[axis] ?? 1) + 1;
      // A 1x1 filter without padding and with stride 1 or 2 takes another solver: one ring of padding prevents that.
      return (size - 1) * (stride[axis] ?? 1) + extent - (extent === 1 ? 2 : 0);
    }),
    pad: filter.map((size) => (size === 1 ? 1 : 0)),
    ...{ filter, stride, dilation, layout: "NCHW", transposed: false },
  });
  return [problem(few, [9, 3]), problem(few, [3, 3]), problem(4, [3, 3]), problem(4, [8, 8])];
}
