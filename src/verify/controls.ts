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
  for (const row of controllable(table.rows, proofs).slice(0, CONTROLS)) {
    driven.push(await proveOne(table, row, join(table.folder, "run-control"), ports.exec, false));
  }
  const plans = prover.plans.slice(0, CONTROLS);
  const own = await proveWithProver(
    { ...prover, plans, folder: join(prover.folder, "control"), execute: false },
    ports,
  );
  return [...driven, ...own].map(controlOf);
}

/** Rows that come to an end: ours first, then the user's that were not too large. */
function controllable(rows: readonly TableRow[], proofs: readonly ProofRow[]): TableRow[] {
  const ended = rows.filter((_, index) => proofs[index]?.result !== "skipped");
  return [...ended.filter(({ own }) => own !== true), ...ended.filter(({ own }) => own === true)];
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
