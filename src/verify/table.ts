import { harvestArguments } from "../kernels/commands.ts";
import type { Dialect } from "../kernels/dialect.ts";
import { gemmSolver, type KernelKey, keysOfRun, naiveSolver } from "../kernels/keys.ts";
import {
  asConvolution,
  type ConvDirection,
  type ConvProblem,
  driverArguments,
  outputOf,
  type TensorType,
} from "../kernels/problem.ts";
import { FLOAT_TYPES } from "../kernels/ranges.ts";

/** A MIOpenDriver run with `-V 1`, and what must be seen of it. */
export interface TableRow {
  /** Arguments, whole */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  family: string;
  /** The solver that is forced; null where the operation has but one */
  solver: string | null;
  /** Kernels that it must launch, without the target; empty: rocBLAS's alone, or not predicted */
  keys: readonly KernelKey[];
  /** A line of the user's, of any size */
  own?: true;
}

/** A convolution with its plain values left out. */
type Shape = Partial<ConvProblem>;

const DIRECTIONS: readonly ConvDirection[] = ["forward", "backward-data", "backward-weights"];

/**
 * Shapes that a wrong index cannot hide in: odd sizes, channels that fill no tile, batch 1 and odd, unequal axes,
 * strides and dilations that leave a remainder. Small, because the host computes each once more in double precision.
 */
const FLAT: Readonly<Record<string, Shape>> = {
  "2d": { n: 1, c: 3, k: 5, input: [7, 9], pad: [1, 1] },
  "2d unequal axes": { n: 3, c: 4, k: 6, input: [11, 10], filter: [3, 2], pad: [1, 0], stride: [2, 3] },
  "2d 1x1": { n: 3, c: 5, k: 7, input: [5, 6], filter: [1, 1] },
  "2d 1x1 stride 2": { n: 2, c: 6, k: 5, input: [9, 7], filter: [1, 1], stride: [2, 2] },
  "2d 1x1 padded": { n: 1, c: 5, k: 4, input: [6, 35], filter: [1, 1], pad: [1, 1] },
  "2d grouped": { n: 2, c: 6, k: 9, groups: 3, input: [8, 7], pad: [1, 1] },
  "2d depthwise": { n: 3, c: 5, k: 5, groups: 5, input: [9, 8], pad: [1, 1] },
  "2d depthwise x2": { n: 1, c: 4, k: 8, groups: 4, input: [10, 7], pad: [1, 1], stride: [2, 2] },
  // One filter, and one position: the GEMM's matrices are vectors
  "2d single filter": { n: 2, c: 5, k: 1, input: [7, 6], pad: [1, 1] },
  "2d single position": { n: 3, c: 6, k: 4, input: [3, 3] },
  "2d 1x1 single filter": { n: 2, c: 6, k: 1, input: [5, 7], filter: [1, 1] },
  "2d dilated": { n: 2, c: 4, k: 3, input: [13, 12], pad: [2, 3], dilation: [2, 3], stride: [1, 2] },
  "2d large filter": { n: 1, c: 2, k: 3, input: [20, 37], filter: [7, 5], pad: [3, 2] },
  "2d transposed": { n: 2, c: 5, k: 4, input: [5, 6], filter: [4, 4], stride: [2, 2], pad: [1, 1], transposed: true },
  "2d mixed": {
    ...{ n: 2, c: 6, k: 4, groups: 2, input: [15, 17], filter: [4, 5], pad: [2, 3], stride: [2, 1], dilation: [1, 2] },
  },
  "1d": { n: 3, c: 4, k: 5, input: [1, 33], filter: [1, 5], pad: [0, 2], stride: [1, 2] },
};
const DEEP: Readonly<Record<string, Shape>> = {
  "3d": { n: 1, c: 3, k: 4, input: [4, 5, 6], filter: [3, 3, 3], pad: [1, 1, 1] },
  "3d unequal axes": { n: 3, c: 2, k: 5, input: [5, 7, 6], filter: [2, 3, 1], stride: [2, 1, 3], pad: [0, 1, 0] },
  "3d grouped": {
    n: 2,
    c: 4,
    k: 6,
    groups: 2,
    input: [4, 4, 5],
    filter: [3, 2, 3],
    pad: [1, 0, 1],
    dilation: [1, 2, 1],
  },
  "3d depthwise": { n: 1, c: 3, k: 3, groups: 3, input: [5, 4, 6], filter: [3, 3, 3], pad: [1, 1, 1] },
  "3d mixed": {
    ...{ n: 2, c: 4, k: 4, groups: 2, input: [7, 8, 9], filter: [3, 2, 3], pad: [1, 1, 2], stride: [1, 2, 2] },
    dilation: [2, 1, 1],
  },
  "3d transposed": { n: 2, c: 3, k: 2, input: [3, 3, 4], filter: [2, 2, 3], stride: [2, 2, 1], transposed: true },
};
/** Where the axes' order matters, and where it could be mixed up with the groups'. */
const CHANNELS_LAST = ["2d", "2d unequal axes", "2d grouped", "2d depthwise x2", "2d dilated", "2d mixed"];
const DEEP_LAST = ["3d", "3d unequal axes", "3d grouped", "3d mixed"];

