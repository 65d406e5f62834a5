import type { KernelRequest } from "../miopen/log.ts";
import { columnsFile, type Dialect, STOCK } from "./dialect.ts";
import { imageToColumnsKey } from "./im2col.ts";
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

/** `kernel_name` and `kernel_args` of the database row [binary_cache.cpp]. */
export function databaseKey(key: KernelKey, target: string): KernelRequest {
  return { name: `${key.file}.o`, args: `${key.options} -mcpu=${target}` };
}

/**
 * Every key that the safe solvers (naive, GEMM) may ask for when MIOpen 3.5 runs a problem with Winograd and FFT off.
 * Naive takes all layouts and types [solver/conv/conv_direct_naive_conv.cpp].
 */
export function keysOf(problem: ConvProblem, call: ConvCall = "find", dialect = STOCK): KernelKey[] {
  const solver = gemmSolver(problem);
  // Find gives GEMM no workspace when any dilation is above 1 [convolution.cpp GetWorkSpaceSizeGEMM], unless patched
  const starved =
    !dialect.patched &&
    call === "find" &&
    !/1x1_0_1|stride1/.test(solver ?? "") &&
    problem.dilation.some((step) => step > 1);
  const gemm = solver === null || starved ? [] : gemmKeys(problem, solver, dialect);
  return [naiveKey(problem.type, call), ...gemm];
}

/** Keys of one MIOpenDriver run: Find, or the solver that `-S` names. */
export function keysOfRun(problem: ConvProblem, solver: string | null, dialect = STOCK): KernelKey[] {
  if (solver === null) return keysOf(problem, "find", dialect);
  if (solver === naiveSolver(problem)) return [naiveKey(problem.type, "immediate")];
  const gemm = gemmSolver(problem);
  return solver === gemm ? gemmKeys(problem, gemm, dialect) : [];
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

/** What a GEMM solver launches besides rocBLAS, as far as it is predicted [solver/conv/gemm.cpp, gemm_bwd.cpp, gemm_wrw.cpp]. */
function gemmKeys(problem: ConvProblem, solver: GemmSolver, dialect: Dialect): KernelKey[] {
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
      return columns();
    case "GemmBwdRest":
      return [columnsToImageKey(type, filter.length, channels * product(output) * product(filter), dialect)];
    case "GemmWrw1x1_stride1":
      return [setTensorKey(type, weights)];
    case "GemmWrwUniversal":
      return [setTensorKey(type, weights), ...columns()];
  }

  function columns(): KernelKey[] {
    const key = imageToColumnsKey(problem, dialect);
    return key === null ? [] : [key];
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
export function columnsToImageKey(type: TensorType, dimensions: number, columns: number, dialect = STOCK): KernelKey {
  const wide = (dimensions === 2 ? columns : columns * 8) > 0xffffffff ? 1 : 0;
  return {
    file: columnsFile(`MIOpenCol2Im${dimensions}d`, dialect),
    options: `${typeOptions(type)} -DMIOPEN_USE_64BIT_INDEX=${wide}`,
  };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}
