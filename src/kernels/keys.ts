import type { KernelRequest } from "../miopen/log.ts";
import { asConvolution, type ConvProblem, type TensorType } from "./problem.ts";
import { typeOptions } from "./type-options.ts";

/**
 * A key of MIOpen's kernel database before the target is added. MIOpen compares keys as exact text: the file name of
 * the kernel source, and the options of the solver that asks for it.
 */
export interface KernelKey {
  /** Source file, e.g. `MIOpenIm2d2Col.cpp` */
  file: string;
  /** Options verbatim, a leading blank included where MIOpen writes one */
  options: string;
}

/**
 * How a problem reaches a solver: Find benchmarks all that fit, with the workspace that MIOpen's query gave; immediate
 * mode runs a solver that is known already, with the workspace of its solution. A Find that meets its problem in the
 * user's find-db does the same (find modes other than 1).
 */
export type ConvCall = "find" | "immediate";

/**
 * `kernel_name` and `kernel_args` of the database row of a MIOpen version (null: 3.5) [binary_cache.cpp]. Options are the
 * same in 3.4.0; its column kernels are OpenCL, in 3.5 HIP, so their files have other names [utilocl.cpp of both].
 */
export function databaseKey(key: KernelKey, target: string, miopen: string | null = null): KernelRequest {
  const file = miopen?.startsWith("3.4.") === true ? key.file.replace(COLUMNS, "$1.cl") : key.file;
  return { name: `${file}.o`, args: `${key.options} -mcpu=${target}` };
}

const COLUMNS = /^(MIOpen(?:Im[23]d2Col|Col2Im[23]d))\.cpp$/;

/**
 * Every key that the safe solvers (naive, GEMM) may ask for when MIOpen 3.5 runs a problem with Winograd and FFT off.
 * Naive takes all layouts and types [solver/conv/conv_direct_naive_conv.cpp].
 */
export function keysOf(problem: ConvProblem, call: ConvCall = "find"): KernelKey[] {
  const solver = gemmSolver(problem);
  // Find gives GEMM no workspace when any dilation is above 1 [convolution.cpp GetWorkSpaceSizeGEMM]
  const starved = call === "find" && !/1x1_0_1|stride1/.test(solver ?? "") && problem.dilation.some((step) => step > 1);
  const gemm = solver === null || starved ? [] : gemmKeys(problem, solver);
  return [naiveKey(problem.type, call), ...gemm];
}

/** Keys of one MIOpenDriver run: Find, or the solver that `-S` names. */
export function keysOfRun(problem: ConvProblem, solver: string | null): KernelKey[] {
  if (solver === null) return keysOf(problem, "find");
  if (solver === naiveSolver(problem)) return [naiveKey(problem.type, "immediate")];
  const gemm = gemmSolver(problem);
  return solver === gemm ? gemmKeys(problem, gemm) : [];
}

/** The naive solver that fits a problem. */
export function naiveSolver(problem: ConvProblem): string {
  const names = { forward: "Fwd", "backward-data": "Bwd", "backward-weights": "Wrw" };
  return `ConvDirectNaiveConv${names[asConvolution(problem).direction]}`;
}

/** MIOpen's GEMM solvers for convolution; at most one fits a problem. */
export type GemmSolver =
  | ("GemmFwd1x1_0_1" | "GemmFwd1x1_0_2" | "GemmFwdRest")
  | ("GemmBwd1x1_stride1" | "GemmBwd1x1_stride2" | "GemmBwdRest")
  | ("GemmWrw1x1_stride1" | "GemmWrwUniversal");

/**
 * The GEMM solver that fits a problem, or null: GEMM takes the packed NCHW and NCDHW layouts only, and int8 only with
 * an int32 or fp32 output, which MIOpenDriver does not make [gemm.cpp GemmFwdBase; solver/conv/gemm*.cpp IsApplicable].
 */
export function gemmSolver(problem: ConvProblem): GemmSolver | null {
  const { type, layout, filter, pad, stride } = problem;
  if (type === "int8" || layout === "NHWC" || layout === "NDHWC") return null;
  const pointwise = filter.every((size) => size === 1) && pad.every((size) => size === 0);
  const steps = (step: number) => pointwise && stride.every((one) => one === step);
  const { direction } = asConvolution(problem);
  if (direction === "backward-weights") return steps(1) ? "GemmWrw1x1_stride1" : "GemmWrwUniversal";
  const [one, two, rest] =
    direction === "forward"
      ? (["GemmFwd1x1_0_1", "GemmFwd1x1_0_2", "GemmFwdRest"] as const)
      : (["GemmBwd1x1_stride1", "GemmBwd1x1_stride2", "GemmBwdRest"] as const);
  return steps(1) ? one : steps(2) && filter.length === 2 ? two : rest;
}

