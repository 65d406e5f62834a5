import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DeviceEvent, parseEvents } from "../device/events.ts";
import { machineError } from "../errors.ts";
import type { DriverCommand } from "../kernels/commands.ts";
import { describeCommand } from "../kernels/describe.ts";
import { whyFailed } from "../kernels/harvest.ts";
import { runJobs } from "../kernels/pool.ts";
import { Progress } from "../kernels/progress.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../miopen/driver.ts";
import { type DriverLog, readDriverLog } from "../miopen/log.ts";
import type { Exec } from "../ports/exec.ts";
import { readTextIfThere } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { asOrdinaryUser } from "../ports/ordinary-user.ts";
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

async function proveOne(
  input: CompletenessInput,
  command: DriverCommand,
  folder: string,
  systemDatabases: string,
  exec: Exec,
): Promise<ProofRow> {
  await rm(folder, { recursive: true, force: true });
  await makeDriverPlaces(folder);
  const setup: DriverSetup = { ...input.setup, folder, compile: "refuse", systemDatabases, events: true };
  const run = asOrdinaryUser(driverCommand(setup, command.args, { ...input.environment, ...command.env }));
  const result = await exec.run(run, { timeoutMs: WATCHDOG });
  const driverLog = readDriverLog(`${result.stdout}\n${result.stderr}`);
  const events = parseEvents((await readTextIfThere(driverPlaces(folder).events)) ?? "");
  const judged = judge(driverLog, events, input.hashes);
  const reason = judged.reason ?? whyFailed(result, driverLog);
  const { operation, type, direction, layout } = describeCommand(command);
  return {
    kind: "completeness",
    target: input.setup.target,
    command: command.args.join(" "),
    operation,
    type,
    direction,
    family: command.family,
    layout,
    result: reason === null ? "passed" : "failed",
    reason,
    solver: driverLog.solvers.join(", ") || null,
    kernels: judged.kernels,
    error: null,
    seconds: Math.round(result.seconds * 1000) / 1000,
  };
}

/** A row passes only if kernels were asked for, all came from the set, all that ran was loaded from it or from rocBLAS, and nothing was compiled. */
function judge(
  log: DriverLog,
  events: readonly DeviceEvent[],
  hashes: ReadonlyMap<string, string>,
): { reason: string | null; kernels: KernelUse[] } {
  const kernels = log.requests.flatMap(({ name, args }) => {
    const hash = hashes.get(`${name}${args}`);
    return hash === undefined ? [] : [{ name, hash }];
  });
  const missing = log.misses[0] ?? log.requests.find(({ name, args }) => !hashes.has(`${name}${args}`));
  const compiled = events.filter((event) => event.event === "compile").length;
  const launches = events.filter((event) => event.event === "launch").length;
  const reason =
    missing !== undefined
      ? `the set lacks ${missing.name}${missing.args}`
      : compiled > 0
        ? `${compiled} compilations were asked for`
        : launches === 0
          ? "no kernel was launched"
          : null;
  return { reason, kernels };
}

/** The first command without the kernel set must fail: it shows that the check can fail at all. */
async function negativeControl(input: CompletenessInput, exec: Exec): Promise<ProofRow> {
  const command = input.commands[0];
  if (command === undefined) throw machineError("the kernel set has no commands", "name at least one");
  const empty = join(input.folder, "empty");
  await mkdir(empty, { recursive: true });
  const row = await proveOne(input, command, join(input.folder, "run-control"), empty, exec);
  const failed = row.result === "failed";
  return {
    ...row,
    kind: "negative-control",
    family: "without the kernel set",
    result: failed ? "passed" : "failed",
    reason: failed ? null : "it ran although no kernel set was there and compilation was refused",
  };
}

/** Keys and md5s of a finished set, from the kernels' own list. */
export function hashesOf(kernels: readonly { name: string; args: string; hash: string }[]): Map<string, string> {
  return new Map(kernels.map(({ name, args, hash }) => [`${name}${args}`, hash]));
}

/** The rows that a finished stage recorded. */
export async function readProofRows(file: string): Promise<ProofRow[]> {
  return JSON.parse(await readFile(file, "utf8")) as ProofRow[];
}
