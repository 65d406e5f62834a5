import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DeviceEvent, parseEvents } from "../device/events.ts";
import { machineError } from "../errors.ts";
import { type Bunzip, KernelFault } from "../kernels/bunzip.ts";
import type { DriverCommand } from "../kernels/commands.ts";
import { type KernelRow, keyOf } from "../kernels/database.ts";
import { databaseKey } from "../kernels/keys.ts";
import { runJobs } from "../kernels/pool.ts";
import { Progress } from "../kernels/progress.ts";
import { isIn, type Shard } from "../kernels/shard.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { readTextIfThere } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { endingWithUs } from "../ports/setpriv.ts";
import { programCommand } from "../toolchain/toolchain.ts";
import { readLedger } from "./ledger.ts";
import { skippedRow, tooLarge, USERS_WATCHDOG } from "./numerical.ts";
import { type ProofSetup, whyNoEvidence } from "./observe.ts";
import type { ProofRow } from "./proofs.ts";
import { CHUNK, type ObjectPlan, type ProverCase, planText } from "./prover-plan.ts";
import { type CaseResult, proverRow, readResults } from "./prover-rows.ts";

export interface ProverInput {
  setup: ProofSetup;
  /** The prover's program */
  program: string;
  plans: readonly ObjectPlan[];
  /** Rows of the kernel database that the plans name, at least */
  database: readonly KernelRow[];
  jobs: number;
  /** Only these chunks of the plans are run */
  shard?: Shard;
  watchdogMs?: number;
  /** Told of each object that ended a start, before the next start; what it throws ends the run */
  onCrash?: (crash: ProverCrash) => Promise<void>;
  /** The device is a card: nothing is too large for it */
  isCard?: true;
  /** False only for a control */
  execute?: boolean;
  /** Scratch; what an interrupted run finished there is kept */
  folder: string;
}

/** An object that ended the prover: the watchdog or a signal did, or HIP when it said that a launch had failed. */
export interface ProverCrash {
  row: ProofRow;
  hash: string;
  result: ExecResult;
  events: readonly DeviceEvent[];
}

/** Milliseconds for one start. */
const WATCHDOG = 300_000;

type Places = ReadonlyMap<string, { offset: number; bytes: number }>;

/** Runs the prover's plans; one row an object, in the plans' order. */
export async function proveWithProver(
  input: ProverInput,
  { exec, log, bunzip }: { exec: Exec; log: Log; bunzip: Bunzip },
): Promise<ProofRow[]> {
  await mkdir(input.folder, { recursive: true });
  const ledger = join(input.folder, "objects.jsonl");
  const done = await readLedger<ProofRow[]>(ledger);
  const chunks = Array.from({ length: Math.ceil(input.plans.length / CHUNK) }, (_, index) => ({
    ...{ group: "", index, plans: input.plans.slice(index * CHUNK, (index + 1) * CHUNK) },
  }));
  const left = chunks.filter(({ index }) => isIn(input.shard, index) && !done.has(index));
  const open = { ...input, plans: left.flatMap(({ plans }) => plans) };
  const places = await writeObjects(open, join(input.folder, "objects.bin"), bunzip);
  const progress = new Progress(`prover ${input.setup.target}`, left.length, log, `parts of ${CHUNK} kernels`);
  await runJobs(left, input.jobs, async ({ index, plans }) => {
    const rows = await proveChunk(input, plans, places, join(input.folder, `part-${index}`), exec);
    done.set(index, rows);
    await appendFile(ledger, `${JSON.stringify([index, rows])}\n`);
    progress.step();
  });
  await rm(join(input.folder, "objects.bin"), { force: true });
  return chunks.flatMap(({ index }) => done.get(index) ?? []);
}

/** Proves one command of a user's with the prover: a row under the command's own text. One that takes too long is skipped. */
export async function proveCommandWithProver(
  input: Omit<ProverInput, "plans" | "jobs">,
  { command, case: one }: { command: DriverCommand; case: ProverCase },
  ports: { exec: Exec; log: Log; bunzip: Bunzip },
): Promise<ProofRow> {
  const key = keyOf(databaseKey(one.key, input.setup.target));
  const kernel = input.database.find((row) => keyOf(row) === key);
  if (kernel === undefined)
    return { ...skippedRow(input.setup.target, { command, reason: `the set lacks ${key}` }), result: "failed" };
  const plan = { name: kernel.name, hash: kernel.hash, keys: [key], cases: [one] };
  const [row] = await proveWithProver({ ...input, plans: [plan], jobs: 1, watchdogMs: USERS_WATCHDOG }, ports);
  if (row === undefined) throw new RangeError("the prover gave no row");
  const own = { ...row, command: command.args.join(" "), family: command.family };
  return row.reason?.startsWith(LATE) === true && input.isCard !== true ? { ...own, ...tooLarge(row.reason) } : own;
}