/**
 * The transposes of 1x1 convolutions with stride 2 [ocl/utilocl.cpp transpose_NCHW2CNHW]: which of their functions runs
 * depends on the output's size (divisible by 4, by 2, odd; more than 16,384 reads), for fp32 only.
 */
const TRANSPOSES: readonly Shape[] = [
  { n: 3, c: 3, k: 4, input: [8, 8] },
  { n: 2, c: 3, k: 2, input: [4, 6] },
  { n: 2, c: 2, k: 3, input: [5, 5] },
  { n: 2, c: 2, k: 66, input: [63, 64] },
  { n: 2, c: 2, k: 148, input: [12, 74] },
  { n: 2, c: 2, k: 18, input: [61, 61] },
].map((shape) => ({ ...shape, filter: [1, 1], stride: [2, 2] }));

/** The int8 convolutions that the prover runs (prover-plan.ts); MIOpenDriver cannot compare them. */
export function int8Problems(): ConvProblem[] {
  const families = ["2d", "2d unequal axes", "2d grouped", "2d depthwise", "2d dilated", "2d large filter"];
  return families.flatMap((family) =>
    [FLAT[family] ?? {}, last(FLAT[family] ?? {})].map((shape) =>
      problemOf({ ...shape, type: "int8", direction: "forward" }),
    ),
  );
}

/** Every row for the set `conv` as a target: all float types, directions and layouts with each solver that fits. */
export function planTable(dialect: Dialect, target: string): TableRow[] {
  const rows: TableRow[] = [];
  const add = (family: string, shape: Shape, type: TensorType, direction: ConvDirection) => {
    const problem = problemOf({ ...shape, type, direction });
    for (const solver of solversOf(problem, target)) rows.push(immediateRow(problem, solver, { family, dialect }));
  };
  for (const type of FLOAT_TYPES) {
    for (const direction of DIRECTIONS) {
      for (const [family, shape] of Object.entries({ ...FLAT, ...DEEP })) add(family, shape, type, direction);
      for (const family of CHANNELS_LAST) add(`${family} NHWC`, last(FLAT[family] ?? {}), type, direction);
      for (const family of DEEP_LAST) add(`${family} NDHWC`, last(DEEP[family] ?? {}), type, direction);
    }
  }
  for (const direction of ["forward", "backward-data"] as const) {
    for (const shape of TRANSPOSES) {
      const problem = problemOf({ ...shape, type: "fp32", direction });
      rows.push(immediateRow(problem, gemmSolver(problem) ?? "", { family: "2d 1x1 stride 2 transposes", dialect }));
    }
  }
  return [...rows, ...findRows(), ...biasRows(dialect)];
}

/** Naive always; GEMM where it fits and rocBLAS serves its matrices: on gfx1011 and gfx1012 none with a vector (docs/targets.md). */
export function solversOf(problem: ConvProblem, target: string): string[] {
  const gemm = gemmSolver(problem);
  const served = target === "gfx1010" || !hasVector(problem);
  return gemm !== null && served ? [naiveSolver(problem), gemm] : [naiveSolver(problem)];
}

/** Whether one of the three sides of the GEMM is 1: filters, filter elements and output positions of a group. */
export function hasVector(problem: ConvProblem): boolean {
  const { channels, output } = asConvolution(problem);
  const filters = (problem.transposed ? problem.c : problem.k) / problem.groups;
  const elements = (channels / problem.groups) * problem.filter.reduce((all, size) => all * size, 1);
  return [filters, elements, output.reduce((all, size) => all * Math.max(1, size), 1)].includes(1);
}

/** One launch with the solver that `-S` names. */
function immediateRow(
  problem: ConvProblem,
  solver: string,
  { family, dialect, more = [] }: { family: string; dialect: Dialect; more?: readonly string[] },
): TableRow {
  const args = numericalArguments([...driverArguments(problem), ...more, "-S", solver]);
  return { args, env: {}, family, solver, keys: keysOfRun(problem, solver, dialect) };
}

