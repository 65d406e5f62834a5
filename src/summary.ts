import type { DoctorResult } from "./commands/doctor.ts";
import { type DriftResult, driftTable } from "./commands/drift.ts";
import type { InstallResult } from "./commands/install.ts";
import type { PublishResult } from "./commands/publish.ts";
import type { ShardResult } from "./commands/shard.ts";
import type { VerifyResult } from "./commands/verify.ts";
import { shardText } from "./kernels/shard.ts";
import { shellQuote } from "./release/activate.ts";
import type { PackageResult } from "./release/stage.ts";
import { duration, size } from "./units.ts";
import { type CardProof, proofsText } from "./verify/proofs.ts";

/** What a command comes to. */
export type Result = WorkResult | DriftResult | DoctorResult;

/** What a command comes to that makes something. */
export type WorkResult = PackageResult | VerifyResult | PublishResult | InstallResult | ShardResult;

/** How the state of a check is shown. */
export const CHECK_SIGNS = { good: "✓", doubtful: "?", bad: "✗" } as const;

function doctorText({ checks }: DoctorResult): string {
  const width = Math.max(...checks.map(({ what }) => what.length));
  const lines = checks.flatMap(({ what, state, says, remedy }) => [
    `  ${CHECK_SIGNS[state]} ${what.padEnd(width)}  ${says}`,
    ...(remedy === null ? [] : [`    ${"".padEnd(width)}  → ${remedy}`]),
  ]);
  return `\n${lines.join("\n")}\n`;
}

/** Columns of {@link driftTable}. */
export const DRIFT_HEADS = ["source", "MIOpen", "patch", "state"];

function driftText({ drift, file }: DriftResult): string {
  const rows = [DRIFT_HEADS, ...driftTable(drift)];
  const widths = DRIFT_HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `  ${row.map((text, column) => text.padEnd(column === 3 ? 0 : (widths[column] ?? 0))).join("  ")}`;
  return `\n${rows.map(line).join("\n")}\n\n  ${file}\n`;
}

/** A line of the closing table: what, and how it came out. */
type Line = readonly [what: string, how: string];

/** The last lines in a terminal. */
export function terminalSummary(result: Result, timings: Readonly<Record<string, number>>, seconds: number): string {
  if ("drift" in result) return driftText(result);
  if ("checks" in result) return doctorText(result);
  const lines = [...stageLines(timings), ...resultLines(result), ["total", duration(seconds)] as const];
  const width = Math.max(...lines.map(([what]) => what.length));
  const table = lines.map(([what, how]) => `  ${what.padEnd(width)}  ${how}`).join("\n");
  return `\n${table}\n\n${nextLines(result)
    .map((line) => `  ${line}\n`)
    .join("")}`;
}

/** Where the results lie; of an installation, how to use it. */
function nextLines(result: WorkResult): readonly string[] {
  if ("record" in result) return [`. ${shellWord(`${result.folder}/activate`)}`];
  if ("shard" in result) return [result.folder];
  if ("manifest" in result) return [result.tarball, result.report];
  return ["release" in result ? result.release.url : result.proofs];
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9/._-]+$/.test(text) ? text : shellQuote(text);
}

/** What a command came to, in a few lines; the same in a terminal and in the job summary. */
export function resultLines(result: WorkResult): Line[] {
  if ("record" in result) return installLines(result);
  if ("shard" in result) return shardLines(result);
  if ("release" in result) {
    const { release, uploaded, kept } = result;
    return [
      ["release", `${release.tag}, ${release.draft ? "a draft" : "published"}`],
      ["files", `${uploaded.length} uploaded, ${kept.length} there already, all verified`],
      ["sha256", result.sha256],
    ];
  }
  if (!("manifest" in result)) {
    return [["proofs", proofsText(result.rows)], ...cardLines(result.cards)];
  }
  const { manifest, rows, cards, leftOut } = result;
  const sets = Object.entries(manifest.kernels).map(
    ([target, set]): Line => [`kernels ${target}`, `${set.rows} in ${size(set.bytes)}`],
  );
  const proofs = rows.length === 0 ? "none: verify is off" : proofsText(rows);
  return [
    [
      "MIOpen",
      `${manifest.miopen.version} (${manifest.miopen.patched ? "patched" : "distribution"}), ROCm ${manifest.rocm.version}`,
    ],
    ...sets,
    ["proofs", proofs],
    ...cardLines(cards),
    ...(leftOut === 0
      ? []
      : [["left out", `${leftOut} kernels that failed their proof, named in the report`] as const]),
    ["tarball", `${manifest.tarball.file}, ${size(manifest.tarball.bytes)}`],
    ["sha256", manifest.tarball.sha256],
  ];
}

/** What cards made of it, a line each. */
function cardLines(cards: readonly CardProof[]): Line[] {
  return cards.map(({ target, name, rows }) => [`on ${target}`, `${name}: ${proofsText(rows)}`]);
}

function shardLines({ shard, done }: ShardResult): Line[] {
  return [["shard", shardText(shard)], ...done.map(({ target, how }): Line => [target, how])];
}

function installLines({ folder, record, hit }: InstallResult): Line[] {
  const { attested, from, manifest } = record;
  const kernels = Object.values(manifest.kernels).reduce((sum, set) => sum + set.rows, 0);
  return [
    ["package", `${record.name}, ${kernels} kernels for ${manifest.targets.join(", ")}`],
    ["from", from],
    ["origin", attested === null ? "not proven" : `attested by ${attested.workflow}`],
    ["sha256", record.sha256],
    ["folder", `${folder}${hit ? " (was there already)" : ""}`],
  ];
}

function stageLines(timings: Readonly<Record<string, number>>): Line[] {
  return Object.entries(timings).map(
    ([stage, seconds]): Line => [stage, seconds === 0 ? "skipped (cached)" : duration(seconds)],
  );
}
