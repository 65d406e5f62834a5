import type { Target } from "../rdna1/targets.ts";

/** How one row of the proof table ended. `skipped` always carries a reason. */
export type ProofResult = "passed" | "failed" | "skipped";

/**
 * What a row proves:
 * - `completeness`: the command ran with an empty user database, the kernel set read-only, and compilation refused
 * - `numerical`: its kernels were executed and their results agreed with a CPU reference
 * - `negative-control`: the same with something missing or broken; it passes only by failing
 */
export type ProofKind = "completeness" | "numerical" | "negative-control";

/**
 * Who computed what a row's results were compared with:
 * - `miopen-cpu`: MIOpenDriver's own reference on the host (`-V 1`)
 * - `ours`: the prover's (src/verify/cpp), for kernels that MIOpenDriver reaches too slowly or not at all
 */
export type Reference = "miopen-cpu" | "ours";

/**
 * A kernel object of the kernel set that the row used: asked for in a completeness row, executed in a numerical one. A
 * numerical row that failed names those that may be the cause, launched or not.
 */
export interface KernelUse {
  /** `kernel_name` of the database, e.g. `naive_conv.cpp.o` */
  name: string;
  /** md5 of the uncompressed code object, as in the database */
  hash: string;
  /** Functions of it that were executed; numerical rows only */
  functions?: readonly string[];
}

/** One row of the proof table. */
export interface ProofRow {
  kind: ProofKind;
  target: Target;
  /** MIOpenDriver arguments, as they were run; with our reference the problems, one behind the other with `; ` */
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
  /** Keys of the set that hold the row's object; rows with our reference only */
  keys?: number;
  /** Present in numerical rows */
  reference?: Reference;
  /** Root mean square of the differences over the largest value; 0: every bit agrees; null: nothing was compared */
  error: number | null;
  /** Doubtful things that the device saw and a card lets pass (events.ts `finding`), each kind once */
  findings?: readonly string[];
  /** Wave-instructions that were executed; numerical rows only */
  instructions?: number;
  seconds: number;
}

/** How much of one source file's kernels the numerical rows prove on one target. */
export interface FileProof {
  target: Target;
  /** `kernel_name` of the database, e.g. `naive_conv.cpp.o` */
  name: string;
  /** Keys of the set, and those whose object is proven */
  keys: number;
  proven: number;
  /** Different code objects */
  objects: number;
  /** Objects that ran with a single problem: their key leaves no choice of another */
  once: number;
  /** Different problems that were run and compared */
  problems: number;
  references: readonly Reference[];
  /** Functions of the objects: executed, and not, each group with the reason */
  executed: number;
  unreached: readonly { functions: readonly string[]; reason: string }[];
}

/** A key of the set whose object is not proven. */
export interface UnprovenKernel {
  target: Target;
  name: string;
  args: string;
  hash: string;
  reason: string;
}

/** The numerical rows of one target once more, on a card of the machine that built. */
export interface CardProof {
  target: Target;
  /** What the card calls itself, e.g. `AMD Radeon RX 5700 XT` */
  name: string;
  /** The kernel with its driver */
  driver: string;
  /** In tests only: something else played the card */
  standIn: boolean;
  rows: readonly ProofRow[];
}

/** `proofs.json` */
export interface Proofs {
  schema: 1;
  /** What `rows` ran on */
  device: "virtual" | "gpu";
  rows: readonly ProofRow[];
  /** Absent where no numerical proof was run */
  files?: readonly FileProof[];
  unproven?: readonly UnprovenKernel[];
  /** Absent where no card was asked */
  cards?: readonly CardProof[];
}

/** A row that did not pass, in a line. */
export function rowText({ command, reason }: ProofRow): string {
  return `${command.slice(0, 200)}: ${reason}`;
}

/** The rows that failed, a line each; of many the first. */
export function failedText(rows: readonly ProofRow[]): string {
  const lines = rows.filter(({ result }) => result === "failed").map(rowText);
  return `${lines.slice(0, 20).join("\n")}${lines.length > 20 ? "\n…" : ""}`;
}

/** passed, failed and skipped of a table. */
export function countProofs(rows: readonly ProofRow[]): Record<ProofResult, number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const row of rows) counts[row.result] += 1;
  return counts;
}

/** Rows that prove kernels, and the negative controls, which show that a proof can fail: they count as no proof. */
export function splitControls(rows: readonly ProofRow[]): {
  proofs: readonly ProofRow[];
  controls: readonly ProofRow[];
} {
  const { proofs = [], controls = [] } = Object.groupBy(rows, ({ kind }) =>
    kind === "negative-control" ? "controls" : "proofs",
  );
  return { proofs, controls };
}

/** `4758 of 4758 passed, 3 skipped; 5 of 5 negative controls failed as they must`: a table in a line. */
export function proofsText(rows: readonly ProofRow[]): string {
  const { proofs, controls } = splitControls(rows);
  const { passed, skipped } = countProofs(proofs);
  const rest = skipped === 0 ? "" : `, ${skipped} skipped`;
  const ran = controls.filter(({ result }) => result !== "skipped");
  const held = countProofs(ran).passed;
  const apart = ran.length === 0 ? "" : `; ${held} of ${ran.length} negative controls failed as they must`;
  return `${passed} of ${proofs.length} passed${rest}${apart}`;
}
