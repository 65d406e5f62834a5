import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { virtualDevice } from "../device/device.ts";
import type { BuiltDevice } from "../device/stage.ts";
import { bunzipFor } from "../kernels/bunzip.ts";
import { readRows } from "../kernels/database.ts";
import { isPlanned, type KernelSet } from "../kernels/set.ts";
import type { Shard } from "../kernels/shard.ts";
import type { KernelDatabase, RocblasLibrary } from "../kernels/stages.ts";
import type { Target } from "../rdna1/targets.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { namesOf, withReadOnlySystem } from "./completeness.ts";
import { numericalControls } from "./controls.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { proveNumerically, skippedRow } from "./numerical.ts";
import { planDigest, planRows } from "./plan.ts";
import { type GivenProofs, seedLedger } from "./proof-part.ts";
import { type ProofRow, rowText } from "./proofs.ts";
import { proveCommandWithProver, proveWithProver } from "./prover.ts";
import type { BuiltProver } from "./prover-build.ts";
import { planProver } from "./prover-plan.ts";

export interface VerifyRequest {
  toolchain: SoundToolchain;
  device: BuiltDevice;
  prover: BuiltProver;
  rocblas: RocblasLibrary;
  set: KernelSet;
  target: Target;
  kernels: KernelDatabase;
}

/** What the numerical proof of one target came to. */
export interface NumericalProof extends Coverage {
  rows: ProofRow[];
}

/** Raise when the verdict changes: what a row must have done, and what follows from it. */
export const VERIFY_SCHEMA = "3";

/** What the numerical proof of a kernel set depends on. */
export function verifyParts({ toolchain, device, prover, set, target, kernels }: VerifyRequest) {
  return {
    toolchain: toolchain.digest,
    device: device.digest,
    prover: prover.digest,
    "kernel-set": set.digest,
    database: kernels.sha256,
    plan: planDigest(set, kernels.kernels, target),
    schema: VERIFY_SCHEMA,
  };
}

/**
 * Executes the kernels of a finished set on the virtual device and compares what they compute. Rows that shards have proven
 * are taken from them.
 */
export async function verifyStage(
  context: Context,
  request: VerifyRequest,
  given: GivenProofs | null = null,
): Promise<NumericalProof> {
  const { toolchain, target } = request;
  const outcome = await context.stages.run({
    name: "verify",
    shared: true,
    variant: target,
    parts: { ...verifyParts(request), ...(given === null ? {} : { shards: given.digest }) },
    run: async (folder) => {
      await toolchain.ensureSound();
      const work = join(folder, "work");
      if (given !== null) {
        await seedLedger(join(work, "table/rows.jsonl"), given.ledgers.numerical);
        await seedLedger(join(work, "prover/objects.jsonl"), given.ledgers.prover);
      }
      const proof = await prove(context, request, work);
      await writeFile(join(folder, "proof.json"), JSON.stringify(proof));
      await rm(work, { recursive: true, force: true });
      return {};
    },
  });
  context.timings[`verify ${target}`] = outcome.seconds;
  const proof = JSON.parse(await readFile(join(outcome.folder, "proof.json"), "utf8")) as NumericalProof;
  report(context, proof, request);
  return proof;
}

/** With a shard only its rows, no control, and no coverage of the set. */
export async function prove(
  context: Context,
  request: VerifyRequest,
  work: string,
  shard?: Shard,
): Promise<NumericalProof> {
  const { target, kernels } = request;
  const system = join(work, "system");
  const how = { target, database: kernels.path };
  return await withReadOnlySystem(system, how, () => proveWith(system, context, request, work, shard));
}

async function proveWith(
  system: string,
  context: Context,
  request: VerifyRequest,
  work: string,
  shard: Shard | undefined,
): Promise<NumericalProof> {
  const { toolchain, device, prover, rocblas, set, target, kernels } = request;
  const setup = { toolchain, device: virtualDevice(device.library), target, rocblasLibrary: rocblas.folder };
  const names = namesOf(kernels.kernels);
  const { rows, unprovable, own: mine } = planRows(set, new Set(names.hashes.keys()), target);
  const how = { jobs: context.jobs, ...(shard === undefined ? {} : { shard }) };
  const table = { setup, rows, kernels: names, system, ...how, folder: join(work, "table") };
  const driven = (await proveNumerically(table, context)).map((row) => (isPlanned(set.name) ? row : unbuilt(row)));
  const database = readRows(kernels.path);
  const plans = planProver(database, target, set.dialect);
  const own = { setup, program: prover.program, plans, database, ...how, folder: join(work, "prover") };
  const bunzip = bunzipFor(toolchain);
  const proven = await proveWithProver(own, { ...context, bunzip });
  if (shard !== undefined) return { rows: [...driven, ...proven], files: [], unproven: [] };
  const lines: ProofRow[] = [];
  for (const [index, one] of mine.entries()) {
    const place = { setup, program: prover.program, database, folder: join(work, `line-${index}`) };
    lines.push(await proveCommandWithProver(place, one, { ...context, bunzip }));
  }
  const controls = await numericalControls({ table, prover: own, driven }, { ...context, bunzip });
  const all = [...driven, ...proven, ...lines, ...unprovable.map((one) => skippedRow(target, one)), ...controls];
  return { rows: all, ...coverageOf(kernels.kernels, all, target) };
}

/** A row of a user's file that asked for a kernel which the harvest could not build: nothing ran that could be to blame. */
function unbuilt(row: ProofRow): ProofRow {
  const lacks = row.result === "failed" && row.kernels.length === 0 && row.reason?.startsWith("the set lacks") === true;
  return lacks ? { ...row, result: "skipped" } : row;
}

/** One line on how it went, and a warning for each row that failed. */
function report({ log }: Context, { rows, unproven }: NumericalProof, { target, kernels }: VerifyRequest): void {
  const failed = rows.filter(({ result }) => result === "failed");
  for (const row of failed.slice(0, 20)) log.warning(`${target}: ${rowText(row)}`);
  if (failed.length > 20) log.warning(`${target}: and ${failed.length - 20} more rows failed`);
  const skipped = rows.filter(({ result }) => result === "skipped");
  for (const row of skipped.slice(0, 20)) log.info(`${target}: skipped: ${rowText(row)}`);
  const total = kernels.kernels.length;
  const passed = rows.length - failed.length - skipped.length;
  log.info(
    `${target}: ${passed} of ${rows.length} numerical rows passed${skipped.length === 0 ? "" : `, ${skipped.length} skipped`}; ${total - unproven.length} of ${total} kernels are proven`,
  );
}
