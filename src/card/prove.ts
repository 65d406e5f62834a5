import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Bunzip } from "../kernels/bunzip.ts";
import { Progress } from "../kernels/progress.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import { type NumericalInput, runOnce, skippedRow } from "../verify/numerical.ts";
import type { ProofRow } from "../verify/proofs.ts";
import { type ProverCrash, type ProverInput, proveWithProver } from "../verify/prover.ts";
import { CHUNK, type ObjectPlan } from "../verify/prover-plan.ts";
import type { TableRow } from "../verify/table.ts";
import { brokeIn, type CardHealth, nameIn, refuseUnanswered, withFault } from "./health.ts";
import { Journal } from "./journal.ts";

export interface CardPorts {
  exec: Exec;
  log: Log;
}

/** What came of a row on a card. */
export interface CardLine {
  proof: ProofRow;
  /** A kernel of it hung or faulted: it is never given to the card again */
  crashed: boolean;
  /** What the card calls itself */
  name: string | null;
}

/** What a card made of a table: a proof a row, in the table's order. */
export interface DrivenTable {
  rows: ProofRow[];
  /** What the card calls itself */
  name: string | null;
}

/** A row that has been wrong before has to be right so often, one time behind the other. */
const TIMES = 3;

/**
 * Runs each row of a table on a card, one behind the other. A row in which a kernel hung or faulted, or that took the machine
 * down, is never given to the card again; after one that did not end by itself the card has to show that it still works, else
 * nothing more is given to it. What was only wrong is run again by the next run, and then has to be right several times; what
 * passed is run again only without `keepPassed`.
 */
export async function driveTable(
  input: NumericalInput,
  health: CardHealth,
  ports: CardPorts,
  keepPassed = true,
): Promise<DrivenTable> {
  const journal = await Journal.open<CardLine>(join(input.folder, "card.jsonl"));
  const lines: (CardLine | null)[] = [];
  for (const row of input.rows) {
    const line = await settled(journal, keyOf(row), () => unstarted(input, row));
    lines.push(keepPassed || line?.crashed === true ? line : null);
  }
  for (const [index, row] of input.rows.entries()) if (lines[index]?.proof.result === "passed") health.passed(row);
  const progress = new Progress(`card ${input.setup.target}`, lines.filter((line) => line === null).length, ports.log);
  for (const [index, row] of input.rows.entries()) {
    if (lines[index] !== null) continue;
    lines[index] = await driveRow(input, row, journal, health, ports.exec);
    progress.step();
  }
  const driven = lines.filter((line) => line !== null);
  return { rows: driven.map(({ proof }) => proof), name: driven.find(({ name }) => name !== null)?.name ?? null };
}

const keyOf = ({ args, env, solver }: TableRow) => JSON.stringify([args, env, solver]);

/** A row for which nothing ran. */
function unstarted({ setup }: NumericalInput, row: TableRow): ProofRow {
  return skippedRow(setup.target, { command: { args: [...row.args], family: row.family }, reason: "" });
}

/** What is not to be run again: what passed, what crashed, and what the machine went down with. */
export async function settled(journal: Journal<CardLine>, key: string, row: () => ProofRow): Promise<CardLine | null> {
  if (journal.wasCut(key)) {
    const reason = "the machine went down while the card had it";
    await journal.end(key, { proof: { ...row(), result: "failed", reason }, crashed: true, name: null });
  }
  const line = journal.get(key);
  return line !== undefined && (line.crashed || line.proof.result === "passed") ? line : null;
}

