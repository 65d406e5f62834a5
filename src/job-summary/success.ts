import type { DoctorResult } from "../commands/doctor.ts";
import { type DriftResult, driftTable, isSound } from "../commands/drift.ts";
import { shardText } from "../kernels/shard.ts";
import type { RunRecord } from "../record.ts";
import type { PackageResult } from "../release/stage.ts";
import { CHECK_SIGNS, DRIFT_HEADS, type Result, resultLines, type WorkResult } from "../summary.ts";
import { duration, size } from "../units.ts";
import { countProofs, type FileProof, splitControls } from "../verify/proofs.ts";
import { code, page, plain, table } from "./markdown.ts";
import { cachesSection, stagesSection } from "./sections.ts";

/** The job summary of a run that did its work, GitHub Markdown. */
export function summaryMarkdown(result: Result, record: RunRecord, seconds: number): string {
  if ("drift" in result) return driftMarkdown(result);
  if ("checks" in result) return doctorMarkdown(result);
  return page([
    `## ${titleOf(result)}`,
    // Kernels have a table of their own.
    table(
      ["result", ""],
      resultLines(result).filter(([what]) => !what.startsWith("kernels ")),
    ),
    "manifest" in result ? kernelsSection(result) : coverageSection("files" in result ? result.files : []),
    "manifest" in result ? sizesSection(result) : "",
    stagesSection(record, seconds) || `Done in ${duration(seconds)}.`,
    cachesSection(record),
  ]);
}

function driftMarkdown({ drift }: DriftResult): string {
  const sound = drift.filter(isSound).length;
  return `## The patches apply to ${sound} of ${drift.length} sources\n\n${table(DRIFT_HEADS, driftTable(drift))}`;
}

function doctorMarkdown({ checks }: DoctorResult): string {
  const wrong = checks.filter(({ state }) => state === "bad").length;
  const lines = checks.map(({ what, state, says, remedy }) => [
    CHECK_SIGNS[state],
    what,
    plain(says),
    plain(remedy ?? ""),
  ]);
  const title =
    wrong === 0 ? "This machine is fit for RDNA1" : `${wrong} of ${checks.length} checks of this machine are bad`;
  return `## ${title}\n\n${table(["", "what", "", "what to do"], lines)}`;
}

function titleOf(result: WorkResult): string {
  if ("manifest" in result) return plain(result.manifest.name);
  if ("record" in result) return plain(result.record.name);
  if ("shard" in result) return `Shard ${shardText(result.shard)} of the kernel set`;
  return "release" in result ? `[${plain(result.release.tag)}](${result.release.url})` : "Kernels verified";
}

/** A line a target: how many kernels there are, how many were executed with right results, and the rows of the proof table. */
function kernelsSection({ manifest, rows, files }: PackageResult): string {
  const { proofs } = splitControls(rows);
  const lines = Object.entries(manifest.kernels).map(([target, set]) => {
    const { passed, failed, skipped } = countProofs(proofs.filter((row) => row.target === target));
    const own = files.filter((file) => file.target === target);
    const proven = own.reduce((sum, file) => sum + file.proven, 0);
    const keys = own.reduce((sum, file) => sum + file.keys, 0);
    const share = own.length === 0 ? "verify is off" : `${proven} of ${keys} (${percent(proven, keys)})`;
    return [target, String(set.rows), share, `${passed} / ${failed} / ${skipped}`];
  });
  const heads = ["target", " kernels", " executed, results right", " proofs: passed / failed / skipped"];
  return `### Kernels\n\n${table(heads, lines)}`;
}

function coverageSection(files: readonly FileProof[]): string {
  if (files.length === 0) return "";
  const lines = files.map(({ target, name, keys, proven }) => [target, code(name), `${proven} of ${keys}`]);
  return `### Kernels\n\n${table(["target", "source file", " executed, results right"], lines)}`;
}

/** Rounded down: 100 % is all of them. */
function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${Math.floor((1000 * part) / whole) / 10} %`;
}

function sizesSection({ manifest }: PackageResult): string {
  const { library, kernels, overlays, tarball } = manifest;
  const facts = [library, ...Object.values(kernels), tarball].filter((fact) => fact !== null);
  const lines = facts.map(({ file, bytes }) => [code(file), size(bytes)]);
  if (overlays.length > 0) {
    const bytes = overlays.reduce((sum, overlay) => sum + overlay.bytes, 0);
    lines.splice(-1, 0, [`rocBLAS for other targets, files: ${overlays.length}`, size(bytes)]);
  }
  return `### Sizes\n\n${table(["file", " size"], lines)}`;
}
