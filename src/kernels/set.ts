import { readFile } from "node:fs/promises";
import { codeOf, userError } from "../errors.ts";
import { sha256 } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { type DriverCommand, harvestArguments, parseCommands } from "./commands.ts";
import type { WantedIm2col } from "./derive.ts";
import type { Dialect } from "./dialect.ts";
import { harvestEnvironment, planConv, wantedIm2col } from "./families.ts";

import { planFull } from "./full.ts";
import { commandId } from "./harvest.ts";
import { asApplications } from "./modes.ts";
import { planProbes } from "./probes.ts";
import { trainingProbes } from "./training.ts";

/** What a kernel set is made from. */
export interface KernelSet {
  /** `conv`, `full`, or the file's path */
  name: string;
  commands: readonly DriverCommand[];
  environment: Readonly<Record<string, string>>;
  /** Problems that are not harvested, only run against the finished set */
  probes: readonly DriverCommand[];
  /** Rows that are computed from harvested ones instead of compiled (docs/kernel-set.md) */
  derived: readonly WantedIm2col[];
  /** Keys that the set is planned with */
  dialect: Dialect;
  /** Changes with every command and with the environment */
  digest: string;
}

/** Random convolutions in each completeness proof; the same ones every time. */
const PROBES = 200;

/** Bytes; a longer command file is a mistake. */
const LARGEST_FILE = 64 << 20;

/** Whether a set is planned here, by the model of keys.ts, and not read from a file. */
export function isPlanned(name: string): boolean {
  return name === "conv" || name === "full";
}

/**
 * The lines of the file that was asked for, null for a set of ours. Throws before anything is built for it. The file is read
 * here only: it may be a pipe.
 */
export async function readKernelSet(name: string, log?: Warnings): Promise<readonly DriverCommand[] | null> {
  return isPlanned(name) ? null : await readCommandFile(name, "kernel-set", log);
}

/** Plans the set that was asked for, or makes it of the file's `lines` ({@link readKernelSet}). */
export async function loadKernelSet(
  name: string,
  dialect: Dialect,
  lines?: readonly DriverCommand[] | null,
): Promise<KernelSet> {
  const planned =
    name === "conv"
      ? planConv(dialect)
      : name === "full"
        ? planFull(dialect)
        : (lines ?? (await readCommandFile(name)));
  const own = withHarvestArguments(planned);
  const commands = isPlanned(name) ? own : [...own, ...withHarvestArguments(asApplications(own, dialect))];
  const derived = isPlanned(name) ? wantedIm2col(dialect) : [];
  const unharvested = [
    ...(isPlanned(name) ? planProbes(PROBES, 1, dialect) : []),
    // Of a stock library's full set not all of these are in it, for some shapes are one kernel each
    ...(name === "full" && dialect.patched ? trainingProbes(dialect) : []),
  ];
  const probes = withHarvestArguments(unharvested);
  const content = [commands.map(commandId), Object.entries(harvestEnvironment).sort(), derived, probes.map(commandId)];
  return {
    name,
    commands,
    environment: harvestEnvironment,
    probes,
    derived,
    dialect,
    digest: sha256(JSON.stringify(content)),
  };
}

function withHarvestArguments(commands: readonly DriverCommand[]): DriverCommand[] {
  return commands.map((command) => ({ ...command, args: harvestArguments(command.args) }));
}

type Warnings = Pick<Log, "warning">;

/**
 * Reads a file of MIOpenDriver lines; every line that is not understood is named. Lines that MIOpen logged and MIOpenDriver
 * would not take are left out with a warning: nobody has written them. `option` is whose value the file is.
 */
export async function readCommandFile(file: string, option = "kernel-set", log?: Warnings): Promise<DriverCommand[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const what = codeOf(error) === "ENOENT" ? "does not exist" : `cannot be read (${codeOf(error) ?? String(error)})`;
    throw userError(
      `${option}: the file ${file} ${what}`,
      option === "kernel-set"
        ? "allowed are conv, full, or a file of MIOpenDriver lines"
        : "give a file of MIOpenDriver lines",
      error,
    );
  }
  if (bytes.length > LARGEST_FILE) {
    throw userError(`${option}: ${file} has ${bytes.length} bytes`, `a command file has at most ${LARGEST_FILE}`);
  }
  const parsed = parseCommands(bytes.toString("utf8"), file);
  const { commands } = parsed;
  const problems = parsed.problems.filter(({ logged }) => logged !== true);
  if (problems.length > 0) {
    const lines = problems.slice(0, 20).map((p) => `${file}:${p.line}: ${p.reason}: ${p.text.slice(0, 120)}`);
    const more = problems.length > 20 ? [`and ${problems.length - 20} more`] : [];
    throw userError(
      `${option}: ${problems.length} lines of ${file} are not understood\n${[...lines, ...more].join("\n")}`,
      "correct or remove these lines; `#` begins a comment",
    );
  }
  const logged = new Map(parsed.problems.flatMap((one) => (one.logged === true ? [[one.text, one] as const] : [])));
  for (const { line, text, reason } of [...logged.values()].slice(0, 20)) {
    log?.warning(
      `${option}: ${file}:${line} is left out, MIOpenDriver cannot run it: ${reason}: ${text.slice(0, 200)}`,
    );
  }
  if (logged.size > 20) log?.warning(`${option}: and ${logged.size - 20} more lines of ${file}`);
  if (commands.length === 0) {
    throw userError(`${option}: ${file} has no command`, "put in one MIOpenDriver line for each problem");
  }
  return commands;
}
