import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../cache/lock.ts";
import type { Context } from "../context.ts";
import { machineError } from "../errors.ts";
import { bunzipFor } from "../kernels/bunzip.ts";
import { readRows } from "../kernels/database.ts";
import { sha256 } from "../ports/files.ts";
import { namesOf, withReadOnlySystem } from "../verify/completeness.ts";
import { numericalControls } from "../verify/controls.ts";
import { skippedRow } from "../verify/numerical.ts";
import { planRows } from "../verify/plan.ts";
import { type CardProof, countProofs, failedText, type ProofRow, proofsText, rowText } from "../verify/proofs.ts";
import { planProver } from "../verify/prover-plan.ts";
import { type VerifyRequest, verifyParts } from "../verify/stage.ts";
import { cardDevice } from "./device.ts";
import type { UsableCard } from "./find.ts";
import { CardHealth } from "./health.ts";
import { passedIn, passedPlans, passedRows } from "./passed.ts";
import { driveTable, provePlansOnCard } from "./prove.ts";
import { witnessStage } from "./witness.ts";

/** Raise when the verdict of a row on a card changes. */
const CARD_SCHEMA = "1";

/** A stage whose rows did not all pass: what it came to is told, and not kept as finished. */
class Refuted extends Error {
  readonly proof: CardProof;

  constructor(proof: CardProof) {
    super("rows failed on the card");
    this.proof = proof;
  }
}

export interface CardRequest extends VerifyRequest {
  /** What the virtual device made of the set */
  rows: readonly ProofRow[];
}

/**
 * Runs on a card what has passed on the virtual device, with compilation refused: nothing unproven is given to a card. Rows
 * that failed are in what is returned; rows that passed are not run again.
 */
export async function cardStage(context: Context, request: CardRequest, card: UsableCard): Promise<CardProof> {
  const { toolchain, target } = request;
  const witness = await witnessStage(context, toolchain);
  // The virtual device has no part in it
  const { device: _, schema, ...parts } = verifyParts(request);
  const run = () =>
    context.stages.run({
      name: "card",
      variant: target,
      parts: {
        ...parts,
        rows: sha256(JSON.stringify(passedIn(request.rows).map(({ command }) => command))),
        witness: witness.digest,
        card: card.id,
        driver: card.driver,
        "stand-in": JSON.stringify(card.standIn),
        schema: `${schema}.${CARD_SCHEMA}`,
      },
      run: async (folder) => {
        await toolchain.ensureSound();
        const proof = await withCard(context, card, () =>
          prove(context, request, card, witness.library, join(folder, "work")),
        );
        if (countProofs(proof.rows).failed > 0) throw new Refuted(proof);
        await writeFile(join(folder, "card.json"), JSON.stringify(proof));
        await rm(join(folder, "work"), { recursive: true, force: true });
        return {};
      },
    });
  try {
    const { folder, seconds } = await run();
    context.timings[`card ${target}`] = seconds;
    const proof = JSON.parse(await readFile(join(folder, "card.json"), "utf8")) as CardProof;
    context.log.info(`${target} on ${proof.name}: ${proofsText(proof.rows)}`);
    return proof;
  } catch (error) {
    if (!(error instanceof Refuted)) throw error;
    const { rows, name } = error.proof;
    for (const row of rows.filter(({ result }) => result === "failed").slice(0, 20))
      context.log.warning(`${target} on ${name}: ${rowText(row)}`);
    return error.proof;
  }
}

/** Runs `work` while nobody else on the machine proves anything on the card: who hangs it must be known. */
export function withCard<T>({ log }: Pick<Context, "log">, { node }: UsableCard, work: () => Promise<T>): Promise<T> {
  return withLock(node, work, { log, foreign: true });
}

async function prove(
  context: Context,
  { toolchain, rocblas, set, target, kernels, prover, rows: before }: CardRequest,
  card: UsableCard,
  witness: string,
  work: string,
): Promise<CardProof> {
  const device = await cardDevice(card, witness, toolchain, work);
  const setup = { toolchain, device, target, rocblasLibrary: rocblas.folder };
  const names = namesOf(kernels.kernels);
  const planned = planRows(set, new Set(names.hashes.keys()), target);
  const rows = passedRows(planned.rows, before);
  const system = join(work, "system");
  const table = { setup, rows, kernels: names, system, jobs: 1, folder: join(work, "table") };
  const database = readRows(kernels.path);
  const plans = passedPlans(planProver(database, target, set.dialect), before);
  const own = { setup, program: prover.program, plans, database, folder: join(work, "prover") };
  const ports = { exec: context.exec, log: context.log, bunzip: bunzipFor(toolchain) };
  return await withReadOnlySystem(system, { target, database: kernels.path }, async () => {
    const health = new CardHealth(table, context.exec);
    const driven = await driveTable(table, health, ports);
    const proven = await provePlansOnCard(own, health, ports);
    await rm(join(own.folder, "control"), { recursive: true, force: true }); // one that failed is run again
    const controls = await numericalControls({ table, prover: { ...own, jobs: 1 }, driven: driven.rows }, ports);
    const skipped = planned.unprovable.map((one) => skippedRow(target, one));
    const { driver, standIn } = card;
    return {
      ...{ target, name: driven.name ?? card.architecture, driver, standIn: standIn !== null },
      rows: [...driven.rows, ...proven, ...skipped, ...controls],
    };
  });
}

/** Throws a machine error that names the rows that failed on a card. */
export function refuseCardFailures(proofs: readonly CardProof[], remedy: string): void {
  for (const { target, name, rows } of proofs) {
    const { failed } = countProofs(rows);
    if (failed === 0) continue;
    throw machineError(
      `${failed} of ${rows.length} rows failed on ${name} (${target}), although they pass on the virtual device:\n${failedText(rows)}`,
      remedy,
    );
  }
}
