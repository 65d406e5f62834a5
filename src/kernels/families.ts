import { anchorsOf } from "./anchors.ts";
import type { DriverCommand } from "./commands.ts";
import type { WantedIm2col } from "./derive.ts";
import { type Dialect, STOCK } from "./dialect.ts";
import { gemmSolver, type KernelKey, keysOfRun, naiveSolver, setTensorKey } from "./keys.ts";
import { type ConvProblem, driverArguments, type TensorType } from "./problem.ts";
import { FLOAT_TYPES, im2colCases, shapeId } from "./ranges.ts";

/**
 * Makes one run ask for everything: Find in normal mode compiles and runs every solver that fits. Winograd stays off
 * (its gfx10 code starts with an instruction that can hang RDNA1, docs/kernel-set.md); FFT too: it fits a few 5x5
 * shapes only, is compiled for each of them, and the default find mode does not use it.
 */
export const harvestEnvironment: Readonly<Record<string, string>> = Object.freeze({
  MIOPEN_FIND_MODE: "1",
  MIOPEN_DEBUG_CONV_WINOGRAD: "0",
  MIOPEN_DEBUG_CONV_FFT: "0",
});

/** Every Im2d2Col row of the set: {@link planConv} harvests the anchors, derive.ts computes the rest. */
export function wantedIm2col(dialect = STOCK): WantedIm2col[] {
  const shapes = im2colCases(undefined, dialect).map(({ shape }) => shape);
  return FLOAT_TYPES.flatMap((type) => shapes.map((shape) => ({ type, shape })));
}

/** One command for each Im2d2Col row that could not be derived. */
export function planIm2col(missing: readonly WantedIm2col[], dialect = STOCK): DriverCommand[] {
  const examples = new Map(im2colCases(undefined, dialect).map(({ shape, example }) => [shapeId(shape), example]));
  return missing.map(({ type, shape }) => {
    const example = examples.get(shapeId(shape));
    if (example === undefined) throw new RangeError(`no problem asks for the im2col shape ${shapeId(shape)}`);
    return commandFor({ ...example, type }, "im2col 2d", dialect);
  });
}

/**
 * The commands whose kernels, completed by derive.ts, serve every convolution of ranges.ts: each key that keys.ts
 * predicts is asked for by at least one of them, of Im2d2Col the anchors, or all of the few that the patches leave.
 */
export function planConv(dialect = STOCK): DriverCommand[] {
  const plan: Plan = { commands: [], keys: new Set(), dialect };
  for (const type of FLOAT_TYPES) for (const [family, problem] of familiesOf(type, dialect)) add(plan, problem, family);
  const cases = im2colCases(undefined, dialect);
  for (const type of FLOAT_TYPES) {
    for (const { example } of dialect.patched ? cases : anchorsOf(cases, type))
      add(plan, withNewGradient(plan, { ...example, type }), "im2col 2d");
  }
  for (const type of FLOAT_TYPES) {
    for (const elements of gradientSizes()) addIfNew(plan, pointwiseGradient(type, elements), "cleared gradient");
  }
  for (const problem of int8Problems()) add(plan, problem, "naive int8");
  const immediate = ([...FLOAT_TYPES, "int8"] as const).map((type) => naiveImmediate(type, dialect));
  return [...plan.commands, ...immediate, ...biasCommands()];
}

/** A run of the naive kernel by the key that it has where no Find comes before it (keys.ts naiveKey). */
export function naiveImmediate(type: TensorType, dialect: Dialect): DriverCommand {
  const problem = flat({ type, direction: "forward" });
  return commandFor(problem, "naive immediate", dialect, naiveSolver(problem));
}

/** The command for a problem: Find, or immediate mode with the GEMM solver where Find gives it no workspace. */
export function commandFor(
  problem: ConvProblem,
  family: string,
  dialect: Dialect,
  solver = solverFor(problem, dialect),
): DriverCommand {
  const args = driverArguments(problem);
  return { args: solver === null ? args : [...args, "-S", solver], family };
}

/** Dilated problems reach the GEMM of a stock library in immediate mode only (keys.ts keysOf); null: Find. */
function solverFor(problem: ConvProblem, { patched }: Dialect): string | null {
  return !patched && problem.dilation.some((step) => step > 1) ? gemmSolver(problem) : null;
}

interface Plan {
  commands: DriverCommand[];
  /** Keys that the commands ask for, by the model */
  keys: Set<string>;
  dialect: Dialect;
}

function add(plan: Plan, problem: ConvProblem, family: string, solver = solverFor(problem, plan.dialect)): void {
  plan.commands.push(commandFor(problem, family, plan.dialect, solver));
  for (const key of keysOfRun(problem, solver, plan.dialect)) plan.keys.add(keyId(key));
}

function addIfNew(plan: Plan, problem: ConvProblem, family: string): void {
  if (keysOfRun(problem, solverFor(problem, plan.dialect), plan.dialect).some((key) => !plan.keys.has(keyId(key))))
    add(plan, problem, family);
}

