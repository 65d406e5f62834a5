import type { Dialect } from "../kernels/dialect.ts";
import { type Im2d2ColShape, im2d2colShape, im2d2colTiling } from "../kernels/im2col.ts";
import { asConvolution, type ConvProblem, outputOf } from "../kernels/problem.ts";
import { generator, pick, type Random } from "../kernels/random.ts";
import { CONV_RANGES, type Ranges, shapeId } from "../kernels/ranges.ts";

/** Problems for one Im2d2Col key. */
export interface Im2colProblems {
  shape: Im2d2ColShape;
  problems: readonly ConvProblem[];
}

/** Filter, stride and dilation, and what decides the tiling besides. */
interface Setting {
  filter: readonly [number, number];
  stride: readonly [number, number];
  dilation: readonly [number, number];
  output: "large" | "small" | "four channels";
}

/**
 * For every Im2d2Col key that the ranges lead to, so many different problems that MIOpen serves with it: with different
 * filters, strides or dilations where the key leaves a choice, and always with different sizes. Every second one is padded on each axis: the kernel has a store of its own for that. Channels,
 * batch and sizes are drawn at random, the same for the same key.
 *
 * Left out are problems for which MIOpen 3.5.1 reserves less LDS than its kernel fills (see {@link overflowsLds}): their
 * results are wrong whatever the object.
 */
export function im2colProblems(each: number, dialect: Dialect, ranges: Ranges = CONV_RANGES): Im2colProblems[] {
  const byShape = new Map<string, { shape: Im2d2ColShape; settings: Setting[] }>();
  for (const setting of settingsOf(ranges)) {
    const shape = im2d2colShape(plainProblem(setting), dialect);
    const entry = byShape.get(shapeId(shape)) ?? { shape, settings: [] };
    byShape.set(shapeId(shape), entry);
    // The first few and the last: enough to differ, and bounded.
    if (entry.settings.length < each) entry.settings.push(setting);
    else entry.settings[each - 1] = setting;
  }
  return [...byShape].map(([id, { shape, settings }], index) => {
    const random = generator(index + 1);
    const problems = Array.from({ length: each }, (_, turn) =>
      draw(settings[turn % settings.length] as Setting, id, turn % 2 === 0, random, dialect),
    );
    return { shape, problems };
  });
}

function settingsOf(ranges: Ranges): Setting[] {
  return ranges.dilations.flatMap((dilation) =>
    ranges.filters.flatMap((filter) =>
      ranges.strides.flatMap((stride) =>
        (["large", "small", "four channels"] as const).map((output) => ({ filter, stride, dilation, output })),
      ),
    ),
  );
}

/** Stands for its setting: the smallest problem, as ranges.ts has it. */
function plainProblem(setting: Setting): ConvProblem {
  const channels = setting.output === "four channels" ? 4 : 1;
  return problemOf(setting, channels, setting.output === "large" ? [9, 3] : [3, 3], [0, 0], [0, 0]);
}

/** A problem with a given output; `rest` is what the last stride leaves over at the end of each axis. */
function problemOf(
  { filter, stride, dilation }: Setting,
  c: number,
  output: readonly [number, number],
  pad: readonly [number, number],
  rest: readonly [number, number],
): ConvProblem {
  const input = output.map((size, axis) => {
    const extent = ((filter[axis] ?? 1) - 1) * (dilation[axis] ?? 1) + 1;
    return (size - 1) * (stride[axis] ?? 1) + extent - 2 * (pad[axis] ?? 0) + (rest[axis] ?? 0);
  });
  const fixed = { type: "fp32", direction: "forward", k: 1, groups: 1, layout: "NCHW", transposed: false } as const;
  return { ...fixed, n: 1, c, input, filter, pad, stride, dilation };
}

/** Draws until a problem is valid, has the key, and is one that MIOpen serves with im2col. */
function draw(setting: Setting, id: string, padded: boolean, random: Random, dialect: Dialect): ConvProblem {
  for (let attempt = 0; attempt < 2000; attempt++) {
    // Few keys fit no padded problem, or none without padding: then any will do.
    const problem = { ...drawOnce(setting, attempt < 1000 ? padded : null, random), n: random(1, 3) };
    if (problem.input.some((size) => size < 1) || outputOf(problem).some((size) => size < 1)) continue;
    const { filter, pad, stride } = problem;
    if ([...filter, ...stride].every((size) => size === 1) && pad.every((size) => size === 0)) continue; // GEMM alone
    if (shapeId(im2d2colShape(problem, dialect)) === id && !overflowsLds(problem, dialect)) return problem;
  }
  throw new RangeError(`no problem found for the im2col key ${id}`);
}

/** `padded`: on every axis, on none, or null for as it comes. */
function drawOnce(setting: Setting, padded: boolean | null, random: Random): ConvProblem {
  const { filter, stride, dilation, output } = setting;
  const four = output === "four channels";
  const channels = four ? 4 * random(1, 2) : pick(random, [1, 2, 3, 5]);
  const size: [number, number] =
    output === "large"
      ? pick(random, [
          [random(9, 18), random(1, 34)],
          [random(1, 9), random(33, 66)],
        ])
      : [random(1, 8), four ? random(1, 8) : pick(random, [random(1, 8), random(1, 32)])];
  const pad = filter.map((taps, axis) => {
    const most = padded === false ? 0 : (taps - 1) * (dilation[axis] ?? 1) + (taps === 1 ? 1 : 0);
    return random(padded === true ? 1 : 0, most);
  });
  const rest = stride.map((step) => random(0, step - 1));
  return problemOf(setting, channels, size, [pad[0] ?? 0, pad[1] ?? 0], [rest[0] ?? 0, rest[1] ?? 0]);
}

/**
 * Whether the kernel fills more LDS than it has. For an output of one block with stride 1 it keeps whole images, but the
 * size is reckoned from the output's tile; with four channels together, low wide filters (1xN, 2x6, 2x7) and eight rows of
 * output the images are larger [MIOpenIm2d2Col.cpp; utilocl.cpp Im2d2ColGPU, MIOpen 3.5.1].
 */
export function overflowsLds(problem: ConvProblem, dialect: Dialect): boolean {
  const { tile, strided, oneBlock } = im2d2colShape(problem, dialect);
  if (!oneBlock || strided) return false;
  const { image } = asConvolution(problem);
  return im2d2colTiling(problem, dialect).together * image.reduce((all, size) => all * size, 1) > tile;
}
