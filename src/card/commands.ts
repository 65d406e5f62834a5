import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { bunzipFor } from "../kernels/bunzip.ts";
import { readRows } from "../kernels/database.ts";
import type { KernelSet } from "../kernels/set.ts";
import type { KernelDatabase } from "../kernels/stages.ts";
import { removeTree, sha256 } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { namesOf, withReadOnlySystem } from "../verify/completeness.ts";
import { skippedRow } from "../verify/numerical.ts";
import { type NumericalPlan, planRows } from "../verify/plan.ts";
import type { ProofRow } from "../verify/proofs.ts";
import { type ProverCrash, proveCommandWithProver } from "../verify/prover.ts";
import { proverStage } from "../verify/prover-build.ts";
import { cardDevice } from "./device.ts";
import type { UsableCard } from "./find.ts";
import { brokeIn, CardHealth, nameIn, refuseUnanswered } from "./health.ts";
import { Journal } from "./journal.ts";
import { type CardLine, driveTable, settled } from "./prove.ts";
import { withCard } from "./stage.ts";
import { witnessStage } from "./witness.ts";

export interface CardCommands {
  toolchain: SoundToolchain;
  /** Compiles the prover and the witness */
  own: SoundToolchain;
  set: KernelSet;
  target: Target;
  kernels: KernelDatabase;
  /** rocBLAS's folder for the target */
  rocblas: string;
  card: UsableCard;
}

/**
 * Runs a user's commands on a card with the kernels of a database. Only what hung or faulted is kept, so that it is never given
 * to the card again; whether the card still works is told by rows of the set.
 */
export async function proveCommandsOnCard(
  context: Context,
  request: CardCommands,
  { rows, unprovable, own }: NumericalPlan,
): Promise<ProofRow[]> {
  const { toolchain, set, target, kernels, rocblas, card } = request;
  const witness = await witnessStage(context, request.own);
  const { program } = await proverStage(context, request.own);
  const key = sha256(JSON.stringify([kernels.sha256, witness.digest, card.id, card.driver, card.standIn])).slice(0, 16);
  const folder = join(context.cacheRoot, "verify", `card-${target}-${key}`);
  const setup = {
    toolchain,
    target,
    rocblasLibrary: rocblas,
    device: await cardDevice(card, witness.library, toolchain, folder),
  };
  const names = namesOf(kernels.kernels);
  const system = join(folder, "system");
  const table = { setup, rows, kernels: names, system, jobs: 1, folder: join(folder, "table") };
  const known = { ...table, rows: planRows(set, new Set(names.hashes.keys()), target).rows };
  const ports = { exec: context.exec, log: context.log, bunzip: bunzipFor(toolchain) };
  const prove = async () => {
    const health = new CardHealth(known, context.exec);
    const proven = (await driveTable(table, health, ports, false)).rows;
    const journal = await Journal.open<CardLine>(join(folder, "own.jsonl"));
    const database = readRows(kernels.path);
    for (const one of own) {
      const text = one.command.args.join(" ");
      const crashed = await settled(journal, text, () => skippedRow(target, { command: one.command, reason: "" }));
      if (crashed !== null) {
        proven.push(crashed.proof);
        continue;
      }
      const onCrash = async ({ row, result, events }: ProverCrash) => {
        refuseUnanswered({ result, events });
        const proof = { ...row, command: text, family: one.command.family };
        if (brokeIn(events)) await journal.end(text, { proof, crashed: true, name: nameIn(events) });
        await health.check(proof, result);
      };
      const place = join(folder, "own");
      await rm(place, { recursive: true, force: true });
      await journal.begin(text);
      const input = { setup, program, database, folder: place, isCard: true as const, onCrash };
      const proof = await proveCommandWithProver(input, one, ports);
      if (journal.get(text) === undefined) await journal.end(text, { proof, crashed: false, name: null });
      proven.push(proof);
    }
    return [...proven, ...unprovable.map((one) => skippedRow(target, one))];
  };
  const how = { target, database: kernels.path };
  try {
    return await withCard(context, card, () => withReadOnlySystem(system, how, prove));
  } finally {
    await removeTree(system); // the journals stay
  }
}
