import { readFile } from "node:fs/promises";
import type { Toolchain } from "../toolchain/toolchain.ts";

/** What sets the keys of one MIOpen apart from those of another. */
export interface Dialect {
  release: "3.4" | "3.5";
  /**
   * Im2d2Col's LDS tile in its key: of the size that the problem needs, or, by the patch rdna1-im2col, of one of a few. The
   * patch also makes it as large as the kernel's images are.
   */
  tiles: "exact" | "rounded";
  /** Spatial batch norm in training: a kernel for each shape, or, by the patch rdna1-batchnorm-shape, one for each type */
  batchNorm: "one shape" | "any shape";
}

/** Stock MIOpen 3.5. */
export const STOCK: Dialect = Object.freeze({ release: "3.5", tiles: "exact", batchNorm: "one shape" });

/** The option that the patch rdna1-im2col adds to a key, and so a text in the library. */
export const ROUNDED_OPTION = " -DLOCAL_MEM_ROUNDED";

/** The source file of the patch rdna1-batchnorm-shape, by whose name the library asks for it. */
const BATCH_NORM_SOURCE = "MIOpenBatchNormRdna1.cpp";

/** A column kernel's file: OpenCL in 3.4, HIP in 3.5 [utilocl.cpp of both]. */
export function columnsFile(name: string, { release }: Dialect): string {
  return `${name}.${release === "3.4" ? "cl" : "cpp"}`;
}

/** The dialect of a toolchain's MIOpen: its version tells the column kernels, the library's own text the patch. */
export async function dialectOf({ miopenVersion, paths }: Toolchain): Promise<Dialect> {
  const library = paths.miopen === null ? "" : await readFile(paths.miopen, "latin1");
  return {
    release: miopenVersion?.startsWith("3.4.") === true ? "3.4" : "3.5",
    tiles: library.includes(ROUNDED_OPTION) ? "rounded" : "exact",
    batchNorm: library.includes(BATCH_NORM_SOURCE) ? "any shape" : "one shape",
  };
}
