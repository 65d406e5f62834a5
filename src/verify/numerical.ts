import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { keyOf } from "../kernels/database.ts";
import { describeCommand } from "../kernels/describe.ts";
import { whyIdle } from "../kernels/idle.ts";
import { databaseKey } from "../kernels/keys.ts";
import { runJobs } from "../kernels/pool.ts";
import { Progress } from "../kernels/progress.ts";
import { isIn, type Shard } from "../kernels/shard.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import type { Target } from "../rdna1/targets.ts";
import { readLedger } from "./ledger.ts";
import { type Observation, observe, type ProofSetup, whyNoEvidence } from "./observe.ts";
import type { Unprovable } from "./plan.ts";
import type { ProofRow } from "./proofs.ts";
import type { TableRow } from "./table.ts";
import { judge, type KernelNames, type Verdict } from "./verdict.ts";

export interface NumericalInput {
  setup: ProofSetup;
  rows: readonly TableRow[];
  kernels: KernelNames;
  /** Folder with the finished `<target>.kdb`, read-only */
  system: string;
  jobs: number;
  /** Only these rows are run */
  shard?: Shard;
  /** The device is a card: a run that does not end hangs, and none is too large */
  isCard?: true;
  /** Scratch; what an interrupted run finished there is kept */
  folder: string;
}

/** Milliseconds. A row takes a fraction of a second; the largest kernels of rocBLAS some seconds on a busy machine. */
const WATCHDOG = 120_000;
/** Milliseconds for one run of a user's line. */
export const USERS_WATCHDOG = 1_800_000;

/** Never the command's to choose: the reference is the host's, and no dangerous or size-specific solver comes in. */
export const ENFORCED: Readonly<Record<string, string>> = Object.freeze({
  MIOPEN_DRIVER_USE_GPU_REFERENCE: "0",
  MIOPEN_DEBUG_CONV_WINOGRAD: "0",
  MIOPEN_DEBUG_CONV_FFT: "0",
});

/** Runs each row of a table on the executing device with MIOpenDriver's CPU reference. Rows come in the table's order. */
export async function proveNumerically(
  input: NumericalInput,
  { exec, log }: { exec: Exec; log: Log },
): Promise<ProofRow[]> {
  await mkdir(input.folder, { recursive: true });
  const ledger = join(input.folder, "rows.jsonl");
  const done = await readLedger<ProofRow>(ledger);
  const jobs = input.rows
    .map((row, index) => ({ row, index, group: "" }))
    .filter(({ index }) => isIn(input.shard, index) && !done.has(index));
  const progress = new Progress(`numerical ${input.setup.target}`, jobs.length, log);
  await runJobs(jobs, input.jobs, async ({ row, index }, worker) => {
    const proof = await proveOne(input, row, join(input.folder, `run-${worker}`), exec);
    done.set(index, proof);
    await appendFile(ledger, `${JSON.stringify([index, proof])}\n`);
    progress.step();
  });
  return input.rows.flatMap((_, index) => done.get(index) ?? []);
}

/**
 * One row. A run that was ended by the watchdog or a signal is tried once more: the machine may have been busy. A user's line
 * that the watchdog ended is too large, and neither proven nor refuted. Throws where the machine has ended the last run, or had
 * no room for it: that refutes no kernel.
 */
export async function proveOne(
  input: NumericalInput,
  row: TableRow,
  folder: string,
  exec: Exec,
  execute = true,
): Promise<ProofRow> {
  const { proof, observed } = await runOnce(input, row, folder, exec, execute);
  const { timedOut, signal } = observed.result;
  const again = timedOut ? row.own !== true : signal !== null;
  const last = again ? await runOnce(input, row, folder, exec, execute) : { proof, observed };
  if (last.proof.result !== "failed") return last.proof;
  const error = whyNoEvidence(last.observed, { what: `MIOpenDriver ${row.args.join(" ")}`, folder });
  if (error !== null) throw error;
  return last.proof;
}

/** One row, run a single time: its proof, and what it is judged by. */
export async function runOnce(
  input: NumericalInput,
  row: TableRow,
  folder: string,
  exec: Exec,
  execute = true,
): Promise<{ proof: ProofRow; observed: Observation }> {
  const { setup, kernels, system } = input;
  const watchdogMs = row.own === true ? USERS_WATCHDOG : WATCHDOG;
  const how = { folder, systemDatabases: system, execute, watchdogMs, enforced: ENFORCED };
  const observed = await observe({ setup, command: row, environment: {}, ...how }, exec);
  const keys = row.keys.map((key) => keyOf(databaseKey(key, setup.target)));
  const verdict = judge(observed, kernels, { args: row.args, keys, solver: row.solver });
  return { proof: rowOf(input, row, observed, verdict), observed };
}

/** The row of a command that MIOpenDriver has no proof for. */
export function skippedRow(target: Target, { command, reason }: Unprovable): ProofRow {
  const { operation, type, direction, layout } = describeCommand(command);
  return {
    ...{ kind: "numerical", target, command: command.args.join(" "), operation, type, direction, layout },
    ...{ family: command.family, result: "skipped", reason, solver: null, kernels: [], error: null, seconds: 0 },
  };
}

/** How a row of the table names its run: variables, then arguments. */
export function rowCommand({ env, args }: Pick<TableRow, "env" | "args">): string {
  return [...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...args].join(" ");
}

function rowOf(input: NumericalInput, row: TableRow, observed: Observation, verdict: Verdict): ProofRow {
  const { result, log } = observed;
  const { operation, type, direction, layout } = describeCommand({ args: row.args, family: row.family });
  return {
    ...{ kind: "numerical", target: input.setup.target, command: rowCommand(row) },
    ...{ operation, type, direction, family: row.family, layout },
    ...resultOf(input, row, verdict, row.own === true ? whyIdle(observed) : null),
    solver: row.solver ?? (log.solvers.join(", ") || null),
    kernels: verdict.kernels,
    reference: "miopen-cpu",
    error: verdict.error,
    ...(verdict.findings.length === 0 ? {} : { findings: verdict.findings }),
    instructions: verdict.instructions,
    seconds: Math.round(result.seconds * 1000) / 1000,
  };
}

function resultOf(
  { isCard }: NumericalInput,
  row: TableRow,
  { reason, unfinished }: Verdict,
  idle: string | null,
): Pick<ProofRow, "result" | "reason"> {
  if (reason === null) return { result: "passed", reason };
  // Nothing ran that could be refuted
  if (idle !== null) return { result: "skipped", reason: idle };
  if (row.own !== true || isCard === true || !unfinished) return { result: "failed", reason };
  return tooLarge(reason);
}

/** How a user's line ends that the watchdog ended: neither proven nor refuted. */
export function tooLarge(reason: string): { result: "skipped"; reason: string } {
  return { result: "skipped", reason: `too large for the virtual device: ${reason}` };
}
