import { join } from "node:path";
import { withLock } from "../cache/lock.ts";
import { removeUnused } from "../cache/unused.ts";
import { proveCommandsOnCard } from "../card/commands.ts";
import { wantedCards } from "../card/find.ts";
import { cardStage, refuseCardFailures } from "../card/stage.ts";
import type { Context } from "../context.ts";
import { virtualDevice } from "../device/device.ts";
import { type BuiltDevice, deviceStage } from "../device/stage.ts";
import { machineError, userError } from "../errors.ts";
import { bunzipFor } from "../kernels/bunzip.ts";
import { readRows } from "../kernels/database.ts";
import { dialectOf } from "../kernels/dialect.ts";
import { loadKernelSet, readCommandFile, readKernelSet } from "../kernels/set.ts";
import { type KernelDatabase, kernelsStage, rocblasStage } from "../kernels/stages.ts";
import { miopenStage } from "../miopen/stage.ts";
import { checkWritableFolder, removeTree, sha256, writeWhole } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { namesOf, withReadOnlySystem } from "../verify/completeness.ts";
import { givenDatabase } from "../verify/given-database.ts";
import { proveNumerically, skippedRow } from "../verify/numerical.ts";
import { type NumericalPlan, planUsersCommands } from "../verify/plan.ts";
import {
  type CardProof,
  countProofs,
  type FileProof,
  failedText,
  type ProofRow,
  type Proofs,
} from "../verify/proofs.ts";
import { proveCommandWithProver } from "../verify/prover.ts";
import { proverStage } from "../verify/prover-build.ts";
import { VERIFY_SCHEMA, verifyStage } from "../verify/stage.ts";
import { refuseUnknownMiopen } from "./build.ts";

/** What `verify` found, all of it proven. */
export interface VerifyResult {
  rows: readonly ProofRow[];
  /** How much of each source file's kernels was executed with right results; empty for a user's commands */
  files: readonly FileProof[];
  /** The same on a card, where one was asked */
  cards: readonly CardProof[];
  /** File with every row, absolute */
  proofs: string;
}

/**
 * Executes the kernels of a kernel set and compares what they compute: on the virtual device, and what has passed there on
 * a card, where there is one or one is asked for. A user's commands run, with the kernels of the set, on the one or the other.
 * Leaves `verify.json` in the output folder; throws when anything is refuted.
 */
export async function verify(context: Context): Promise<VerifyResult> {
  const { inputs, log } = context;
  const cards = await wantedCards(context, "device", inputs.device, inputs.targets);
  await checkWritableFolder(inputs.output, "output");
  const commands = inputs.commands === null ? null : await readCommandFile(inputs.commands, "commands", log);
  const lines = await readKernelSet(inputs.kernelSet, log);
  const { toolchain, running } = await miopenStage(context);
  const set = await loadKernelSet(inputs.kernelSet, await dialectOf(running), lines);
  refuseUnknownMiopen(running, set);
  const device = await deviceStage(context, toolchain);
  const proofs: Required<Omit<Proofs, "schema" | "device" | "rows">> = { files: [], unproven: [], cards: [] };
  const rows: ProofRow[] = [];
  for (const target of inputs.targets) {
    const rocblas = await rocblasStage(context, toolchain, target);
    const request = { toolchain: running, device, rocblas, set, target };
    const kernels =
      inputs.kernelDatabase === null
        ? await kernelsStage(context, request)
        : await givenDatabase(context, toolchain, inputs.kernelDatabase, target);
    const card = cards.get(target);
    if (commands !== null) {
      const plan = planUsersCommands(commands, set.dialect, target);
      const own = { ...request, kernels, rocblas: rocblas.folder, own: toolchain };
      rows.push(
        ...(card === undefined
          ? await proveCommands(context, { ...own, device }, plan)
          : await proveCommandsOnCard(context, { ...own, card }, plan)),
      );
      continue;
    }
    const prover = await proverStage(context, toolchain);
    const proof = await verifyStage(context, { ...request, kernels, prover });
    rows.push(...proof.rows);
    proofs.files = [...proofs.files, ...proof.files];
    proofs.unproven = [...proofs.unproven, ...proof.unproven];
    if (card === undefined) continue;
    if (countProofs(proof.rows).failed > 0)
      log.warning(`${target}: nothing is given to the card: rows failed before it`);
    else
      proofs.cards = [
        ...proofs.cards,
        await cardStage(context, { ...request, kernels, prover, rows: proof.rows }, card),
      ];
  }
  const file = join(inputs.output, "verify.json");
  const onCard = commands !== null && inputs.targets.every((target) => cards.get(target)?.standIn === null);
  const { cards: carded, ...virtual } = proofs;
  const whole: Proofs = {
    ...{ schema: 1, device: onCard ? "gpu" : "virtual", ...virtual, rows },
    ...(carded.length === 0 ? {} : { cards: carded }),
  };
  await writeWhole(file, `${JSON.stringify(whole, null, 1)}\n`);
  for (const line of commands === null ? [] : commandLines(rows)) log.info(line);
  refuseFailures(rows, file);
  refuseCardFailures(carded, `every row is in ${file}`);
  return { rows, files: proofs.files, cards: carded, proofs: file };
}

