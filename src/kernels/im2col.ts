import { columnsFile, type Dialect, OWN_SOURCES, STOCK } from "./dialect.ts";
import type { KernelKey } from "./keys.ts";
import { asConvolution, type ConvProblem, type TensorType } from "./problem.ts";
import { typeOptions } from "./type-options.ts";

/**
 * Im2d2Col or Im3d2Col of a problem; the 3-D kernel depends on the type only. Null for filters too large for a tile, whose
 * keys are not predicted ({@link im2d2colTiling}).
 */
export function imageToColumnsKey(problem: ConvProblem, dialect = STOCK): KernelKey | null {
  if (problem.filter.length === 3)
    return { file: columnsFile("MIOpenIm3d2Col", dialect), options: typeOptions(problem.type) };
  return needOf(problem, dialect).least > LARGEST_TILE
    ? null
    : im2d2colKey(problem.type, im2d2colShape(problem, dialect), dialect);
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

export function im2d2colKey(type: TensorType, shape: Im2d2ColShape, dialect = STOCK): KernelKey {
  const options = [
    ` -DLOCAL_MEM_SIZE=${shape.tile}`,
    ` -DSTRIDE_GT_1=${Number(shape.strided)}`,
    ` -DNUM_IM_BLKS_EQ_1=${Number(shape.oneBlock)}`,
    " -DUSE_IM_OFF_GUARD=1",
    typeOptions(type),
    shape.large ? " -DUSE_LARGE_BUFFER_INDEX" : "",
  ];
  const file = dialect.patched ? OWN_SOURCES.im2col : columnsFile("MIOpenIm2d2Col", dialect);
  return { file, options: options.join("") };
}

/** Elements of LDS that MIOpen lets an image tile have: 64 KiB of fp32, whatever the type. */
const LARGEST_TILE = 16384;

/** With the patches tiles begin with this and go on by powers of two [patch rdna1-im2col]. */
const SMALLEST_ROUNDED = 1024;

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
 * (128x128 and up) put the channel count into the key; they are outside every range here and throw. With the patches
 * four channels are together only where their whole images fit [patch rdna1-im2col].
 */
export function im2d2colTiling(problem: ConvProblem, dialect = STOCK): Im2d2ColTiling {
  return tilingOf(problem, dialect).tiling;
}

/** What one output position needs of a tile, and for how many channels. */
function needOf(problem: ConvProblem, { patched }: Dialect) {
  const { channels, output, image } = asConvolution(problem);
  const [height = 1, width = 1] = output;
  const [strideY = 1, strideX = 1] = problem.stride;
  const [extentY, extentX] = problem.filter.map((size, axis) => (size - 1) * (problem.dilation[axis] ?? 1) + 1);
  if (extentY === undefined || extentX === undefined) throw new RangeError("im2col needs two spatial dimensions");
  const strided = strideY * strideX > 1;
  const fit = !patched || 4 * Math.max(product(image), extentY * extentX) <= LARGEST_TILE;
  const together = height <= 8 && width <= 8 && !strided && channels % 4 === 0 && fit ? 4 : 1;
  return { together, extentY, extentX, strideY, strideX, strided, least: together * extentY * extentX };
}

function tilingOf(problem: ConvProblem, dialect: Dialect): { tiling: Im2d2ColTiling; tile: number; strided: boolean } {
  const { patched } = dialect;
  const { output, image } = asConvolution(problem);
  const [height = 1, width = 1] = output;
  const { together, extentY, extentX, strideY, strideX, strided, least } = needOf(problem, dialect);
  if (least > LARGEST_TILE) throw new RangeError("filter too large for a closed set of keys");
  let tileX = 32;
  let tileY = 8;
  const elements = () =>
    patched && together === 4
      ? 4 * product(image)
      : tileElements(together, [tileY, tileX], [strideY, strideX], [extentY, extentX]);
  while (elements() > LARGEST_TILE) {
    if (tileY === 1) tileX = Math.max(1, Math.floor(tileX / 2));
    tileY = Math.max(1, Math.floor(tileY / 2));
  }
  const blocksX = Math.ceil(width / tileX);
  const blocks = blocksX * Math.ceil(height / tileY);
  const tile = patched ? Math.max(SMALLEST_ROUNDED, 2 ** Math.ceil(Math.log2(elements()))) : elements();
  return { tiling: { together, tileX, tileY, blocksX, blocks }, tile, strided };
}

export function im2d2colShape(problem: ConvProblem, dialect = STOCK): Im2d2ColShape {
  const { tiling, tile, strided } = tilingOf(problem, dialect);
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
