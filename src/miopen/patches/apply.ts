import { machineError } from "../../errors.ts";
import type { Exec, ExecResult } from "../../ports/exec.ts";
import { diskFull, saysDiskIsFull } from "../../ports/files.ts";
import { endingWithUs } from "../../ports/setpriv.ts";
import { type HunkOutcome, readPatchOutput } from "./output.ts";
import { allowedFuzz } from "./parse.ts";
import type { Patch } from "./series.ts";

/** How a patch fared. */
export interface PatchReport {
  name: string;
  sha256: string;
  status: "applied" | "already applied" | "rejected";
  /** Largest distance of a hunk from where it expected to be, in lines */
  offset: number;
  /** Most lines of context that a hunk had to do without */
  fuzz: number;
  /** Hunks that fit nowhere */
  rejects: readonly Reject[];
}

/** A hunk that does not fit. */
export interface Reject {
  /** File and line of the source where it was tried; line 0 when the file is missing */
  file: string;
  line: number;
  /** Line of the hunk in the patch, for annotations */
  patchLine: number;
  reason: string;
}

/**
 * Applies patches in order to `tree`, with the program `patch`. One that does not apply is left out whole, and the next is
 * tried all the same: one run tells everything. When the tree has the first patches already, they are recognised.
 */
export async function applySeries(patches: readonly Patch[], tree: string, exec: Exec): Promise<PatchReport[]> {
  const known = await countApplied(patches, tree, exec);
  const reports: PatchReport[] = patches.slice(0, known).map((patch) => report(patch, "already applied"));
  for (const patch of patches.slice(known)) reports.push(await applyOne(patch, tree, exec));
  return reports;
}

async function applyOne(patch: Patch, tree: string, exec: Exec): Promise<PatchReport> {
  const forward = await run(patch, tree, exec, ["--dry-run"]);
  if (forward.code === 0) {
    const result = await run(patch, tree, exec, []);
    if (result.code !== 0) throw unexpected(patch, result);
    const { hunks } = readPatchOutput(result.stdout);
    return {
      ...report(patch, "applied"),
      offset: largest(hunks.map(({ offset }) => offset)),
      fuzz: largest(hunks.map(({ fuzz }) => fuzz)),
    };
  }
  if ((await run(patch, tree, exec, ["--dry-run", "--reverse"])).code === 0) return report(patch, "already applied");
  return { ...report(patch, "rejected"), rejects: rejectsOf(patch, forward) };
}

/**
 * How many of the first patches the tree has already. Taken back from the last to the first, because a later patch may
 * change lines of an earlier one; put back in the end. Asked only when the first patch looks as if it were there.
 */
async function countApplied(patches: readonly Patch[], tree: string, exec: Exec): Promise<number> {
  const [first] = patches;
  if (first === undefined || (await run(first, tree, exec, ["--dry-run"])).code === 0) return 0;
  for (let count = patches.length; count > 1; count--) {
    const undone: Patch[] = [];
    for (const patch of patches.slice(0, count).reverse()) {
      if ((await run(patch, tree, exec, ["--dry-run", "--reverse"])).code !== 0) break;
      await must(patch, tree, exec, ["--reverse"]);
      undone.push(patch);
    }
    for (const patch of [...undone].reverse()) await must(patch, tree, exec, []);
    if (undone.length === count) return count;
  }
  return 0;
}

function report(patch: Patch, status: PatchReport["status"]): PatchReport {
  return { name: patch.name, sha256: patch.sha256, status, offset: 0, fuzz: 0, rejects: [] };
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => (Math.abs(number) > Math.abs(most) ? number : most), 0);
}

function rejectsOf(patch: Patch, { stdout, stderr }: ExecResult): Reject[] {
  const { hunks, missing } = readPatchOutput(stdout);
  const lineOf = ({ file, number }: Pick<HunkOutcome, "file" | "number">) =>
    patch.hunks.find((hunk) => hunk.file === file && hunk.number === number)?.line ?? 1;
  const rejects = hunks
    .filter(({ failed }) => failed)
    .map((hunk): Reject => {
      const reason = `hunk ${hunk.number} of ${hunk.file} does not fit`;
      return { file: hunk.file, line: hunk.at, patchLine: lineOf(hunk), reason };
    });
  for (const name of missing) {
    const file = name.split("/").slice(patch.strip).join("/");
    rejects.push({ file, line: 0, patchLine: lineOf({ file, number: 1 }), reason: `${file} is not in the source` });
  }
  if (rejects.length > 0) return rejects;
  const why = `${stdout}\n${stderr}`.trim().split("\n").at(-1) ?? "patch gave no reason";
  return [{ file: patch.touched[0] ?? "", line: 0, patchLine: 1, reason: why }];
}

async function must(patch: Patch, tree: string, exec: Exec, options: readonly string[]): Promise<void> {
  const result = await run(patch, tree, exec, options);
  if (result.code !== 0) throw unexpected(patch, result);
}

async function run(patch: Patch, tree: string, exec: Exec, options: readonly string[]): Promise<ExecResult> {
  const args = [
    ...[`--strip=${patch.strip}`, "--force", `--fuzz=${allowedFuzz(patch)}`, "--no-backup-if-mismatch"],
    ...["--reject-file=-", "--remove-empty-files", "--unified", "--quoting-style=literal"],
    ...options,
  ];
  const command = { file: "patch", args, env: { PATH: "/usr/bin:/bin", LC_ALL: "C" }, cwd: tree };
  const result = await exec.run(endingWithUs(command), { input: Buffer.from(patch.text, "latin1"), timeoutMs: 60_000 });
  if (saysDiskIsFull(result.stderr) || saysDiskIsFull(result.stdout)) throw diskFull(tree);
  if (result.code === 127) throw machineError("the program patch is not on this machine", "install the package patch");
  if (result.code === 0 || result.code === 1) return result;
  throw unexpected(patch, result);
}

function unexpected({ name }: Patch, { code, signal, timedOut, stdout, stderr }: ExecResult): Error {
  const how = timedOut ? "did not end" : `ended with ${code ?? signal}`;
  const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-3).join("; ");
  return machineError(`patch ${how} at ${name}: ${said}`, "start again; report it when it happens again");
}