function keyId(key: KernelKey): string {
  return `${key.file}${key.options}`;
}

/** Sizes of a packed tensor that SetTensor tells apart. */
function gradientSizes(): number[] {
  return Array.from({ length: 17 }, (_, power) => 2 ** power);
}

/** A weights gradient of so many elements and nothing else. */
function pointwiseGradient(type: TensorType, elements: number): ConvProblem {
  const c = 2 ** Math.floor(Math.log2(elements) / 2);
  return flat({ type, direction: "backward-weights", c, k: elements / c, input: [2, 2], filter: [1, 1] });
}

/**
 * The same im2col kernel from a weights gradient whose size class no command has yet: one run, two new keys. Channels
 * stay as they are (im2col looks at them), filters are added.
 */
function withNewGradient(plan: Plan, example: ConvProblem): ConvProblem {
  const area = example.c * example.filter.reduce((all, size) => all * size, 1);
  for (const size of gradientSizes()) {
    const k = Math.floor(size / area);
    // One filter alone is a product that GEMM leaves out on some cards (dialect.ts).
    if (k < (plan.dialect.patched ? 2 : 1) || k > 4096) continue;
    const problem: ConvProblem = { ...example, direction: "backward-weights", k };
    if (!plan.keys.has(keyId(setTensorKey(problem.type, area * k)))) return problem;
  }
  return example;
}

/** A two-dimensional problem; what is not said is the plainest value. */
function flat(problem: Partial<ConvProblem> & Pick<ConvProblem, "type" | "direction">): ConvProblem {
  const dimensions = problem.input?.length ?? 2;
  const each = (value: number) => Array.from({ length: dimensions }, () => value);
  const plain: Omit<ConvProblem, "type" | "direction"> = {
    ...{
      n: 1,
      c: 4,
      k: 4,
      groups: 1,
      input: each(8),
      filter: each(3),
      pad: each(0),
      stride: each(1),
      dilation: each(1),
    },
    ...{ layout: dimensions === 3 ? "NCDHW" : "NCHW", transposed: false },
  };
  return { ...plain, ...problem };
}

/** The families of convolutions in every direction; most ask for the same few kernels, the proof table shows them all. */
function familiesOf(type: TensorType, { patched }: Dialect): [string, ConvProblem][] {
  const families: Record<string, Partial<ConvProblem>> = {
    "2d": { pad: [1, 1] },
    "2d 1x1": { filter: [1, 1], c: 8, k: 8 },
    "2d 1x1 stride 2": { filter: [1, 1], stride: [2, 2] },
    "2d grouped": { groups: 2, pad: [1, 1] },
    "2d depthwise": { groups: 4, pad: [1, 1] },
    "2d dilated": { dilation: [2, 2], pad: [2, 2] },
    "2d transposed": { filter: [4, 4], stride: [2, 2], pad: [1, 1], transposed: true },
    "2d NHWC": { layout: "NHWC", pad: [1, 1] },
    "1d": { input: [1, 32], filter: [1, 5], pad: [0, 2] },
    "3d": { input: [4, 6, 6], pad: [1, 1, 1], c: 2, k: 2 },
    "3d NDHWC": { input: [4, 6, 6], pad: [1, 1, 1], c: 2, k: 2, layout: "NDHWC" },
    "3d transposed": { input: [3, 3, 3], filter: [2, 2, 2], stride: [2, 2, 2], transposed: true, c: 2, k: 2 },
  };
  const directions = ["forward", "backward-data", "backward-weights"] as const;
  const all = Object.entries(families).flatMap(([family, shape]) =>
    directions.map((direction): [string, ConvProblem] => [family, flat({ ...shape, type, direction })]),
  );
  // 7x7x7 over 118x118x118: more column elements than 32-bit byte offsets of pointers reach (keys.ts columnsToImageKey)
  const wide = { input: [118, 118, 118], filter: [7, 7, 7], pad: [3, 3, 3], c: 1, k: patched ? 2 : 1 };
  return [...all, ["3d wide", flat({ ...wide, type, direction: "backward-data" })]];
}

/** MIOpen has int8 forward only, and through the driver only with the naive solver. */
function int8Problems(): ConvProblem[] {
  const layouts = ["NCHW", "NHWC"] as const;
  return layouts.map((layout) => flat({ type: "int8", direction: "forward", pad: [1, 1], layout }));
}

/**
 * Bias is its own pair of calls: forward adds with OpTensor (one kernel for two dimensions, one for three), backward
 * sums. Stock MIOpen 3.5.1 has them for fp32 and fp16: int8 does not compile, bf16 is refused with status 6.
 */
function biasCommands(): DriverCommand[] {
  const bias = (problem: ConvProblem) => ({ args: [...driverArguments(problem), "-b", "1"], family: "bias" });
  return (["fp32", "fp16"] as const).flatMap((type) => [
    bias(flat({ type, direction: "forward" })),
    bias(flat({ type, direction: "forward", input: [4, 6, 6] })),
    bias(flat({ type, direction: "backward-data" })),
  ]);
}
