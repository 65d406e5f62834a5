import { rm } from "node:fs/promises";
import { type DeviceEvent, parseEvents } from "../device/events.ts";
import { machineError, type RdnaError } from "../errors.ts";
import type { DriverCommand } from "../kernels/commands.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../miopen/driver.ts";
import { type DriverLog, readDriverLog } from "../miopen/log.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { diskFull, readTextIfThere, saysDiskIsFull } from "../ports/files.ts";
import { asOrdinaryUser } from "../ports/setpriv.ts";

/** What every run of a proof shares. */
export type ProofSetup = Omit<DriverSetup, "folder" | "compile" | "execute" | "systemDatabases" | "events">;

/** What one run said and did. */
export interface Observation {
  result: ExecResult;
  log: DriverLog;
  events: readonly DeviceEvent[];
}

export interface ObservedRun {
  setup: ProofSetup;
  command: Pick<DriverCommand, "args" | "env">;
  /** Variables below the command's own */
  environment: Readonly<Record<string, string>>;
  /** Variables above the command's own */
  enforced?: Readonly<Record<string, string>>;
  /** Home of the run; emptied first, so that nothing of an earlier run is remembered */
  folder: string;
  systemDatabases: string;
  execute: boolean;
  watchdogMs: number;
}

/** Runs a command as a user would: empty user databases, no privilege over files, and a compiler that refuses. */
export async function observe(run: ObservedRun, exec: Exec): Promise<Observation> {
  const { folder, systemDatabases, execute } = run;
  await rm(folder, { recursive: true, force: true });
  await makeDriverPlaces(folder);
  const setup: DriverSetup = { ...run.setup, folder, compile: "refuse", execute, systemDatabases, events: true };
  const environment = { ...run.environment, ...run.command.env, ...run.enforced };
  const command = asOrdinaryUser(driverCommand(setup, run.command.args, environment));
  const result = await exec.run(command, { timeoutMs: run.watchdogMs });
  const log = readDriverLog(`${result.stdout}\n${result.stderr}`);
  const events = parseEvents((await readTextIfThere(driverPlaces(folder).events)) ?? "");
  return { result, log, events };
}

/** What nobody but the machine or its user sends. A kernel that brings the device's process down does it by another signal. */
const FROM_OUTSIDE: ReadonlySet<NodeJS.Signals> = new Set([
  "SIGKILL",
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGXCPU",
]);

/**
 * The error for a run that says nothing of any kernel, or null: something else than the watchdog ended it, as the kernel does
 * when memory runs out, or the disk was full. What the device saw a kernel do counts all the same.
 */
export function whyNoEvidence(
  { result, events }: Pick<Observation, "result" | "events">,
  { what, folder }: { what: string; folder: string },
): RdnaError | null {
  if (events.some(({ event }) => event === "fault")) return null;
  if (saysDiskIsFull(`${result.stdout}\n${result.stderr}`)) return diskFull(folder);
  if (result.timedOut || result.signal === null || !FROM_OUTSIDE.has(result.signal)) return null;
  return machineError(
    `${what} was ended from outside by ${result.signal}, as happens when memory runs out`,
    "free some memory or give fewer jobs, and run the same command again; what is proven is kept",
  );
}
