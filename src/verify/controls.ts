import { join } from "node:path";
import type { Bunzip } from "../kernels/bunzip.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import { type NumericalInput, proveOne } from "./numerical.ts";
import type { ProofRow } from "./proofs.ts";
import { type ProverInput, proveWithProver } from "./prover.ts";
import type { TableRow } from "./table.ts";

/** How many runs of each kind are made. */
const CONTROLS = 2;

/** How many rows are tried for them. */
const MOST_TRIED = 10;

/**
 * Runs that must fail, because no kernel is executed in them: memory keeps what was in it, and MIOpenDriver and the
 * prover must both say that the results are wrong. Shows that the comparisons can fail at all. `driven` are the proofs of
 * the table's rows, in their order.
 */
export async function numericalControls(
  { table, prover, driven: proofs }: { table: NumericalInput; prover: ProverInput; driven: readonly ProofRow[] },
  ports: { exec: Exec; log: Log; bunzip: Bunzip },
): Promise<ProofRow[]> {
  const driven: ProofRow[] = [];
  const agreeing: ProofRow[] = [];
  for (const row of controllable(table.rows, proofs).slice(0, MOST_TRIED)) {
    if (driven.length === CONTROLS) break;
    const control = await proveOne(table, row, join(table.folder, "run-control"), ports.exec, false);
    (agreesWithNothing(control) ? agreeing : driven).push(control);
  }
  const plans = prover.plans.slice(0, CONTROLS);
  const own = await proveWithProver(
    { ...prover, plans, folder: join(prover.folder, "control"), execute: false },
    ports,
  );
  const controls = [...driven, ...own].map(controlOf);
  return driven.length > 0 ? controls : [...controls, ...agreeing.slice(0, 1).map(needless)];
}

/**
 * Whether the host's results are what memory held anyway, as those of a dropout of everything are: such a row controls
 * nothing. Results of a convolution are never.
 */
function agreesWithNothing({ operation, reason }: ProofRow): boolean {
  return operation !== "conv" && /was launched, but not executed/.test(reason ?? "");
}

/** The control of a set none of whose rows can be one. */
function needless(row: ProofRow): ProofRow {
  const reason = "no command of the set has results that differ from memory in which no kernel ran";
  return { ...controlOf(row), result: "skipped", reason };
}

/** Rows that come to an end, not the user's that were too large: what passed first, and of these ours first. */
function controllable(rows: readonly TableRow[], proofs: readonly ProofRow[]): TableRow[] {
  const rank = ({ row, result }: { row: TableRow; result: ProofRow["result"] | undefined }) =>
    (result === "failed" ? 2 : 0) + (row.own === true ? 1 : 0);
  return rows
    .map((row, index) => ({ row, result: proofs[index]?.result }))
    .filter(({ result }) => result !== "skipped")
    .sort((a, b) => rank(a) - rank(b))
    .map(({ row }) => row);
}

/** A row turned into its control: it passes by having failed at the comparison. */
function controlOf(row: ProofRow): ProofRow {
  const wrong = /differs from the CPU reference|elements are wrong/.test(row.reason ?? "");
  return {
    ...row,
    kind: "negative-control",
    family: "without executing a kernel",
    result: wrong ? "passed" : "failed",
    reason: wrong ? null : `it was not noticed that no kernel ran (${row.reason ?? "the row passed"})`,
    kernels: [],
  };
}
