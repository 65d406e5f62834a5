import { appendFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseEvents } from "../device/events.ts";
import { machineError } from "../errors.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../miopen/driver.ts";
import { type DriverLog, readDriverLog } from "../miopen/log.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { diskFull, exists, readTextIfThere, saysDiskIsFull, sha256 } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { endingWithUs } from "../ports/setpriv.ts";
import { ledgerLines } from "../verify/ledger.ts";
import { type Bunzip, KernelFault } from "./bunzip.ts";
import { commandText, type DriverCommand } from "./commands.ts";
import { checkRows, type Kernel, keyOf, type Merge, mergeKernels, readRows } from "./database.ts";
import { whyIdle } from "./idle.ts";
import { runJobs } from "./pool.ts";
import { Progress } from "./progress.ts";

export interface HarvestInput {
  /** The folder of the setup is not used: each worker has its own below {@link HarvestInput.folder} */
  setup: Omit<DriverSetup, "folder" | "compile" | "execute" | "systemDatabases" | "events">;
  commands: readonly DriverCommand[];
  /** Environment that makes one run ask for every kernel of its problem */
  environment: Readonly<Record<string, string>>;
  jobs: number;
  /** Kept between runs: an interrupted harvest goes on where it was */
  folder: string;
}

export interface HarvestPorts {
  exec: Exec;
  log: Log;
  bunzip: Bunzip;
}

/** A command that is done, as the ledger of its worker records it. */
interface LedgerLine {
  id: string;
  /** Keys that the command asked for */
  keys: string[];
  /** Keys that it could not compile, or had compiled before it failed */
  unbuilt?: Merge["refused"];
}

/** Milliseconds after which a command is ended: the slowest kernel takes 5 s to compile, times a loaded machine. */
const WATCHDOG = 180_000;

/**
 * Runs every command on the virtual device with compilation allowed and returns all kernels that came of it.
 * Judged by log and rows: a failed build, a missing row or a damaged database is an error, whatever the exit code.
 */
export async function harvest(input: HarvestInput, ports: HarvestPorts): Promise<Merge> {
  // What an interrupted run left is looked at first: MIOpen fails on a damaged database instead of leaving it alone.
  await soundKernels(input, ports);
  for (let attempt = 1; ; attempt++) {
    await runMissing(input, ports);
    const { sources, damaged } = await soundKernels(input, ports);
    if (damaged !== null) {
      // Their ledgers are gone too: a merge of the rest would look complete.
      if (attempt === 3) {
        throw machineError(
          `the kernels came out damaged three times: ${damaged.message}`,
          "check this machine's disk and memory, and run the same command again",
          damaged,
        );
      }
      continue;
    }
    const merge = mergeKernels(sources, input.setup.target);
    const missing = await keysWithoutKernel(input, merge);
    if (missing.length === 0) return { ...merge, refused: [...merge.refused, ...(await unbuilt(input, merge))] };
    if (attempt === 3) {
      throw machineError(
        `${missing.length} kernels were asked for, but no database holds them, e.g. ${missing[0]}`,
        "this is a fault of the harvest: report it with the command line",
      );
    }
    ports.log.warning(`${missing.length} kernels are missing, e.g. ${missing[0]}: their commands run again`);
    await rm(input.folder, { recursive: true, force: true });
  }
}

/** The kernels of all workers. A worker whose database is damaged is removed; its commands will run again. */
async function soundKernels(
  { folder }: HarvestInput,
  { log, bunzip }: HarvestPorts,
): Promise<{ sources: Kernel[][]; damaged: KernelFault | null }> {
  const sources: Kernel[][] = [];
  let damaged: KernelFault | null = null;
  for (const worker of await workerFolders(folder)) {
    try {
      for (const file of await databasesIn(worker)) sources.push(await checkRows(file, readRows(file), bunzip));
    } catch (error) {
      if (!(error instanceof KernelFault)) throw error;
      log.warning(`${error.message}: this worker's commands run again`);
      await rm(worker, { recursive: true, force: true });
      damaged = error;
    }
  }
  return { sources, damaged };
}

