import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { messageOf, RdnaError } from "../errors.ts";
import type { PatchReport } from "../miopen/patches/apply.ts";
import { chooseSeries, versionToTry } from "../miopen/patches/series.ts";
import { reportLine, tryPatches } from "../miopen/patches/stage.ts";
import { describeOrigin, type Origin } from "../miopen/source/origin.ts";
import { sourceStage } from "../miopen/source/stage.ts";
import { checkWritableFolder, writeWhole } from "../ports/files.ts";
import { withoutCredentials } from "../secret.ts";

type Source = Awaited<ReturnType<typeof sourceStage>>;

/** How the patches fare on one source. */
export interface DriftRow {
  source: string;
  /** MIOpen's version there; null when the source could not be had */
  version: string | null;
  /** The series that was tried because there is none for this version, which is newer than all; else null */
  instead: string | null;
  patches: readonly PatchReport[];
  /** Why nothing could be tried, or null */
  reason: string | null;
}

/** What `drift` found. */
export interface DriftResult {
  drift: readonly DriftRow[];
  /** File with every row, absolute */
  file: string;
}

/**
 * Tries the patches on each source and says which still apply. One source that cannot be had does not stop the others; when
 * none can, its error is thrown. Leaves `drift.json` in the output folder.
 */
export async function drift(context: Context): Promise<DriftResult> {
  const { inputs, log } = context;
  await checkWritableFolder(inputs.output, "output");
  const origins: readonly (Origin | null)[] = inputs.sources.length === 0 ? [null] : inputs.sources;
  const rows: DriftRow[] = [];
  const absent: RdnaError[] = [];
  for (const origin of origins) {
    const named = origin === null ? `ROCm ${inputs.rocmVersion}` : describeOrigin(origin);
    const source = await sourceStage(context, origin).catch(faultOf);
    if (source instanceof RdnaError) absent.push(source);
    rows.push(source instanceof RdnaError ? untried(named, null, source) : await tryOn(context, named, source));
  }
  if (absent[0] !== undefined && absent.length === rows.length) throw absent[0];
  const file = join(inputs.output, "drift.json");
  await writeWhole(file, `${JSON.stringify({ schema: 1, drift: rows }, null, 1)}\n`);
  for (const row of rows) {
    if (row.reason !== null) log.error(`${row.source}: ${row.reason}`);
    for (const patch of row.patches.filter(({ status }) => status === "rejected")) {
      log.error(`${row.source}: ${reportLine(patch)}`);
    }
  }
  return { drift: rows, file };
}

async function tryOn(context: Context, named: string, source: Source): Promise<DriftRow> {
  try {
    const { projectRoot, inputs, log } = context;
    const version = await versionToTry(projectRoot, source.version, inputs.patches);
    const series = await chooseSeries(projectRoot, version, inputs.patches);
    const instead = version === source.version ? null : version;
    if (instead !== null) log.warning(`${named}: ${noSeries(source.version, instead)}`);
    const folder = await mkdtemp(join(context.cacheRoot, "drift-"));
    try {
      const { reports } = await tryPatches(context, source, series, folder);
      return { source: named, version: source.version, instead, patches: reports, reason: null };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    return untried(named, source.version, faultOf(error));
  }
}

function untried(source: string, version: string | null, fault: RdnaError): DriftRow {
  return { source, version, instead: null, patches: [], reason: withoutCredentials(messageOf(fault)) };
}

/** An error that is a row's; our own bugs end the run. */
function faultOf(error: unknown): RdnaError {
  if (error instanceof RdnaError) return error;
  throw error;
}

/** Whether a row says nothing of the patches, because its source could not be had. */
export function isAbsent({ version }: DriftRow): boolean {
  return version === null;
}

/** Whether every patch that was tried applies. */
export function applies({ reason, patches }: DriftRow): boolean {
  return reason === null && patches.every(({ status }) => status !== "rejected");
}

/** Whether a row says that all is well: patches that apply to a version without a series wait for one. */
export function isSound(row: DriftRow): boolean {
  return applies(row) && row.instead === null;
}

function noSeries(version: string, instead: string): string {
  return `there is no series for MIOpen ${version}; the patches for ${instead} are tried`;
}

/** The rows as lines of words: source, version, patch, how it fared. */
export function driftTable(rows: readonly DriftRow[]): string[][] {
  return rows.flatMap(({ source, version, instead, patches, reason }) => {
    const row = (...texts: [patch: string, state: string]) => [source, version ?? "?", ...texts];
    if (reason !== null) return [row("-", reason.split("\n")[0] ?? "")];
    return [
      ...(instead === null ? [] : [row("-", noSeries(version ?? "?", instead))]),
      ...patches.map((patch) => row(patch.name, reportLine(patch).slice(patch.name.length + 2))),
    ];
  });
}