/** What a GEMM solver launches besides rocBLAS [solver/conv/gemm.cpp, gemm_bwd.cpp, gemm_wrw.cpp]. */
function gemmKeys(problem: ConvProblem, solver: GemmSolver): KernelKey[] {
  const { type, filter, n } = problem;
  const { channels, image, output } = asConvolution(problem);
  const weights = (problem.c / problem.groups) * problem.k * product(filter);
  switch (solver) {
    case "GemmFwd1x1_0_1":
    case "GemmBwd1x1_stride1":
      return [];
    case "GemmFwd1x1_0_2":
      return [transposeKey(type)];
    case "GemmBwd1x1_stride2":
      return [setTensorKey(type, n * channels * product(image)), transposeKey(type)];
    case "GemmFwdRest":
      return [imageToColumnsKey(problem)];
    case "GemmBwdRest":
      return [columnsToImageKey(type, filter.length, channels * product(output) * product(filter))];
    case "GemmWrw1x1_stride1":
      return [setTensorKey(type, weights)];
    case "GemmWrwUniversal":
      return [setTensorKey(type, weights), imageToColumnsKey(problem)];
  }
}

/**
 * naive_conv.cpp: one object per type holds all dimensions, layouts and directions [conv_direct_naive_conv.cpp]. Its
 * options are those of the execution context, and a known solution is prepared with a context that was set up twice:
 * then every option stands there twice [conv/problem_description.cpp SetupFloats; measured with 3.5.1].
 */
export function naiveKey(type: TensorType, call: ConvCall): KernelKey {
  return { file: "naive_conv.cpp", options: typeOptions(type).repeat(call === "find" ? 1 : 2) };
}

/** transpose_NCHW2CNHW and back: one object per type [utilocl.cpp]. */
export function transposeKey(type: TensorType): KernelKey {
  return { file: "MIOpenUtilKernels4.cl", options: typeOptions(type) };
}

/**
 * SetTensor of a packed tensor: flattened to one dimension, worked on by the next power of two of threads, at most
 * 65536 [tensor.cpp SetTensor, get_worker_sizes].
 */
export function setTensorKey(type: TensorType, elements: number): KernelKey {
  const length = Math.min(65536, 2 ** Math.ceil(Math.log2(elements)));
  const options = `-DSUBTENSOR_OP_WITH_SCALAR=SUBTENSOR_OP_WITH_SCALAR_SET${typeOptions(type)} -DWORK_LENGTH_0=${length}`;
  return { file: "MIOpenSubTensorOpWithScalarKernel.cl", options };
}

/** Col2Im2d and Col2Im3d: wide indices for large column buffers; the 3-D test counts pointers, not elements [utilocl.cpp]. */
export function columnsToImageKey(type: TensorType, dimensions: number, columns: number): KernelKey {
  const wide = (dimensions === 2 ? columns : columns * 8) > 0xffffffff ? 1 : 0;
  return { file: `MIOpenCol2Im${dimensions}d.cpp`, options: `${typeOptions(type)} -DMIOPEN_USE_64BIT_INDEX=${wide}` };
}

/** Im2d2Col or Im3d2Col of a problem; the 3-D kernel depends on the type only. */
export function imageToColumnsKey(problem: ConvProblem): KernelKey {
  if (problem.filter.length === 3) return { file: "MIOpenIm3d2Col.cpp", options: typeOptions(problem.type) };
  return im2d2colKey(problem.type, im2d2colShape(problem));
}

/** What an Im2d2Col object is specialised for. */
export interface Im2d2ColShape {
  /** LOCAL_MEM_SIZE: elements of the image tile that a work-group keeps in LDS */
  tile: number;
  /** STRIDE_GT_1: any stride above 1 */
  strided: boolean;
  /** NUM_IM_BLKS_EQ_1: one work-group covers the whole output */
  oneBlock: boolean;
  /** USE_LARGE_BUFFER_INDEX: more than 2^31 - 1 elements somewhere */
  large: boolean;
}

