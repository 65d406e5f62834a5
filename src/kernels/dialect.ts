import { createReadStream } from "node:fs";
import type { Toolchain } from "../toolchain/toolchain.ts";

/** What sets the keys of one MIOpen apart from those of another. */
export interface Dialect {
  /** Language of the column kernels, and so the end of their files' names: OpenCL in 3.4, HIP in 3.5 [utilocl.cpp of both] */
  columns: "cl" | "cpp";
  /**
   * Im2d2Col's LDS tile in its key: of the size that the problem needs, or, by the patch rdna1-im2col, of one of a few. The
   * patch also makes it as large as the kernel's images are.
   */
  tiles: "exact" | "rounded";
}

/** Stock MIOpen 3.5. */
export const STOCK: Dialect = Object.freeze({ columns: "cpp", tiles: "exact" });

/** The option that the patch rdna1-im2col adds to a key, and so a text in the library. */
export const ROUNDED_OPTION = " -DLOCAL_MEM_ROUNDED";

/** The dialect of a toolchain's MIOpen: its version tells the column kernels, the library's own text the patch. */
export async function dialectOf({ miopenVersion, paths }: Toolchain): Promise<Dialect> {
  const rounded = paths.miopen !== null && (await holdsText(paths.miopen, ROUNDED_OPTION));
  return {
    columns: miopenVersion?.startsWith("3.4.") === true ? "cl" : "cpp",
    tiles: rounded ? "rounded" : "exact",
  };
}

async function holdsText(file: string, text: string): Promise<boolean> {
  let rest = "";
  for await (const chunk of createReadStream(file, { highWaterMark: 4 << 20, encoding: "latin1" })) {
    const both = rest + (chunk as string);
    if (both.includes(text)) return true;
    rest = both.slice(-text.length);
  }
  return false;
}