async function runMissing(input: HarvestInput, { exec, log }: HarvestPorts): Promise<void> {
  const done = new Set<string>();
  for (const worker of await workerFolders(input.folder)) {
    for (const line of await readLedger(worker)) done.add(line.id);
  }
  const jobs = input.commands
    .map((command) => ({ command, id: commandId(command), group: command.args[0] ?? "" }))
    .filter(({ id }) => !done.has(id));
  if (done.size > 0)
    log.info(`${input.commands.length - jobs.length} of ${input.commands.length} commands are done already`);
  const empty = join(input.folder, "no-system-databases");
  await mkdir(empty, { recursive: true });
  const progress = new Progress("harvest", jobs.length, log);
  // By line of the user's file: who has a log of a training wants to know of all that fail, not of the first
  const failed = new Map<number, string>();
  await runJobs(jobs, input.jobs, async ({ command, id }, index) => {
    const folder = join(input.folder, `worker-${index}`);
    await makeDriverPlaces(folder);
    const setup: DriverSetup = {
      ...input.setup,
      folder,
      compile: "allow",
      execute: false,
      systemDatabases: empty,
      events: command.line !== undefined,
    };
    const { events } = driverPlaces(folder);
    await rm(events, { force: true });
    const databases = command.env === undefined ? {} : await emptyDatabases(folder);
    const run = driverCommand(setup, command.args, { ...input.environment, ...databases, ...command.env });
    const result = await exec.run(endingWithUs(run), { timeoutMs: WATCHDOG });
    const driverLog = readDriverLog(`${result.stdout}\n${result.stderr}`);
    const seen = { result, log: driverLog, events: parseEvents((await readTextIfThere(events)) ?? "") };
    const idle = command.line === undefined ? null : whyIdle(seen);
    const reason = whyFailed(result, driverLog) ?? idle;
    if (reason !== null && saysDiskIsFull(reason)) throw diskFull(folder);
    const line: LedgerLine = { id, keys: driverLog.requests.map(keyOf) };
    if (reason !== null && isBesideFailure(command, result)) {
      log.warning(`${command.family}: ${commandText(command)} fails whatever a kernel set holds: ${reason}`);
      line.unbuilt = driverLog.misses.map((request) => ({ key: keyOf(request), reason }));
      const asked = new Set(line.unbuilt.map(({ key }) => key));
      line.keys = line.keys.filter((key) => !asked.has(key));
    } else if (reason !== null) {
      if (command.line === undefined) throw machineError(`${commandText(command)}: ${reason}`, "report this");
      const what = `${command.family}:${command.line}: ${commandText(command)}: ${reason}`;
      log.warning(what);
      if (!failed.has(command.line)) failed.set(command.line, what);
      return progress.step();
    }
    await appendFile(join(folder, "ledger.jsonl"), `${JSON.stringify(line)}\n`);
    progress.step();
  });
  if (failed.size === 0) return;
  const lines = [...failed].sort((a, b) => a[0] - b[0]).map(([, what]) => what);
  throw machineError(
    `${lines.length} lines failed:\n${lines.slice(0, 20).join("\n")}${lines.length > 20 ? "\n…" : ""}`,
    "correct or remove these lines; what the others compiled is kept. Report those that MIOpen should be able to run",
  );
}

/**
 * No find-db for a command with variables of its own: what an earlier command found in another mode would decide which
 * solver it takes, and so which kernels it asks for.
 */
async function emptyDatabases(worker: string): Promise<Record<string, string>> {
  const folder = join(worker, "empty-databases");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return { MIOPEN_USER_DB_PATH: folder };
}

/** Why a run counts as failed, or null. */
export function whyFailed(result: ExecResult, log: DriverLog): string | null {
  if (result.timedOut) return `did not end within ${Math.round(result.seconds)} s`;
  if (result.signal !== null) return `ended by ${result.signal}${log.errors[0] ? ` (${log.errors[0]})` : ""}`;
  if (log.errors[0] !== undefined) return log.errors[0];
  if (result.code !== 0) {
    const last = `${result.stdout}\n${result.stderr}`.trim().split("\n").at(-1) ?? "";
    return `exit code ${result.code} (${last.slice(0, 300)})`;
  }
  return null;
}

/**
 * Whether a run beside a line (modes.ts) failed by itself, although the line may be sound: in the find mode of `activate`
 * MIOpen takes one solver and no other where rocBLAS has no kernel for it (docs/targets.md), or where its kernel does not
 * build. No kernel set can change that.
 */
export function isBesideFailure({ beside }: DriverCommand, { timedOut, signal }: ExecResult): boolean {
  return beside === true && !timedOut && signal === null;
}

/** What makes two commands the same work. */
export function commandId(command: DriverCommand): string {
  return sha256(JSON.stringify([command.args, command.env ?? {}])).slice(0, 16);
}

async function workerFolders(folder: string): Promise<string[]> {
  if (!(await exists(folder))) return [];
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith("worker-")).map((name) => join(folder, name));
}

async function databasesIn(worker: string): Promise<string[]> {
  const { userCache } = driverPlaces(worker);
  if (!(await exists(userCache))) return [];
  const names = await readdir(userCache, { recursive: true });
  return names.filter((name) => name.endsWith(".ukdb")).map((name) => join(userCache, name));
}

/** The ledger's whole lines; a line that a kill cut short does not count. */
async function readLedger(worker: string): Promise<LedgerLine[]> {
  return (await ledgerLines(join(worker, "ledger.jsonl"))).flatMap((line) => {
    try {
      return [JSON.parse(line) as LedgerLine];
    } catch {
      return [];
    }
  });
}

async function keysWithoutKernel(input: HarvestInput, merge: Merge): Promise<string[]> {
  const known = new Set([...merge.kernels.map(keyOf), ...merge.refused.map(({ key }) => key)]);
  const wanted = new Set<string>();
  for (const worker of await workerFolders(input.folder)) {
    for (const line of await readLedger(worker)) for (const key of line.keys) wanted.add(key);
  }
  return [...wanted].filter((key) => !known.has(key));
}

/** Keys that runs beside lines could not compile. */
async function unbuilt({ folder }: HarvestInput, merge: Merge): Promise<Merge["refused"]> {
  const known = new Set(merge.kernels.map(keyOf));
  const lines = await Promise.all((await workerFolders(folder)).map(readLedger));
  return lines.flat().flatMap((line) => (line.unbuilt ?? []).filter(({ key }) => !known.has(key)));
}
