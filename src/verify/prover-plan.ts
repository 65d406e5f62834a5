import { keyOf } from "../kernels/database.ts";
import type { Dialect } from "../kernels/dialect.ts";
import { im2d2colKey, im2d2colTiling } from "../kernels/im2col.ts";
import {
  type ConvCall,
  columnsToImageKey,
  databaseKey,
  type KernelKey,
  naiveKey,
  setTensorKey,
} from "../kernels/keys.ts";
import { type ConvProblem, outputOf, type TensorType } from "../kernels/problem.ts";
import { generator } from "../kernels/random.ts";
import { FLOAT_TYPES } from "../kernels/ranges.ts";
import { im2colProblems } from "./im2col-problems.ts";
import { int8Problems } from "./table.ts";

/** One run of a kernel by the prover (src/verify/cpp). */
export interface ProverCase {
  key: KernelKey;
  kind: "im2d2col" | "col2im3d" | "setTensor" | "naiveInt8";
  type: TensorType;
  /** What the prover's cases.hpp asks for */
  values: Readonly<Record<string, number>>;
  /** The problem, for people */
  text: string;
}

/** All cases of one code object. */
export interface ObjectPlan {
  /** `kernel_name` and md5 of the database */
  name: string;
  hash: string;
  /** Keys that have this object */
  keys: readonly string[];
  cases: readonly ProverCase[];
}

/** Objects that one start of the prover goes through: a second or two. */
export const CHUNK = 100;

/** Each key gets so many different problems. */
const PROBLEMS = 2;

/**
 * What the prover runs of a kernel set: Im2d2Col, of which there are too many for one MIOpenDriver run each; SetTensor,
 * whose work MIOpenDriver does not notice, because memory is zero already; Col2Im3d with wide indices, which asks for
 * gigabytes; and int8, where MIOpenDriver 3.5.1 takes the bytes of the results for 32-bit numbers [driver/conv_driver.hpp
 * out_int8] and finds every right result wrong. Keys that the set does not hold are left out.
 */
export function planProver(
  kernels: readonly { name: string; args: string; hash: string }[],
  target: string,
  dialect: Dialect,
): ObjectPlan[] {
  const held = new Map(kernels.map((kernel) => [keyOf(kernel), kernel]));
  const plans = new Map<string, { name: string; hash: string; keys: Set<string>; cases: ProverCase[] }>();
  for (const one of allCases(dialect)) {
    const key = keyOf(databaseKey(one.key, target));
    const kernel = held.get(key);
    if (kernel === undefined) continue;
    const plan = plans.get(kernel.hash) ?? { name: kernel.name, hash: kernel.hash, keys: new Set(), cases: [] };
    plans.set(kernel.hash, plan);
    plan.keys.add(key);
    plan.cases.push(one);
  }
  return [...plans.values()].map((plan) => {
    const [one] = plan.cases;
    const beyond = one?.kind === "im2d2col" ? [wideCase(one, dialect)] : [];
    return { ...plan, keys: [...plan.keys], cases: [...plan.cases, ...beyond] };
  });
}

/** By dialect: drawing the problems takes most of a second, and each target has the same. */
const drawn = new Map<string, readonly ProverCase[]>();

function allCases(dialect: Dialect): readonly ProverCase[] {
  const id = JSON.stringify(dialect);
  const cases = drawn.get(id) ?? [
    ...im2colCases(dialect),
    ...setTensorCases(),
    ...col2im3dCases(dialect),
    ...int8Cases(dialect),
  ];
  drawn.set(id, cases);
  return cases;
}

/**
 * A problem that the key is not for, and that the object computes all the same: the loop over the filter's width is
 * unrolled by four, and most keys fit narrower filters only. Small enough for the LDS of every key.
 */
function wideCase({ key, type, values }: ProverCase, dialect: Dialect): ProverCase {
  const whole = values.blocks === 1 && values.strideY === 1 && values.strideX === 1;
  const plain = { direction: "forward", k: 1, groups: 1, layout: "NCHW", transposed: false } as const;
  const shape = { stride: [1, 1], dilation: [1, 1], pad: [1, 2], n: 2 };
  const problem: ConvProblem = whole
    ? { ...plain, ...shape, type, c: 4, input: [4, 11], filter: [2, 7] }
    : { ...plain, ...shape, type, c: 3, input: [9, 21], filter: [3, 6] };
  const one = im2colCase(key, problem, { turn: 1, dialect });
  const text = `beyond the key: ${one.text}`;
  if (whole) return { ...one, text };
  const [tileX, tileY] = [8, 4];
  const [height = 1, width = 1] = outputOf(problem);
  const blocksX = Math.ceil(width / tileX);
  const blocks = blocksX * Math.ceil(height / tileY);
  return { ...one, text, values: { ...one.values, tileX, tileY, blocksX, blocks, groups: problem.c * blocks } };
}

function im2colCases(dialect: Dialect): ProverCase[] {
  const all = im2colProblems(PROBLEMS, dialect);
  return FLOAT_TYPES.flatMap((type) =>
    all.flatMap(({ shape, problems }) =>
      problems.map((problem, turn) =>
        im2colCase(im2d2colKey(type, shape, dialect), { ...problem, type }, { turn, dialect }),
      ),
    ),
  );
}

/** Values of one im2col; `turn` chooses the image of the batch. */
export function im2colCase(
  key: KernelKey,
  problem: ConvProblem,
  { turn, dialect }: { turn: number; dialect: Dialect },
): ProverCase {
  const { together, tileX, tileY, blocksX, blocks } = im2d2colTiling(problem, dialect);
  const which = turn % problem.n;
  const groups = Math.max(1, Math.floor(problem.c / together)) * blocks;
  const values = {
    ...{ channels: problem.c, images: problem.n, which, together, tileX, tileY, blocksX, blocks, groups },
    ...axes(problem, ["Y", "X"]),
  };
  return { key, kind: "im2d2col", type: problem.type, values, text: textOf(problem) };
}

