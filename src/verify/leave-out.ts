import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { machineError } from "../errors.ts";
import { keyOf, readRows, writeKernelDatabase } from "../kernels/database.ts";
import type { KernelDatabase } from "../kernels/stages.ts";
import { sha256, sha256File } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import { failedObjects } from "./coverage.ts";
import type { ProofRow } from "./proofs.ts";

/** A kernel that is not packaged. */
export interface LeftOut {
  key: string;
  reason: string;
}

/** The set as it is packaged. */
export interface ProvenKernels {
  kernels: KernelDatabase;
  leftOut: LeftOut[];
}

/** The set without the kernels that failed; the same one when every row passed. MIOpen compiles what is missing. */
export async function leaveOutFailed(
  context: Context,
  { target, kernels, rows }: { target: Target; kernels: KernelDatabase; rows: readonly ProofRow[] },
): Promise<ProvenKernels> {
  const { kept, leftOut } = withoutFailed(kernels.kernels, rows);
  if (leftOut.length === 0) return { kernels, leftOut };
  for (const { key, reason } of leftOut.slice(0, 20)) context.log.warning(`${target}: left out: ${key}: ${reason}`);
  context.log.warning(`${target}: ${leftOut.length} of ${kernels.kernels.length} kernels are left out`);
  const keys = new Set(kept.map(keyOf));
  const outcome = await context.stages.run({
    name: "proven",
    variant: target,
    parts: { database: kernels.sha256, left: sha256(leftOut.map(({ key }) => key).join("\n")) },
    run: async (folder) => {
      const file = join(folder, `${target}.kdb`);
      const database = readRows(kernels.path).filter((row) => keys.has(keyOf(row)));
      await writeKernelDatabase(file, database);
      await writeFile(join(folder, "left-out.json"), JSON.stringify(leftOut));
      return { sha256: await sha256File(file), bytes: (await stat(file)).size };
    },
  });
  const path = join(outcome.folder, `${target}.kdb`);
  return { kernels: { ...kernels, ...outcome.result, path, kernels: kept }, leftOut };
}

/**
 * Divides a set by its numerical rows: whatever may be the cause of a row's failure (blame.ts) goes.
 *
 * @throws machineError when a row failed that no kernel of the set can be the cause of: nothing can be left out then
 */
export function withoutFailed<K extends { name: string; args: string; hash: string }>(
  kernels: readonly K[],
  rows: readonly ProofRow[],
): { kept: readonly K[]; leftOut: LeftOut[] } {
  const failures = rows.filter(({ kind, result }) => kind !== "completeness" && result === "failed");
  const broken = failures.find(({ kind, kernels: used }) => kind === "negative-control" || used.length === 0);
  if (broken !== undefined) {
    throw machineError(
      `a proof failed that no kernel of the set is to blame for: ${broken.command}: ${broken.reason}`,
      "nothing was packaged; report this with the line above",
    );
  }
  const failed = failedObjects(rows);
  if (failed.size === 0) return { kept: kernels, leftOut: [] };
  const out = kernels.filter(({ hash }) => failed.has(hash));
  return {
    kept: kernels.filter(({ hash }) => !failed.has(hash)),
    leftOut: out.map((kernel) => ({ key: keyOf(kernel), reason: failed.get(kernel.hash) ?? "" })),
  };
}
