import { relative } from "node:path";
import { messageOf, type Place, placesOf, RdnaError } from "../errors.ts";
import type { RunRecord } from "../record.ts";
import { block, code, page, plain, table } from "./markdown.ts";
import { cachesSection, stagesSection } from "./sections.ts";

/** Lines of an error, and rows of its places, that a summary shows. */
const MOST_LINES = 60;
const MOST_PLACES = 50;

export interface FailureOptions {
  /** Takes secrets out of texts, before Markdown changes their characters */
  redact: (text: string) => string;
  /** Folder that places are told from */
  workspace: string;
}

/** The job summary of a run that failed: the stage, the error, its remedy, where the log is, and what is done already. */
export function failureMarkdown(error: unknown, record: RunRecord, { redact, workspace }: FailureOptions): string {
  const places = placesOf(error).map(({ file, line, message }) => {
    return {
      file: file.startsWith(`${workspace}/`) ? relative(workspace, file) : file,
      line,
      message: redact(message),
    };
  });
  const ours = error instanceof RdnaError && error.kind !== "internal" ? error : null;
  const [first = "", ...rest] = redact(ours?.message ?? `internal error: ${messageOf(error)}`).split("\n");
  const remedy = redact(ours?.remedy ?? "please report it with the log of this step; it is a fault of this program");
  const stage = record.stageOf(error);
  return page([
    `## ${titleOf(record, "failed", stage)}`,
    `**${plain(first.replace(/:$/, ""))}**`,
    rest.join("").trim() === "" ? "" : block(cut(rest.join("\n"))),
    `**What to do:** ${plain(upperFirst(remedy))}`,
    logSection(record.logOf(stage)),
    placesSection(places),
    stagesSection(record, null),
    record.stages.length === 0 ? "" : KEPT,
    cachesSection(record),
  ]);
}

const KEPT =
  "What these stages made is kept in this machine's cache, and beyond it where the caches below say so: the next run goes on from there.";

/** The job summary of a run that was ended from outside: cancelled, or out of time. */
export function interruptedMarkdown(signal: string, record: RunRecord): string {
  return page([
    `## ${titleOf(record, `was ended by ${signal}`, record.running)}`,
    "**What to do:** Start it again. When the job ran out of time, raise its `timeout-minutes`.",
    stagesSection(record, null),
    record.stages.length === 0 ? "" : KEPT,
    cachesSection(record),
  ]);
}

function titleOf({ command }: RunRecord, how: string, stage: string | null): string {
  const what = command === null ? "RDNA1 MIOpen" : `RDNA1 MIOpen: ${command}`;
  return stage === null || stage === command ? `${what} ${how}` : `${what} ${how} in stage ${plain(stage)}`;
}

function logSection(file: string | null): string {
  if (file === null) return "";
  return [
    `**The whole log** of the stage is ${code(file).markdown}. To keep it, add a step after this one:`,
    block(
      `- uses: actions/upload-artifact@v4\n  if: failure()\n  with:\n    name: rdna1-miopen-log\n    path: ${file}`,
    ).replace("text\n", "yaml\n"),
  ].join("\n\n");
}

function placesSection(places: readonly Place[]): string {
  if (places.length === 0) return "";
  const rows = places.slice(0, MOST_PLACES).map(({ file, line, message }) => [code(`${file}:${line}`), message]);
  const more = places.length > MOST_PLACES ? `\nand ${places.length - MOST_PLACES} more, in the log\n` : "";
  return `### Places\n\n${table(["where", "what"], rows)}${more}`;
}

function cut(text: string): string {
  const lines = text.split("\n").map((line) => (line.length > 400 ? `${line.slice(0, 400)}…` : line));
  const rest = lines.length - MOST_LINES;
  return rest <= 0 ? lines.join("\n") : [...lines.slice(0, MOST_LINES), `… and ${rest} more lines`].join("\n");
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