export function im2d2colKey(type: TensorType, shape: Im2d2ColShape): KernelKey {
  const options = [
    ` -DLOCAL_MEM_SIZE=${shape.tile}`,
    ` -DSTRIDE_GT_1=${Number(shape.strided)}`,
    ` -DNUM_IM_BLKS_EQ_1=${Number(shape.oneBlock)}`,
    " -DUSE_IM_OFF_GUARD=1",
    typeOptions(type),
    shape.large ? " -DUSE_LARGE_BUFFER_INDEX" : "",
  ];
  return { file: "MIOpenIm2d2Col.cpp", options: options.join("") };
}

/** Elements of LDS that MIOpen lets an image tile have: 64 KiB of fp32, whatever the type. */
const LARGEST_TILE = 16384;

/** How Im2d2ColGPU divides a problem among work-groups of 256. */
export interface Im2d2ColTiling {
  /** Channels that share a work-group: 1 or 4 */
  together: number;
  /** Output positions of a work-group */
  tileX: number;
  tileY: number;
  /** Tiles along a row, and in all */
  blocksX: number;
  blocks: number;
}

/**
 * The tiling that Im2d2ColGPU chooses [utilocl.cpp]. Output tiles are 32x8; with small outputs, stride 1 and channels
 * divisible by 4, four channels share a work-group. Filters whose extent needs more than 64 KiB for one position
 * (128x128 and up) put the channel count into the key; they are outside every range here and throw.
 */
export function im2d2colTiling(problem: ConvProblem): Im2d2ColTiling {
  return tilingOf(problem).tiling;
}

function tilingOf(problem: ConvProblem): { tiling: Im2d2ColTiling; tile: number; strided: boolean } {
  const { channels, output } = asConvolution(problem);
  const [height = 1, width = 1] = output;
  const [strideY = 1, strideX = 1] = problem.stride;
  const [extentY, extentX] = problem.filter.map((size, axis) => (size - 1) * (problem.dilation[axis] ?? 1) + 1);
  if (extentY === undefined || extentX === undefined) throw new RangeError("im2col needs two spatial dimensions");
  const strided = strideY * strideX > 1;
  const together = height <= 8 && width <= 8 && !strided && channels % 4 === 0 ? 4 : 1;
  if (together * extentY * extentX > LARGEST_TILE) throw new RangeError("filter too large for a closed set of keys");
  let tileX = 32;
  let tileY = 8;
  const elements = () => tileElements(together, [tileY, tileX], [strideY, strideX], [extentY, extentX]);
  while (elements() > LARGEST_TILE) {
    if (tileY === 1) tileX = Math.max(1, Math.floor(tileX / 2));
    tileY = Math.max(1, Math.floor(tileY / 2));
  }
  const blocksX = Math.ceil(width / tileX);
  const blocks = blocksX * Math.ceil(height / tileY);
  return { tiling: { together, tileX, tileY, blocksX, blocks }, tile: elements(), strided };
}

export function im2d2colShape(problem: ConvProblem): Im2d2ColShape {
  const { tiling, tile, strided } = tilingOf(problem);
  const { channels, image, output } = asConvolution(problem);
  const [height = 1, width = 1] = output;
  const oneBlock = tiling.blocks === 1;
  const columns = channels * product(output) * product(problem.filter);
  const large =
    oneBlock && !strided
      ? channels * product(image) > INT_MAX || columns + 510 + product(problem.filter) * product(output) > INT_MAX
      : channels * product(image) > INT_MAX ||
        columns + (height + 256) * width + 256 + product(problem.filter) * product(output) > INT_MAX;
  return { tile, strided, oneBlock, large };
}

const INT_MAX = 2 ** 31 - 1;

/** LDS elements of one work-group: `together` channels of a tile of output positions, with the filter's margin. */
function tileElements(
  together: number,
  [tileY, tileX]: readonly [number, number],
  [strideY, strideX]: readonly [number, number],
  [extentY, extentX]: readonly [number, number],
): number {
  const rows = (tileY - 1) * strideY + extentY;
  const columns = (tileX - 1) * strideX + extentX;
  if (together === 1) return columns * rows;
  const partX = Math.ceil(tileX / together) - 1;
  const partY = Math.ceil(tileY / together) - 1;
  const wide = (together * partX * strideX + extentX) * rows;
  const high = together * columns * (partY * strideY + extentY);
  return Math.max(wide, high);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}