/** What a run of a user's commands on the virtual device is given. */
export interface CommandsRequest {
  toolchain: SoundToolchain;
  device: Pick<BuiltDevice, "library" | "digest">;
  rocblas: string;
  target: Target;
  kernels: KernelDatabase;
  /** Compiles the prover */
  own: SoundToolchain;
}

/** Days that an interrupted run is kept. */
const KEPT_DAYS = 7;

/**
 * Runs a user's commands with the kernels of a database. Nothing of a run that came to its end is kept; one that was
 * interrupted goes on where it was.
 */
export async function proveCommands(
  context: Context,
  request: CommandsRequest,
  plan: NumericalPlan,
): Promise<ProofRow[]> {
  const { toolchain, device, target, kernels } = request;
  const places = join(context.cacheRoot, "verify");
  await removeUnused(places, /^commands-/, KEPT_DAYS);
  const parts = [toolchain.digest, device.digest, target, kernels.sha256, VERIFY_SCHEMA, plan.rows, plan.own];
  const folder = join(places, `commands-${sha256(JSON.stringify(parts)).slice(0, 16)}`);
  const prove = async () => {
    try {
      const rows = await proveIn(folder, context, request, plan);
      await removeTree(folder);
      return rows;
    } finally {
      await removeTree(join(folder, "system")); // a copy of the database
    }
  };
  return await withLock(`${folder}.lock`, prove, { log: context.log });
}

async function proveIn(
  folder: string,
  context: Context,
  { toolchain, device, rocblas, target, kernels, own }: CommandsRequest,
  plan: NumericalPlan,
): Promise<ProofRow[]> {
  const setup = { toolchain, device: virtualDevice(device.library), target, rocblasLibrary: rocblas };
  const system = join(folder, "system");
  const input = { setup, rows: plan.rows, kernels: namesOf(kernels.kernels), system, jobs: context.jobs, folder };
  const how = { target, database: kernels.path };
  const proven = await withReadOnlySystem(system, how, () => proveNumerically(input, context));
  for (const [index, one] of plan.own.entries()) {
    const { program } = await proverStage(context, own);
    const place = { program, database: readRows(kernels.path), folder: join(folder, `own-${index}`) };
    const ports = { ...context, bunzip: bunzipFor(toolchain) };
    proven.push(await proveCommandWithProver({ setup, ...place }, one, ports));
  }
  return [...proven, ...plan.unprovable.map((one) => skippedRow(target, one))];
}

/** One line a run: proven with its error, or refuted with the reason. */
export function commandLines(rows: readonly ProofRow[]): string[] {
  const words = { passed: "proven ", failed: "refuted", skipped: "skipped" };
  return rows.map(({ result, target, command, reason, error }) => {
    const how = result === "passed" ? `error ${error ?? "not printed"}` : reason;
    return `${words[result]} ${target} ${command}: ${how}`;
  });
}

function refuseFailures(rows: readonly ProofRow[], file: string): void {
  const { failed, skipped } = countProofs(rows);
  if (failed > 0) {
    throw machineError(`${failed} of ${rows.length} proofs failed:\n${failedText(rows)}`, `every row is in ${file}`);
  }
  if (skipped === rows.length) throw userError("no command could be proven", `the reasons are in ${file}`);
}
