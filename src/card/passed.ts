import { rowCommand } from "../verify/numerical.ts";
import type { ProofRow } from "../verify/proofs.ts";
import type { ObjectPlan } from "../verify/prover-plan.ts";
import type { TableRow } from "../verify/table.ts";

/** The proofs that passed. What failed before is given to no card, and its kernels may have been left out of the set. */
export function passedIn(rows: readonly ProofRow[]): readonly ProofRow[] {
  return rows.filter(({ kind, result }) => kind === "numerical" && result === "passed");
}

/** The rows of a table that have passed before. */
export function passedRows(table: readonly TableRow[], before: readonly ProofRow[]): TableRow[] {
  const commands = new Set(passedIn(before).map(({ command }) => command));
  return table.filter((row) => commands.has(rowCommand(row)));
}

/** The objects that the prover has proven before; several may have the same problems. */
export function passedPlans(plans: readonly ObjectPlan[], before: readonly ProofRow[]): ObjectPlan[] {
  const ours = passedIn(before).filter(({ reference }) => reference === "ours");
  const hashes = new Set(ours.flatMap(({ kernels }) => kernels.map(({ hash }) => hash)));
  return plans.filter(({ hash }) => hashes.has(hash));
}
