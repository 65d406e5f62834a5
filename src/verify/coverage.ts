import type { Target } from "../rdna1/targets.ts";
import type { FileProof, ProofRow, Reference, UnprovenKernel } from "./proofs.ts";
import { reasonUnreached } from "./unreached.ts";

/** A kernel of the set as the audit knows it. */
export interface CoveredKernel {
  name: string;
  args: string;
  hash: string;
  functions: readonly string[];
}

/** What the rows that used one object say. */
interface Evidence {
  problems: Set<string>;
  references: Set<Reference>;
  functions: Set<string>;
  /** First row that failed with it */
  failed: ProofRow | null;
  /** First row that should have executed it and was given up */
  skipped: ProofRow | null;
}

/** Which kernels of a set the numerical rows prove, by source file, and which they do not, by key. */
export interface Coverage {
  files: FileProof[];
  unproven: UnprovenKernel[];
}

/**
 * An object is proven by at least one row that passed and none that failed and that it may be the cause of (blame.ts).
 */
export function coverageOf(kernels: readonly CoveredKernel[], rows: readonly ProofRow[], target: Target): Coverage {
  const evidence = evidenceOf(rows.filter((row) => row.kind === "numerical" && row.target === target));
  const unproven: UnprovenKernel[] = [];
  const byName = new Map<string, CoveredKernel[]>();
  for (const kernel of kernels) {
    const list = byName.get(kernel.name) ?? [];
    byName.set(kernel.name, list);
    list.push(kernel);
    const reason = whyNotProven(evidence.get(kernel.hash));
    if (reason !== null) {
      unproven.push({ target, name: kernel.name, args: kernel.args, hash: kernel.hash, reason });
    }
  }
  const open = new Set(unproven.map(({ hash }) => hash));
  const files = [...byName].map(([name, list]) => fileProof(target, name, list, evidence, open));
  return { files: files.sort((a, b) => (a.name < b.name ? -1 : 1)), unproven };
}

/** Objects that may be the cause of a row's failure, by md5, with the row's reason. Empty: every row passed. */
export function failedObjects(rows: readonly ProofRow[]): Map<string, string> {
  const failed = new Map<string, string>();
  for (const row of rows) {
    if (row.kind !== "numerical" || row.result !== "failed") continue;
    for (const { hash } of row.kernels) failed.set(hash, `${row.command}: ${row.reason}`);
  }
  return failed;
}

function evidenceOf(rows: readonly ProofRow[]): Map<string, Evidence> {
  const evidence = new Map<string, Evidence>();
  for (const row of rows) {
    for (const { hash, functions } of row.kernels) {
      const one = evidence.get(hash) ?? {
        ...{ problems: new Set(), references: new Set() },
        ...{ functions: new Set<string>(), failed: null, skipped: null },
      };
      evidence.set(hash, one);
      if (row.result === "failed") one.failed ??= row;
      if (row.result === "skipped") one.skipped ??= row;
      if (row.result !== "passed") continue;
      for (const problem of row.reference === "ours" ? row.command.split("; ") : [row.command])
        one.problems.add(problem);
      if (row.reference !== undefined) one.references.add(row.reference);
      for (const name of functions ?? []) one.functions.add(name);
    }
  }
  return evidence;
}

function whyNotProven(evidence: Evidence | undefined): string | null {
  if (evidence === undefined) return "no row of the table executes it";
  if (evidence.failed !== null) return `failed: ${evidence.failed.command}: ${evidence.failed.reason}`;
  if (evidence.problems.size > 0) return null;
  const { skipped } = evidence;
  return `no row that executes it passed${skipped === null ? "" : `: ${skipped.command}: ${skipped.reason}`}`;
}

function fileProof(
  target: Target,
  name: string,
  kernels: readonly CoveredKernel[],
  evidence: ReadonlyMap<string, Evidence>,
  open: ReadonlySet<string>,
): FileProof {
  const hashes = new Set(kernels.map(({ hash }) => hash));
  const own = [...hashes].flatMap((hash) => evidence.get(hash) ?? []);
  const union = <T>(pick: (one: Evidence) => Iterable<T>) => new Set(own.flatMap((one) => [...pick(one)]));
  const executed = union((one) => one.functions);
  const missing = [...new Set(kernels.flatMap(({ functions }) => functions))].filter((f) => !executed.has(f)).sort();
  const reasons = Map.groupBy(missing, (one) => reasonUnreached(name, one));
  return {
    target,
    name,
    keys: kernels.length,
    proven: kernels.filter(({ hash }) => !open.has(hash)).length,
    objects: hashes.size,
    once: own.filter(({ problems }) => problems.size === 1).length,
    problems: union((one) => one.problems).size,
    references: [...union((one) => one.references)].sort(),
    executed: executed.size,
    unreached: [...reasons].map(([reason, functions]) => ({ functions, reason })),
  };
}