/** The objects behind one another in one file. Throws a {@link KernelFault} for a row that cannot be unpacked. */
async function writeObjects({ plans, database }: ProverInput, file: string, bunzip: Bunzip): Promise<Places> {
  const wanted = new Set(plans.map(({ hash }) => hash));
  const rows = [...new Map(database.filter(({ hash }) => wanted.has(hash)).map((row) => [row.hash, row])).values()];
  const packed = rows.filter(({ size }) => size !== 0);
  const unpacked = await bunzip(packed.map((row) => ({ blob: row.blob, size: row.size, label: keyOf(row) })));
  const objects = new Map(packed.map(({ hash }, index) => [hash, unpacked[index] as Buffer]));
  const places = new Map<string, { offset: number; bytes: number }>();
  const contents: Uint8Array[] = [];
  let offset = 0;
  for (const { hash, blob } of rows) {
    const content = objects.get(hash) ?? blob;
    places.set(hash, { offset, bytes: content.length });
    contents.push(content);
    offset += content.length;
  }
  const missing = plans.find(({ hash }) => !places.has(hash));
  if (missing !== undefined) throw new KernelFault(missing.name, `there is no object ${missing.hash}`);
  await writeFile(file, Buffer.concat(contents));
  return places;
}

/**
 * One start of the prover, and another for what is left where an object brought it down: that object's row says so.
 */
async function proveChunk(
  input: ProverInput,
  plans: readonly ObjectPlan[],
  places: Places,
  folder: string,
  exec: Exec,
): Promise<ProofRow[]> {
  const rows: ProofRow[] = [];
  for (let left = plans; left.length > 0; ) {
    const { result, results, events } = await startAgain(input, left, places, folder, exec);
    if (!events.some(({ event }) => event === "start")) {
      const said = `${result.stdout}\n${result.stderr}`.trim().slice(-300);
      throw machineError(`the prover could not start: ${said}`, "check the virtual device and the toolchain");
    }
    let id = 0;
    const seconds = result.seconds / left.length;
    const ended = result.code === 0 ? null : howItEnded(result);
    const judged = left.map((plan) => {
      const own = plan.cases.map(() => results.get(id++) ?? null);
      const row = proverRow(input.setup.target, plan, own, events, { seconds, ended });
      return { row, hash: plan.hash, whole: own.every((one) => one !== null && !isFailedLaunch(one)) };
    });
    const culprit = ended === null ? -1 : judged.findIndex(({ whole }) => !whole);
    const finished = culprit === -1 ? judged.length : culprit + 1;
    rows.push(...judged.slice(0, finished).map(({ row }) => row));
    const crash = judged[culprit];
    if (crash !== undefined) await input.onCrash?.({ ...crash, result, events });
    left = left.slice(finished);
  }
  await rm(folder, { recursive: true, force: true });
  return rows;
}

/** The prover ends with it: after a fault a card's runtime answers every call of the process with that error. */
function isFailedLaunch(result: CaseResult): boolean {
  return "call" in result && /Launch|Synchronize/.test(result.call);
}

/**
 * A start, and another one where the machine ended it. Throws where it does so again: that says nothing of an object. On a card
 * nothing runs twice unasked.
 */
async function startAgain(...given: Parameters<typeof start>): ReturnType<typeof start> {
  const [{ isCard }, , , folder] = given;
  const why = (started: Awaited<ReturnType<typeof start>>) =>
    isCard === true || started.result.code === 0 ? null : whyNoEvidence(started, { what: "the prover", folder });
  const first = await start(...given);
  if (why(first) === null) return first;
  const second = await start(...given);
  const error = why(second);
  if (error !== null) throw error;
  return second;
}

async function start(
  { setup, program, folder: home, watchdogMs = WATCHDOG, execute = true }: ProverInput,
  plans: readonly ObjectPlan[],
  places: Places,
  folder: string,
  exec: Exec,
): Promise<{ result: ExecResult; results: Map<number, CaseResult>; events: DeviceEvent[] }> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const [plan, eventLog] = [join(folder, "plan.txt"), join(folder, "events.jsonl")];
  await writeFile(plan, planText(plans, places));
  const { preload } = setup.device;
  const env = setup.device.environment({ target: setup.target, compile: "refuse", execute, eventLog });
  const args = [plan, join(home, "objects.bin")];
  const command = programCommand(setup.toolchain, program, args, { preload, env, cwd: folder });
  const result = await exec.run(endingWithUs(command), { timeoutMs: watchdogMs, keep: 64 << 20 });
  const events = parseEvents((await readTextIfThere(eventLog)) ?? "");
  return { result, results: readResults(result.stdout), events };
}

/** How the reason begins for a start that the watchdog ended. */
const LATE = "the prover did not end";

function howItEnded({ timedOut, seconds, code, signal, stderr }: ExecResult): string {
  if (timedOut) return `${LATE} within ${Math.round(seconds)} s`;
  const said = stderr.trim().split("\n").at(-1) ?? "";
  return `the prover ended with ${code ?? signal}${said === "" ? "" : ` (${said.slice(0, 200)})`}`;
}
