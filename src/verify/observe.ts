import { rm } from "node:fs/promises";
import { type DeviceEvent, parseEvents } from "../device/events.ts";
import type { DriverCommand } from "../kernels/commands.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../miopen/driver.ts";
import { type DriverLog, readDriverLog } from "../miopen/log.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { readTextIfThere } from "../ports/files.ts";
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