async function driveRow(
  input: NumericalInput,
  row: TableRow,
  journal: Journal<CardLine>,
  health: CardHealth,
  exec: Exec,
): Promise<CardLine> {
  const key = keyOf(row);
  const earlier = journal.get(key)?.proof;
  const before = earlier === undefined || earlier.result === "passed" ? null : earlier.reason;
  await journal.begin(key);
  for (let time = before === null ? TIMES : 1; ; time++) {
    const { proof, observed } = await runOnce({ ...input, isCard: true }, row, join(input.folder, "run"), exec);
    refuseUnanswered(observed);
    const { result, events } = observed;
    const passed = proof.result === "passed";
    if (passed && time < TIMES) continue;
    const told = passed
      ? { ...proof, ...(before === null ? {} : { note: `was wrong in an earlier run: ${before}` }) }
      : { ...proof, reason: withFault(proof.reason ?? "", result) };
    const line: CardLine = { proof: told, crashed: !passed && brokeIn(events), name: nameIn(events) };
    await journal.end(key, line);
    if (passed) health.passed(row);
    if (result.timedOut || result.signal !== null || line.crashed) await health.check(told, result);
    return line;
  }
}

/**
 * Runs the prover's plans on a card, as {@link driveTable} does rows. Objects go to the card by the hundred; those that the
 * machine went down with, one by one.
 */
export async function provePlansOnCard(
  input: Omit<ProverInput, "jobs" | "onCrash">,
  health: CardHealth,
  ports: CardPorts & { bunzip: Bunzip },
): Promise<ProofRow[]> {
  const journal = await Journal.open<CardLine>(join(input.folder, "card.jsonl"));
  const onCrash = async ({ row, hash, result, events }: ProverCrash) => {
    refuseUnanswered({ result, events });
    const told = { ...row, reason: withFault(row.reason ?? "", result) };
    const crashed = brokeIn(events);
    if (crashed) await journal.end(hash, { proof: told, crashed, name: nameIn(events) });
    await health.check(told, result);
  };
  const prove = async (plans: readonly ObjectPlan[], folder: string) => {
    const place = join(input.folder, folder);
    await rm(place, { recursive: true, force: true }); // what was only wrong is run again
    return proveWithProver({ ...input, plans, jobs: 1, isCard: true, folder: place, onCrash }, ports);
  };
  for (let first = 0; first < input.plans.length; first += CHUNK) {
    const group = `group ${first / CHUNK}`;
    const open: ObjectPlan[] = [];
    for (const plan of input.plans.slice(first, first + CHUNK)) {
      const line = await settled(journal, plan.hash, () => planRow(input, plan));
      if (line === null) open.push(plan);
    }
    if (open.length === 0) continue;
    const alone = journal.wasCut(group);
    for (const plans of alone ? open.map((plan) => [plan]) : [open]) {
      const key = alone ? (plans[0]?.hash ?? "") : group;
      await journal.begin(key);
      for (const [index, proof] of (await prove(plans, "now")).entries()) {
        const plan = plans[index] as ObjectPlan;
        const before = journal.get(plan.hash);
        if (before?.crashed === true) continue; // onCrash has written it
        const told = before === undefined ? proof : await again(proof, before.proof, () => prove([plan], "again"));
        await journal.end(plan.hash, { proof: told, crashed: false, name: null });
      }
      if (!alone)
        await journal.end(group, { proof: planRow(input, plans[0] as ObjectPlan), crashed: false, name: null });
    }
  }
  return input.plans.flatMap(({ hash }) => journal.get(hash)?.proof ?? []);
}

/** An object for which nothing ran. */
function planRow({ setup }: Pick<ProverInput, "setup">, { name, hash, cases }: ObjectPlan): ProofRow {
  const args = ["conv", ...(cases[0]?.text.split(" ") ?? [])];
  const row = skippedRow(setup.target, { command: { args, family: "" }, reason: "" });
  return { ...row, command: cases.map(({ text }) => text).join("; "), kernels: [{ name, hash, functions: [] }] };
}

/** An object that was wrong before has to be right several times. */
async function again(proof: ProofRow, before: ProofRow, prove: () => Promise<ProofRow[]>): Promise<ProofRow> {
  let now = proof;
  for (let time = 1; time < TIMES && now.result === "passed"; time++) now = (await prove())[0] ?? now;
  return now.result === "passed" ? { ...now, note: `was wrong in an earlier run: ${before.reason}` } : now;
}
