import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../errors.ts";
import { commandText, type DriverCommand } from "../kernels/commands.ts";
import { keyOf } from "../kernels/database.ts";
import { describeCommand } from "../kernels/describe.ts";
import { isBesideFailure, whyFailed } from "../kernels/harvest.ts";
import { runJobs } from "../kernels/pool.ts";
import { Progress } from "../kernels/progress.ts";
import { isIn, type Shard } from "../kernels/shard.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import type { Target } from "../rdna1/targets.ts";
import { readLedger } from "./ledger.ts";
import { type Observation, observe, type ProofSetup, whyNoEvidence } from "./observe.ts";
import type { KernelUse, ProofRow } from "./proofs.ts";
import type { KernelNames } from "./verdict.ts";

export interface CompletenessInput {
  setup: ProofSetup;
  commands: readonly DriverCommand[];
  environment: Readonly<Record<string, string>>;
  /** The finished `<target>.kdb` */
  database: string;
  /** md5 of each of its kernels, by key (name and options) */
  hashes: ReadonlyMap<string, string>;
  jobs: number;
  /** Keys that were taken out of the set because they failed their proof: a command that asks for one is skipped */
  leftOut?: ReadonlySet<string>;
  /** Keys that do not compile: a run beside a line that asks for one is skipped */
  unbuilt?: ReadonlySet<string>;
  /** Only these commands are run, without the control */
  shard?: Shard;
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
  const how = { target: input.setup.target, database: input.database };
  return await withReadOnlySystem(system, how, () => proveAll(input, system, { exec, log }));
}

async function proveAll(
  input: CompletenessInput,
  system: string,
  { exec, log }: { exec: Exec; log: Log },
): Promise<ProofRow[]> {
  const ledger = join(input.folder, "rows.jsonl");
  const done = await readLedger<ProofRow>(ledger);
  const jobs = input.commands
    .map((command, index) => ({ command, index, group: "" }))
    .filter(({ index }) => isIn(input.shard, index) && !done.has(index));
  const progress = new Progress(`completeness ${input.setup.target}`, jobs.length, log);
  await runJobs(jobs, input.jobs, async ({ command, index }, worker) => {
    const row = await proveOne(input, command, join(input.folder, `run-${worker}`), system, exec);
    done.set(index, row);
    await writeFile(ledger, `${JSON.stringify([index, row])}\n`, { flag: "a" });
    progress.step();
  });
  const rows = [...done].sort((a, b) => a[0] - b[0]).map(([, row]) => row);
  if (input.shard === undefined) rows.push(await negativeControl(input, done, exec));
  return rows;
}

/**
 * Works with a folder of system databases as a package manager leaves it: one database, nothing writable. Afterwards it can be
 * removed again, however the work ended.
 */
export async function withReadOnlySystem<T>(
  system: string,
  how: { target: Target; database: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    await makeReadOnlySystem(system, how);
    return await work();
  } finally {
    await chmod(system, 0o755).catch(() => {});
  }
}

async function makeReadOnlySystem(
  system: string,
  { target, database }: { target: Target; database: string },
): Promise<void> {
  await mkdir(system, { recursive: true });
  await chmod(system, 0o755);
  const copy = join(system, `${target}.kdb`);
  await rm(copy, { force: true });
  await copyFile(database, copy);
  await chmod(copy, 0o444);
  await chmod(system, 0o555);
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

function run(
  input: CompletenessInput,
  command: DriverCommand,
  folder: string,
  systemDatabases: string,
  exec: Exec,
): Promise<Observation> {
  const { setup, environment } = input;
  const how = { folder, systemDatabases, execute: false, watchdogMs: WATCHDOG };
  return observe({ setup, command, environment, ...how }, exec);
}

async function proveOne(
  input: CompletenessInput,
  command: DriverCommand,
  folder: string,
  systemDatabases: string,
  exec: Exec,
): Promise<ProofRow> {
  const observed = await run(input, command, folder, systemDatabases, exec);
  const left = observed.log.misses.map(keyOf).find((key) => input.leftOut?.has(key) === true);
  const verdict = { kind: "completeness", family: command.family } as const;
  if (left !== undefined) {
    const reason = `asks for ${left}, which is left out of the set because it failed its proof`;
    return { ...rowOf(input, command, observed, { ...verdict, reason }), result: "skipped" };
  }
  const reason = whyIncomplete(observed, input.hashes);
  const error = whyNoEvidence(observed, { what: `MIOpenDriver ${command.args.join(" ")}`, folder });
  if (reason !== null && error !== null) throw error;
  const asked = observed.log.misses.map(keyOf).find((key) => input.unbuilt?.has(key) === true);
  const byItself = asked !== undefined || reason === whyFailed(observed.result, observed.log);
  if (reason !== null && byItself && isBesideFailure(command, observed.result)) {
    const why = `fails whatever the set holds: ${asked === undefined ? reason : `${asked} does not compile`}`;
    return { ...rowOf(input, command, observed, { ...verdict, reason: why }), result: "skipped" };
  }
  return rowOf(input, command, observed, { ...verdict, reason });
}

/**
 * The first command that asks for a kernel must fail without the kernel set, and by asking the compiler that refuses: it shows
 * that the check can fail at all. Where none asks for any (rocBLAS alone serves them) it is skipped. `done` are the rows by
 * their command's index.
 */
async function negativeControl(
  input: CompletenessInput,
  done: ReadonlyMap<number, ProofRow>,
  exec: Exec,
): Promise<ProofRow> {
  const [first] = input.commands;
  if (first === undefined) throw machineError("the kernel set has no commands", "name at least one");
  const command = input.commands.find((_, index) => (done.get(index)?.kernels.length ?? 0) > 0);
  if (command === undefined) return needless(input, first);
  const empty = join(input.folder, "empty");
  await mkdir(empty, { recursive: true });
  const observed = await run(input, command, join(input.folder, "run-control"), empty, exec);
  const refused = observed.events.some((event) => event.event === "compile" && event.result === "refused");
  const failed = whyFailed(observed.result, observed.log) !== null;
  const reason = refused && failed ? null : "it did not fail although there was no kernel set and no compiler";
  return rowOf(input, command, observed, { kind: "negative-control", family: "without the kernel set", reason });
}

/** The control of a set that nothing asks a kernel of. */
function needless(input: CompletenessInput, command: DriverCommand): ProofRow {
  const { operation, type, direction, layout } = describeCommand(command);
  return {
    ...{ kind: "negative-control", target: input.setup.target, command: command.args.join(" ") },
    ...{ operation, type, direction, family: "without the kernel set", layout, result: "skipped" },
    reason: "no command of the set asks for a kernel of it, so that none can fail without it",
    ...{ solver: null, kernels: [], error: null, seconds: 0 },
  };
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
    ...{ kind: verdict.kind, target: input.setup.target, command: commandText(command) },
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
export function hashesOf(kernels: readonly NamedKernel[]): Map<string, string> {
  return new Map(kernels.map((kernel) => [keyOf(kernel), kernel.hash]));
}

/** The same, with the name behind each md5. */
export function namesOf(kernels: readonly NamedKernel[]): KernelNames {
  return { hashes: hashesOf(kernels), names: new Map(kernels.map(({ hash, name }) => [hash, name])) };
}

interface NamedKernel {
  name: string;
  args: string;
  hash: string;
}
