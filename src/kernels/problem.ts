/** Element type of the tensors of a convolution. */
export type TensorType = "fp32" | "fp16" | "bf16" | "int8";

export type ConvDirection = "forward" | "backward-data" | "backward-weights";

/**
 * A convolution problem. Spatial lists have two entries (height, width) or three (depth, height, width); a
 * one-dimensional convolution is a two-dimensional one of height 1.
 */
export interface ConvProblem {
  type: TensorType;
  direction: ConvDirection;
  /** Batch, input channels, output channels, groups; channels are divisible by groups */
  n: number;
  c: number;
  k: number;
  groups: number;
  input: readonly number[];
  filter: readonly number[];
  pad: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
  layout: "NCHW" | "NHWC" | "NCDHW" | "NDHWC";
  /** miopenTranspose: the forward pass of a transposed convolution is the backward-data pass of a convolution */
  transposed: boolean;
}

/** Spatial size of the output [convolution.cpp GetForwardOutputTensor]; every entry is at least 1 for a valid problem. */
export function outputOf(problem: ConvProblem): number[] {
  return problem.input.map((size, axis) => {
    const extent = extentOf(problem, axis);
    const pad = problem.pad[axis] ?? 0;
    const stride = problem.stride[axis] ?? 1;
    if (problem.transposed) return stride * (size - 1) + extent - 2 * pad;
    return Math.floor((size + 2 * pad - extent) / stride) + 1;
  });
}

/** Filter size with its dilation gaps along one axis. */
export function extentOf(problem: ConvProblem, axis: number): number {
  return ((problem.filter[axis] ?? 1) - 1) * (problem.dilation[axis] ?? 1) + 1;
}

/**
 * The same work seen as an ordinary convolution: the image that im2col reads and the map of output positions. In a
 * transposed convolution the two change places, and so do forward and backward-data.
 */
export function asConvolution(problem: ConvProblem): {
  direction: ConvDirection;
  /** Channels and spatial size of the tensor on the image side */
  channels: number;
  image: readonly number[];
  output: readonly number[];
} {
  const { direction, c, k, input } = problem;
  const output = outputOf(problem);
  if (!problem.transposed) return { direction, channels: c, image: input, output };
  const swapped = { forward: "backward-data", "backward-data": "forward", "backward-weights": direction } as const;
  return { direction: swapped[direction], channels: k, image: output, output: input };
}

const OPERATION: Readonly<Record<TensorType, string>> = {
  fp32: "conv",
  fp16: "convfp16",
  bf16: "convbfp16",
  int8: "convint8",
};

/** MIOpenDriver's `-F` for each direction. */
const FORW: Readonly<Record<ConvDirection, string>> = {
  forward: "1",
  "backward-data": "2",
  "backward-weights": "4",
};

/** Problem → MIOpenDriver arguments, without the options that say how to run it. */
export function driverArguments(problem: ConvProblem): string[] {
  const three = problem.input.length === 3;
  const at = (list: readonly number[], axis: number) => String(list.at(axis) ?? 0);
  const spatial = three
    ? ["-_", "3", "-!", at(problem.input, 0), "-@", at(problem.filter, 0), "-#", at(problem.stride, 0)].concat([
        "-$",
        at(problem.pad, 0),
        "-^",
        at(problem.dilation, 0),
      ])
    : [];
  const plain = three ? "NCDHW" : "NCHW";
  const layout = problem.layout === plain ? [] : ["I", "O", "f"].flatMap((letter) => [`-${letter}`, problem.layout]);
  return [
    OPERATION[problem.type],
    ...["-n", String(problem.n), "-c", String(problem.c), "-k", String(problem.k), "-g", String(problem.groups)],
    ...[
      "-H",
      at(problem.input, -2),
      "-W",
      at(problem.input, -1),
      "-y",
      at(problem.filter, -2),
      "-x",
      at(problem.filter, -1),
    ],
    ...[
      "-p",
      at(problem.pad, -2),
      "-q",
      at(problem.pad, -1),
      "-u",
      at(problem.stride, -2),
      "-v",
      at(problem.stride, -1),
    ],
    ...["-l", at(problem.dilation, -2), "-j", at(problem.dilation, -1)],
    ...spatial,
    ...layout,
    ...["-m", problem.transposed ? "trans" : "conv", "-F", FORW[problem.direction]],
  ];
}
