import { readFile } from "node:fs/promises";
import type { Toolchain } from "../toolchain/toolchain.ts";

/** What sets the keys of one MIOpen apart from those of another. */
export interface Dialect {
  release: "3.4" | "3.5";
  /**
   * With the patches rdna1-im2col (LDS tiles of few sizes, at least what the images need), rdna1-batchnorm-shape (a kernel
   * for any shape), rdna1-fallback (Find gives dilated convolutions GEMM's workspace) and rdna1-gemm (none of the products
   * for which the rocBLAS of gfx1011 and gfx1012 has no kernel).
   */
  patched: boolean;
}

/** Stock MIOpen 3.5. */
export const STOCK: Dialect = Object.freeze({ release: "3.5", patched: false });

/** Kernel sources that the patches add, by whose names the library asks for them. */
export const OWN_SOURCES = { im2col: "MIOpenIm2d2ColRdna1.cpp", batchNorm: "MIOpenBatchNormRdna1.cpp" } as const;

/** A stock column kernel's file: OpenCL in 3.4, HIP in 3.5 [utilocl.cpp of both]. */
export function columnsFile(name: string, { release }: Dialect): string {
  return `${name}.${release === "3.4" ? "cl" : "cpp"}`;
}

/** The dialect of a toolchain's MIOpen: its version tells the column kernels, the library's own text the patches. */
export async function dialectOf({ miopenVersion, paths }: Toolchain): Promise<Dialect> {
  const library = paths.miopen === null ? "" : await readFile(paths.miopen, "latin1");
  return {
    release: miopenVersion?.startsWith("3.4.") === true ? "3.4" : "3.5",
    patched: Object.values(OWN_SOURCES).every((source) => library.includes(source)),
  };
}
