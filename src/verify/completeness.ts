import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DeviceEvent, parseEvents } from "../device/events.ts";
import { machineError } from "../errors.ts";
import type { DriverCommand } from "../kernels/commands.ts";
import { keyOf } from "../kernels/database.ts";
import { describeCommand } from "../kernels/describe.ts";
import { whyFailed } from "../kernels/harvest.ts";
import { runJobs } from "../kernels/pool.ts";
import { Progress } from "../kernels/progress.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../miopen/driver.ts";
import { type DriverLog, readDriverLog } from "../miopen/log.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { readTextIfThere } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { asOrdinaryUser } from "../ports/setpriv.ts";
import type { KernelUse, ProofRow } from "./proofs.ts";

export interface CompletenessInput {
  setup: Omit<DriverSetup, "folder" | "compile" | "systemDatabases" | "events">;
  commands: readonly DriverCommand[];
  environment: Readonly<Record<string, string>>;
  /** The finished `<target>.kdb` */
  database: string;
  /** md5 of each of its kernels, by key (name and options) */
  hashes: ReadonlyMap<string, string>;
  jobs: number;
  /** Scratch; what an interrupted run finished there is kept */
  folder: string;
}

/** Milliseconds: nothing is compiled, so a run takes a fraction of a second on an idle machine. */
const WATCHDOG = 60_000;

/**
 * Runs every command again as a user would: empty user database, kernel set in a read-only folder, no privilege over
 * files, and a compiler that refuses every call. One row a command, and one negative control without the set.
 */
export async function proveCompleteness(
  input: CompletenessInput,
  { exec, log }: { exec: Exec; log: Log },
): Promise<ProofRow[]> {
  const system = join(input.folder, "system");
  await makeReadOnlySystem(system, input);
  const ledger = join(input.folder, "rows.jsonl");
  const done = await readRowsDone(ledger);
  const jobs = input.commands
    .map((command, index) => ({ command, index, group: "" }))
    .filter((j) => !done.has(j.index));
  const progress = new Progress(`completeness ${input.setup.target}`, jobs.length, log);
  await runJobs(jobs, input.jobs, async ({ command, index }, worker) => {
    const row = await proveOne(input, command, join(input.folder, `run-${worker}`), system, exec);
    done.set(index, row);
    await writeFile(ledger, `${JSON.stringify([index, row])}\n`, { flag: "a" });
    progress.step();
  });
  const rows = [...done].sort((a, b) => a[0] - b[0]).map(([, row]) => row);
  rows.push(await negativeControl(input, exec));
  await chmod(system, 0o755);
  return rows;
}

async function makeReadOnlySystem(system: string, input: CompletenessInput): Promise<void> {
  await mkdir(system, { recursive: true });
  await chmod(system, 0o755);
  const copy = join(system, `${input.setup.target}.kdb`);
  await rm(copy, { force: true });
  await copyFile(input.database, copy);
  await chmod(copy, 0o444);
  await chmod(system, 0o555);
}

async function readRowsDone(ledger: string): Promise<Map<number, ProofRow>> {
  const rows = new Map<number, ProofRow>();
  for (const line of ((await readTextIfThere(ledger)) ?? "").split("\n")) {
    try {
      const [index, row] = JSON.parse(line) as [number, ProofRow];
      rows.set(index, row);
    } catch {
      // the last line of a killed run, or the empty one at the end
    }
  }
  return rows;
}

/** What one run said and did. */
interface Observation {
  result: ExecResult;
  log: DriverLog;
  events: readonly DeviceEvent[];
}

/** Runs a command in a folder of its own, without privilege over files and without a compiler. */
async function observe(
  input: CompletenessInput,
  command: DriverCommand,
  folder: string,
  systemDatabases: string,
  exec: Exec,
): Promise<Observation> {
  await rm(folder, { recursive: true, force: true });
  await makeDriverPlaces(folder);
  const setup: DriverSetup = { ...input.setup, folder, compile: "refuse", systemDatabases, events: true };
  const run = asOrdinaryUser(driverCommand(setup, command.args, { ...input.environment, ...command.env }));
  const result = await exec.run(run, { timeoutMs: WATCHDOG });
  const log = readDriverLog(`${result.stdout}\n${result.stderr}`);
  const events = parseEvents((await readTextIfThere(driverPlaces(folder).events)) ?? "");
  return { result, log, events };
}

