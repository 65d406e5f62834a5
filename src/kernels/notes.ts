import { parse } from "yaml";
import { splitByFile } from "./llvm-output.ts";

/** What a code object's metadata note says about one function [LLVM AMDGPUUsage, "Code Object V3+ Metadata"]. */
export interface KernelMetadata {
  name: string;
  /** Symbol of the kernel descriptor, `<name>.kd` */
  symbol: string;
  vgprs: number;
  sgprs: number;
  /** Bytes of LDS of a work-group */
  lds: number;
  /** Bytes of scratch of a lane */
  scratch: number;
  maxWorkGroup: number;
  waveSize: number;
}

interface Note {
  "amdhsa.target"?: string;
  "amdhsa.kernels"?: Record<string, unknown>[];
}

/** Reads what `llvm-readelf --notes` prints for several files; a file without a readable note gets undefined. */
export function readNotes(
  output: string,
  files: readonly string[],
): ({ target: string; functions: KernelMetadata[] } | undefined)[] {
  return splitByFile(output, files, /^File: (.*)$/).map((part) => {
    const text = part === undefined ? undefined : /^\s*---$\n([\s\S]*?)^\s*\.\.\.$/m.exec(part)?.[1];
    if (text === undefined) return undefined;
    const note = parse(text) as Note;
    return { target: note["amdhsa.target"] ?? "", functions: (note["amdhsa.kernels"] ?? []).map(readFunction) };
  });
}

function readFunction(fields: Record<string, unknown>): KernelMetadata {
  // NaN for a missing number: no limit lets it pass.
  const number = (name: string) => (typeof fields[name] === "number" ? fields[name] : Number.NaN);
  return {
    name: String(fields[".name"] ?? ""),
    symbol: String(fields[".symbol"] ?? ""),
    vgprs: number(".vgpr_count"),
    sgprs: number(".sgpr_count"),
    lds: number(".group_segment_fixed_size"),
    scratch: number(".private_segment_fixed_size"),
    maxWorkGroup: number(".max_flat_workgroup_size"),
    waveSize: number(".wavefront_size"),
  };
}
