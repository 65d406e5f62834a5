import type { DriverCommand } from "./commands.ts";
import { STOCK } from "./dialect.ts";
import { commandFor } from "./families.ts";
import { naiveSolver } from "./keys.ts";
import { type ConvDirection, type ConvProblem, outputOf, type TensorType } from "./problem.ts";
import { generator, pick, type Random } from "./random.ts";
import { CONV_RANGES, FLOAT_TYPES } from "./ranges.ts";

/**
 * Random convolutions from everything the set promises, the same ones for the same seed: they are not harvested, but
 * run with compilation refused, so they prove the rows that were derived and the key model itself.
 */
export function planProbes(count: number, seed: number, dialect = STOCK): DriverCommand[] {
  // Every eighth in immediate mode with the naive solver, whose key is another then (keys.ts naiveKey)
  return randomProblems(count, seed).map((problem, index) =>
    index % 8 === 7
      ? commandFor(problem, "probe", dialect, naiveSolver(problem))
      : commandFor(problem, "probe", dialect),
  );
}

/** Random valid problems: all types, directions, layouts, 1-D to 3-D, grouped, depthwise, dilated, transposed. */
export function randomProblems(count: number, seed: number): ConvProblem[] {
  const random = generator(seed);
  const problems: ConvProblem[] = [];
  while (problems.length < count) {
    const problem = randomProblem(random);
    // A transposed output that is too small is not a problem: draw again.
    if (outputOf(problem).every((size) => size >= 1) && hasClearLayout(problem)) problems.push(problem);
  }
  return problems;
}

/**
 * MIOpen reads a tensor's layout off its strides. One channel and a last axis of one element leave it a choice, and in
 * channels-last tensors it can choose a layout that it then refuses ("Non-vectorized tensor only support layout …").
 */
function hasClearLayout({ layout, c, k, input, ...rest }: ConvProblem): boolean {
  if (layout === "NCHW" || layout === "NCDHW") return true;
  const output = outputOf({ layout, c, k, input, ...rest });
  return (c > 1 || input.at(-1) !== 1) && (k > 1 || output.at(-1) !== 1);
}

function randomProblem(random: Random): ConvProblem {
  const dimensions = pick(random, [1, 2, 2, 2, 2, 3, 3]);
  // MIOpen has no three-dimensional convolution from int8 to int8 [naive_conv.cpp]
  const int8: TensorType[] = dimensions === 3 ? [] : ["int8"];
  const type: TensorType = pick(random, [...FLOAT_TYPES, ...FLOAT_TYPES, ...FLOAT_TYPES, ...int8]);
  const directions: ConvDirection[] = ["forward", "backward-data", "backward-weights"];
  const filter = randomFilter(random, dimensions);
  const each = (low: number, high: number) => filter.map(() => random(low, high));
  const step = random(0, 3) === 0 ? random(2, 4) : 1;
  const dilation = filter.map((_, axis) => (dimensions === 1 && axis === 0 ? 1 : step));
  const groups = pick(random, [1, 1, 1, 2, 3, 4]);
  const depthwise = random(0, 6) === 0;
  const c = groups * random(1, dimensions === 3 ? 4 : 8);
  const [plain, last] = dimensions === 3 ? (["NCDHW", "NDHWC"] as const) : (["NCHW", "NHWC"] as const);
  const pad = filter.map((size) => random(0, Math.floor(size / 2)));
  const input = filter.map((size, axis) => {
    const extent = (size - 1) * (dilation[axis] ?? 1) + 1;
    return Math.max(1, extent - 2 * (pad[axis] ?? 0)) + random(0, dimensions === 3 ? 8 : pick(random, [6, 40, 80]));
  });
  const flat = (values: number[], first: number) => (dimensions === 1 ? [first, ...values.slice(1)] : values);
  return {
    type,
    direction: type === "int8" ? "forward" : pick(random, directions),
    n: random(1, 3),
    c,
    k: depthwise ? c * random(1, 2) : groups * random(1, 8),
    groups: depthwise ? c : groups,
    input: flat(input, 1),
    filter,
    pad: flat(pad, 0),
    stride: flat(each(1, 4), 1),
    dilation,
    layout: random(0, 3) === 0 ? last : plain,
    transposed: type !== "int8" && random(0, 5) === 0,
  };
}

/** Two-dimensional from the ranges; one-dimensional up to 13; three-dimensional up to 5 along each axis. */
function randomFilter(random: Random, dimensions: number): number[] {
  if (dimensions === 1) return [1, random(1, 13)];
  if (dimensions === 2) return [...pick(random, CONV_RANGES.filters)];
  const size = random(1, 5);
  return random(0, 1) === 0 ? [size, size, size] : [random(1, 5), random(1, 5), random(1, 5)];
}