/** The other way to the naive kernel, with another key (keys.ts naiveKey): a Find that may use this solver only. */
function findRows(): TableRow[] {
  const shapes: [string, Shape][] = [
    ["2d", FLAT["2d"] ?? {}],
    ["2d unequal axes", FLAT["2d unequal axes"] ?? {}],
  ];
  return shapes.flatMap(([family, shape]) =>
    FLOAT_TYPES.flatMap((type) =>
      DIRECTIONS.map((direction): TableRow => {
        const problem = problemOf({ ...shape, type, direction });
        const solver = naiveSolver(problem);
        const env = { MIOPEN_FIND_MODE: "1", MIOPEN_DEBUG_FIND_ONLY_SOLVER: solver };
        const keys = keysOfRun(problem, null).slice(0, 1);
        return { args: numericalArguments(driverArguments(problem)), env, family: `${family} found`, solver, keys };
      }),
    ),
  );
}

/** Bias forward and backward; stock MIOpen 3.5.1 has them for fp32 and fp16 (docs/kernel-set.md). */
function biasRows(dialect: Dialect): TableRow[] {
  const shapes: [string, Shape][] = [
    ["bias", FLAT["2d"] ?? {}],
    ["bias", FLAT["2d unequal axes"] ?? {}],
    // More filters than work-groups [convolutionocl.cpp: 256 going back; MAX_NUM_WG 4096 forward], so that these loop
    ["bias", { c: 1, k: 4100, input: [1, 3], filter: [1, 1] }],
    ["bias", { c: 1, k: 300, input: [7, 29], filter: [1, 1] }],
    ["bias 3d", { c: 1, k: 4100, input: [1, 1, 3], filter: [1, 1, 1] }],
    // Large enough for every step of the reductions
    ["bias", { n: 3, c: 3, k: 5, input: [43, 41], filter: [1, 1] }],
    ["bias 3d", { n: 3, c: 2, k: 3, input: [11, 17, 29], filter: [1, 1, 1] }],
    ["bias 3d", DEEP["3d"] ?? {}],
    ["bias 3d", DEEP["3d unequal axes"] ?? {}],
  ];
  return shapes.flatMap(([family, shape]) =>
    (["fp32", "fp16"] as const).flatMap((type) =>
      (["forward", "backward-data"] as const).map((direction) => {
        const problem = problemOf({ ...shape, type, direction });
        return immediateRow(problem, naiveSolver(problem), { family, dialect, more: ["-b", "1"] });
      }),
    ),
  );
}

function last(shape: Shape): Shape {
  return { ...shape, layout: shape.input?.length === 3 ? "NDHWC" : "NHWC" };
}

/** A problem; what is not said is the plainest value. */
function problemOf(shape: Shape & Pick<ConvProblem, "type" | "direction">): ConvProblem {
  const dimensions = shape.input?.length ?? 2;
  const each = (value: number) => Array.from({ length: dimensions }, () => value);
  const problem: ConvProblem = {
    ...{ n: 1, c: 4, k: 4, groups: 1, input: each(8), filter: each(3), pad: each(0), stride: each(1) },
    ...{ dilation: each(1), layout: dimensions === 3 ? "NCDHW" : "NCHW", transposed: false },
    ...shape,
  };
  if (outputOf(problem).some((size) => size < 1)) throw new RangeError("a problem of the table has no output");
  return problem;
}

/**
 * A command as it is run for a numerical proof: compared with the host (`-V 1`), once, not timed. Options that would
 * replace the comparison or write files are dropped: the cache of earlier references (`-C`), data that stays on the
 * card (`-G`), dumps (`-o` of convolutions).
 */
export function numericalArguments(args: readonly string[]): string[] {
  const plain = harvestArguments(args);
  const replaced: Readonly<Record<string, string>> = { "-V": "1", "-t": "0" };
  const dropped = (args[0] ?? "").startsWith("conv")
    ? /^(-[CGow]|--(verification_cache|gpualloc|dump_output|wall))$/
    : /^(-w|--wall)$/;
  const result = [plain[0] ?? ""];
  for (let index = 1; index + 1 < plain.length; index += 2) {
    const option = plain[index] ?? "";
    if (!dropped.test(option)) result.push(option, replaced[option] ?? plain[index + 1] ?? "");
  }
  return result;
}