/**
 * Why a run does not prove that the set is complete, or null: kernels were asked for, all came from the set, nothing
 * was compiled, and what was launched is in the set by its md5 or comes from rocBLAS.
 */
export function whyIncomplete(
  { result, log, events }: Observation,
  hashes: ReadonlyMap<string, string>,
): string | null {
  const missing = log.misses[0] ?? log.requests.find((request) => !hashes.has(keyOf(request)));
  if (missing !== undefined) return `the set lacks ${keyOf(missing)}`;
  const compiled = events.filter((event) => event.event === "compile").length;
  if (compiled > 0) return `${compiled} compilations were asked for`;
  const failed = whyFailed(result, log);
  if (failed !== null) return failed;
  const launches = events.filter((event) => event.event === "launch");
  if (launches.length === 0) return "no kernel was launched";
  const known = new Set(hashes.values());
  // rocBLAS names its kernels Cijk_… (Tensile) or mangled; MIOpen's come from its kernel database.
  const foreign = launches.find(({ module, kernel }) => !known.has(module) && !/^(Cijk_|_Z)/.test(kernel));
  return foreign === undefined ? null : `${foreign.kernel} was launched from an object that is not in the set`;
}

async function proveOne(
  input: CompletenessInput,
  command: DriverCommand,
  folder: string,
  systemDatabases: string,
  exec: Exec,
): Promise<ProofRow> {
  const observed = await observe(input, command, folder, systemDatabases, exec);
  const reason = whyIncomplete(observed, input.hashes);
  return rowOf(input, command, observed, { kind: "completeness", family: command.family, reason });
}

/**
 * The first command without the kernel set must fail, and by asking the compiler that refuses: it shows that the check
 * can fail at all.
 */
async function negativeControl(input: CompletenessInput, exec: Exec): Promise<ProofRow> {
  const command = input.commands[0];
  if (command === undefined) throw machineError("the kernel set has no commands", "name at least one");
  const empty = join(input.folder, "empty");
  await mkdir(empty, { recursive: true });
  const observed = await observe(input, command, join(input.folder, "run-control"), empty, exec);
  const refused = observed.events.some((event) => event.event === "compile" && event.result === "refused");
  const failed = whyFailed(observed.result, observed.log) !== null;
  const reason = refused && failed ? null : "it did not fail although there was no kernel set and no compiler";
  return rowOf(input, command, observed, { kind: "negative-control", family: "without the kernel set", reason });
}

function rowOf(
  input: CompletenessInput,
  command: DriverCommand,
  { result, log }: Observation,
  verdict: { kind: ProofRow["kind"]; family: string; reason: string | null },
): ProofRow {
  const { operation, type, direction, layout } = describeCommand(command);
  const kernels = log.requests.flatMap((request): KernelUse[] => {
    const hash = input.hashes.get(keyOf(request));
    return hash === undefined ? [] : [{ name: request.name, hash }];
  });
  return {
    ...{ kind: verdict.kind, target: input.setup.target, command: command.args.join(" ") },
    ...{ operation, type, direction, family: verdict.family, layout },
    result: verdict.reason === null ? "passed" : "failed",
    reason: verdict.reason,
    ...(log.unserved.length === 0
      ? {}
      : {
          note: `rocBLAS has no ${log.unserved.length === 1 ? "kernel" : "kernels"} for one of its GEMMs on ${input.setup.target}; another solver was taken`,
        }),
    solver: log.solvers.join(", ") || null,
    kernels,
    error: null,
    seconds: Math.round(result.seconds * 1000) / 1000,
  };
}

/** Keys and md5s of a finished set, from the kernels' own list. */
export function hashesOf(kernels: readonly { name: string; args: string; hash: string }[]): Map<string, string> {
  return new Map(kernels.map((kernel) => [keyOf(kernel), kernel.hash]));
}