/** Sizes of a Col2Im3d, which in 3.5 is told the channels [MIOpenCol2Im3d of both]. */
export function volumeValues(problem: ConvProblem, { release }: Dialect): Record<string, number> {
  return {
    channels: problem.c,
    toldChannels: Number(release === "3.5"),
    images: problem.n,
    ...axes(problem, ["Z", "Y", "X"]),
  };
}

/** The sizes of every axis, named `imageY` and so on. */
function axes(problem: ConvProblem, names: readonly string[]): Record<string, number> {
  const lists = { image: problem.input, filter: problem.filter, output: outputOf(problem) };
  const all = { ...lists, pad: problem.pad, stride: problem.stride, dilation: problem.dilation };
  const values: Record<string, number> = {};
  for (const [what, list] of Object.entries(all)) {
    for (const [axis, name] of names.entries()) values[`${what}${name}`] = list[axis] ?? 1;
  }
  return values;
}

/** `2x5x9x12 3x3 p1,0 s2,1 d1,1` */
function textOf({ n, c, input, filter, pad, stride, dilation }: ConvProblem): string {
  return `${n}x${c}x${input.join("x")} ${filter.join("x")} p${pad} s${stride} d${dilation}`;
}

/** Every size class: full and packed with zero, as MIOpen clears gradients; barely reached with gaps; and exceeded. */
function setTensorCases(): ProverCase[] {
  const classes = Array.from({ length: 17 }, (_, power) => 2 ** power);
  return FLOAT_TYPES.flatMap((type) =>
    classes.flatMap((threads) => {
      const full = threads === 65536 ? 100_003 : threads;
      const barely = Math.floor(threads / 2) + 1;
      return [
        { length: full, offset: 0, stride: 1, value: 0 },
        { length: barely, offset: 5, stride: 3, value: 7 },
        // More than the threads are made for: the loop over what is left
        { length: 2 * threads + 1, offset: 2, stride: 2, value: -3 },
      ].map((values): ProverCase => {
        const text = `${values.length} elements from ${values.offset} by ${values.stride} to ${values.value}`;
        return { key: setTensorKey(type, threads), kind: "setTensor", type, values: { ...values, threads }, text };
      });
    }),
  );
}

/** The wide-index object on small volumes: its code is the same for every size. */
function col2im3dCases(dialect: Dialect): ProverCase[] {
  const random = generator(3);
  const plain = { direction: "backward-data", k: 1, groups: 1, layout: "NCDHW", transposed: false } as const;
  return FLOAT_TYPES.flatMap((type) =>
    Array.from({ length: PROBLEMS }, (_, turn): ProverCase => {
      const sizes = (low: number, high: number) => [random(low, high), random(low, high), random(low, high)];
      const shape = { n: 2, c: random(2, 3), input: sizes(8, 11), filter: sizes(1, 3), pad: sizes(0, 1) };
      const problem: ConvProblem = { ...plain, type, ...shape, stride: sizes(1, 2), dilation: sizes(1, 2) };
      const values = { ...volumeValues(problem, dialect), which: turn % 2 };
      const key = columnsToImageKey(type, 3, 2 ** 32, dialect);
      return { key, kind: "col2im3d", type, values, text: textOf(problem) };
    }),
  );
}

/** Both keys of the naive int8 kernel, in both layouts. */
function int8Cases(dialect: Dialect): ProverCase[] {
  const calls = ["find", "immediate"] as const;
  return int8Problems().flatMap((problem) => calls.map((call) => int8Case(problem, { call, dialect })));
}

/** An int8 convolution, forward, with the kernel that MIOpen takes for this way to call it. */
export function int8Case(problem: ConvProblem, { call, dialect }: { call: ConvCall; dialect: Dialect }): ProverCase {
  const text = `${problem.layout} ${textOf(problem)} k${problem.k} g${problem.groups}`;
  return { key: naiveKey("int8", call), kind: "naiveInt8", type: "int8", values: int8Values(problem, dialect), text };
}

/** Sizes of an int8 convolution. */
function int8Values(problem: ConvProblem, { release }: Dialect): Record<string, number> {
  const { n, c, k, groups, layout } = problem;
  const channelsLast = Number(layout === "NHWC");
  // One work-group for each image and filter, or each image and output row, in 3.4 of each group [naive_conv.cpp of both]
  const rows = (outputOf(problem)[0] ?? 1) * (release === "3.4" ? groups : 1);
  const workGroups = n * (channelsLast === 1 ? rows : k);
  const counts = { images: n, groups, channels: c / groups, filters: k / groups, channelsLast, workGroups };
  return { ...counts, ...axes(problem, ["Y", "X"]) };
}

/** A plan file's text for some objects: `places` says where each lies in the file of the objects. Ids count the cases. */
export function planText(
  plans: readonly ObjectPlan[],
  places: ReadonlyMap<string, { offset: number; bytes: number }>,
): string {
  const lines: string[] = [];
  let id = 0;
  for (const { hash, cases } of plans) {
    const place = places.get(hash);
    if (place === undefined) throw new RangeError(`the object ${hash} is in no place`);
    lines.push(`object ${hash} ${place.offset} ${place.bytes}`);
    for (const { kind, type, values } of cases) {
      const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
      lines.push([kind, id++, type, ...words].join(" "));
    }
  }
  return `${lines.join("\n")}\n`;
}
