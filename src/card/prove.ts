import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DeviceEvent } from "../device/events.ts";
import { machineError } from "../errors.ts";
import type { Bunzip } from "../kernels/bunzip.ts";
import { Progress } from "../kernels/progress.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import { readLedger } from "../verify/ledger.ts";
import { type NumericalInput, runOnce } from "../verify/numerical.ts";
import type { ProofRow } from "../verify/proofs.ts";
import { type ProverInput, proveWithProver } from "../verify/prover.ts";
import { CHUNK, type ObjectPlan } from "../verify/prover-plan.ts";
import type { TableRow } from "../verify/table.ts";

interface Ports {
  exec: Exec;
  log: Log;
}

/** A row that ran on a card. */
interface CardLine {
  proof: ProofRow;
  /** The watchdog or a signal ended it: it is never given to the card again */
  crashed: boolean;
  /** What the card calls itself; null when the run did not come so far */
  name: string | null;
}

/** What a card made of a table: a proof a row, in the table's order. */
export interface DrivenTable {
  rows: ProofRow[];
  /** What the card calls itself */
  name: string | null;
}

/**
 * Runs each row of a table on a card, one behind the other. A row is never run twice in a row for having hung; after one that
 * did, or that brought its process down, the last row that passed has to pass again, else nothing more is given to the card.
 * What passed or hung before an interruption is not run again; what failed otherwise is.
 */
export async function driveTable(
  input: NumericalInput,
  health: CardHealth,
  { exec, log }: Ports,
): Promise<DrivenTable> {
  await mkdir(input.folder, { recursive: true });
  const ledger = join(input.folder, "card.jsonl");
  const done = await readLedger<CardLine>(ledger);
  for (const [index, { proof, crashed }] of done) {
    const row = input.rows[index];
    if (proof.result === "passed" && row !== undefined) health.passed(row);
    if (proof.result !== "passed" && !crashed) done.delete(index);
  }
  const progress = new Progress(`card ${input.setup.target}`, input.rows.length - done.size, log);
  for (const [index, row] of input.rows.entries()) {
    if (done.has(index)) continue;
    const { proof, observed } = await runOnce({ ...input, isCard: true }, row, join(input.folder, "run"), exec);
    const { timedOut, signal } = observed.result;
    const crashed = timedOut || signal !== null;
    const card = observed.events.find((event): event is CardEvent => event.event === "card");
    const line: CardLine = { proof, crashed, name: card?.name ?? null };
    done.set(index, line);
    await appendFile(ledger, `${JSON.stringify([index, line])}\n`);
    if (proof.result === "passed") health.passed(row);
    if (crashed) await health.check(proof, observed.result);
    progress.step();
  }
  const lines = input.rows.flatMap((_, index) => done.get(index) ?? []);
  return { rows: lines.map(({ proof }) => proof), name: lines.find(({ name }) => name !== null)?.name ?? null };
}

type CardEvent = Extract<DeviceEvent, { event: "card" }>;

/**
 * Runs the prover's plans on a card. As {@link driveTable}, an object that brought the prover down is not given to the card
 * again, and one that only failed is.
 */
export async function provePlansOnCard(
  input: Omit<ProverInput, "jobs" | "onCrash">,
  health: CardHealth,
  ports: Ports & { bunzip: Bunzip },
): Promise<ProofRow[]> {
  await mkdir(input.folder, { recursive: true });
  const ledger = join(input.folder, "crashed.jsonl");
  const crashed = await readLedger<ProofRow, string>(ledger);
  const rows: ProofRow[] = [];
  for (let first = 0; first < input.plans.length; first += CHUNK) {
    const group = input.plans.slice(first, first + CHUNK);
    const plans = group.filter(({ hash }) => !crashed.has(hash));
    const folder = join(input.folder, `group-${first / CHUNK}`);
    const onCrash = async (row: ProofRow, result: ExecResult) => {
      const hash = hashOf(row, plans);
      crashed.set(hash, row);
      await appendFile(ledger, `${JSON.stringify([hash, row])}\n`);
      await health.check(row, result);
    };
    const proven = await proveWithProver({ ...input, plans, jobs: 1, folder, onCrash }, ports);
    if (proven.some(({ result }) => result !== "passed")) await rm(folder, { recursive: true, force: true });
    const byHash = new Map(plans.map(({ hash }, index) => [hash, proven[index]]));
    rows.push(...group.flatMap(({ hash }) => byHash.get(hash) ?? crashed.get(hash) ?? []));
  }
  return rows;
}

function hashOf(row: ProofRow, plans: readonly ObjectPlan[]): string {
  return row.kernels.find((use) => plans.some((plan) => plan.hash === use.hash))?.hash ?? "";
}

/** Whether a card still answers. */
export class CardHealth {
  readonly #input: NumericalInput;
  readonly #exec: Exec;
  #good: TableRow | null = null;

  constructor(input: NumericalInput, exec: Exec) {
    this.#input = input;
    this.#exec = exec;
  }

  /** Remembers a row that the card can do. */
  passed(row: TableRow): void {
    this.#good = row;
  }

  /** After a run that did not end by itself: throws a machine error unless the card still does what it did before. */
  async check(failed: ProofRow, result: ExecResult): Promise<void> {
    const what = `${failed.command.slice(0, 200)}: ${failed.reason}`;
    if (result.stuck === true) throw lost(`the card hangs: a process that waits for it cannot be ended, after ${what}`);
    if (this.#good === null) throw lost(`the card has not done a single row yet: ${what}`);
    const folder = join(this.#input.folder, "run-health");
    const { proof } = await runOnce(this.#input, this.#good, folder, this.#exec);
    if (proof.result !== "passed")
      throw lost(`the card no longer does what it did before (${proof.reason}), after ${what}`);
  }
}

function lost(message: string) {
  return machineError(
    message,
    "look at the kernel's messages (dmesg), restart the machine, and run the same command again: it goes on behind this row",
  );
}
