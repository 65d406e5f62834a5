import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Context } from "../../context.ts";
import { type Place, userError } from "../../errors.ts";
import { emptyFolder, unpackSource } from "../source/pack.ts";
import type { MiopenSource } from "../source/stage.ts";
import { applySeries, type PatchReport } from "./apply.ts";
import type { Series } from "./series.ts";

/** What a series makes of a source. */
export interface PatchedFiles {
  /** Folder with every file that the series touches, as it is afterwards */
  tree: string;
  /** Files that are gone afterwards */
  removed: readonly string[];
  reports: readonly PatchReport[];
}

/** Raise when application changes. */
const PATCHES_SCHEMA = "1";

/**
 * Applies a series to a fresh copy of the files that it touches. Refused as a whole, with every reject as an annotation,
 * when one patch does not apply: then nothing of it is left.
 */
export async function patchStage(context: Context, source: MiopenSource, series: Series): Promise<PatchedFiles> {
  const outcome = await context.stages.run({
    name: "miopen-patches",
    parts: { source: source.digest, series: series.digest, schema: PATCHES_SCHEMA },
    run: async (folder) => {
      try {
        const { reports, removed } = await tryPatches(context, source, series, folder);
        for (const line of reports.map(reportLine)) context.log.info(line);
        refuseRejects(context, source, series, reports);
        await writeFile(join(folder, "report.json"), JSON.stringify({ reports, removed }));
        return {};
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    },
  });
  context.timings.patches = outcome.seconds;
  const report = await readFile(join(outcome.folder, "report.json"), "utf8");
  const { reports, removed } = JSON.parse(report) as Pick<PatchedFiles, "reports" | "removed">;
  const count = (status: PatchReport["status"]) => reports.filter((one) => one.status === status).length;
  const already = count("already applied") === 0 ? "" : `, ${count("already applied")} are in the source already`;
  context.log.info(`patches: ${count("applied")} of ${reports.length} applied${already}`);
  return { tree: join(outcome.folder, "tree"), reports, removed };
}

/** Applies a series below `folder`, whatever comes of it. */
export async function tryPatches(
  { exec }: Pick<Context, "exec">,
  source: MiopenSource,
  series: Series,
  folder: string,
): Promise<{ reports: PatchReport[]; removed: string[] }> {
  const tree = await emptyFolder(folder, "tree");
  const touched = new Set(series.patches.flatMap((patch) => patch.touched));
  const there = [...touched].filter((name) => source.files.has(name));
  if (there.length > 0) await unpackSource(source.packed, tree, exec, there);
  const reports = await applySeries(series.patches, tree, exec);
  const after = new Set(await filesBelow(tree));
  return { reports, removed: there.filter((name) => !after.has(name)).sort() };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((e) => relative(folder, join(e.parentPath, e.name)));
}

/** Places of a rejected patch that one line names; the annotations have all. */
const PLACES = 3;

/** `0001-x.patch: applied (offset 3, fuzz 1)` */
export function reportLine({ name, status, offset, fuzz, rejects }: PatchReport): string {
  const how = [offset === 0 ? "" : `offset ${offset}`, fuzz === 0 ? "" : `fuzz ${fuzz}`].filter((word) => word !== "");
  const places = rejects
    .slice(0, PLACES)
    .map(({ file, line, reason }) => `${line === 0 ? file : `${file}:${line}`}: ${reason}`);
  if (rejects.length > PLACES) places.push(`and ${rejects.length - PLACES} more`);
  const more = [
    ...(how.length === 0 ? [] : [` (${how.join(", ")})`]),
    ...(places[0] ? [`: ${places.join("; ")}`] : []),
  ];
  return `${name}: ${status}${more.join("")}`;
}

function refuseRejects({ log }: Context, source: MiopenSource, series: Series, reports: readonly PatchReport[]): void {
  const rejected = reports.filter(({ status }) => status === "rejected");
  const places: Place[] = [];
  for (const { name, rejects } of rejected) {
    const path = series.patches.find((patch) => patch.name === name)?.path ?? name;
    for (const { file, line, patchLine, reason } of rejects) {
      const message = `${name} does not apply at ${line === 0 ? file : `${file}:${line}`}: ${reason}`;
      log.error(message, { file: path, line: patchLine, title: name });
      places.push({ file: path, line: patchLine, message });
    }
  }
  if (rejected.length === 0) return;
  throw userError(
    `${rejected.length} of ${reports.length} patches do not apply to MIOpen ${source.version}:\n${rejected.map(reportLine).join("\n")}`,
    "use the source that the series is made for, or a series of your own with patches; nothing was changed",
    places,
  );
}
