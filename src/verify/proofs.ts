import type { Target } from "../rdna1/targets.ts";

/** How one row of the proof table ended. `skipped` always carries a reason. */
export type ProofResult = "passed" | "failed" | "skipped";

/**
 * What a row proves:
 * - `completeness`: the command ran with an empty user database, the kernel set read-only, and compilation refused
 * - `numerical`: its results agreed with a CPU reference
 * - `negative-control`: the same without the kernel set; it passes only by failing
 */
export type ProofKind = "completeness" | "numerical" | "negative-control";

/** A kernel object that was loaded from the kernel set while the row ran. */
export interface KernelUse {
  /** `kernel_name` of the database, e.g. `naive_conv.cpp.o` */
  name: string;
  /** md5 of the uncompressed code object, as in the database */
  hash: string;
}

/** One row of the proof table. */
export interface ProofRow {
  kind: ProofKind;
  target: Target;
  /** MIOpenDriver arguments, as they were run */
  command: string;
  /** MIOpenDriver's operation without the type: `conv`, `pool`, `bnorm`, … */
  operation: string;
  type: "fp32" | "fp16" | "bf16" | "int8";
  direction: "forward" | "backward-data" | "backward-weights" | "backward" | "all";
  /** What the row is there for, e.g. `im2col 2d` or `resnet50` */
  family: string;
  layout: string;
  result: ProofResult;
  /** Why it failed or was skipped; null when passed */
  reason: string | null;
  /** What a reader should know of a row that passed, e.g. a solver that this target's rocBLAS cannot serve */
  note?: string;
  solver: string | null;
  kernels: readonly KernelUse[];
  /** Largest relative error found; null when nothing was compared */
  error: number | null;
  seconds: number;
}

/** `proofs.json` */
export interface Proofs {
  schema: 1;
  device: "virtual" | "gpu";
  rows: readonly ProofRow[];
}

/** passed, failed and skipped of a table. */
export function countProofs(rows: readonly ProofRow[]): Record<ProofResult, number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const row of rows) counts[row.result] += 1;
  return counts;
}
