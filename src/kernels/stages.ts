import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { virtualDevice } from "../device/device.ts";
import { makeRocblasOverlay } from "../device/rocblas-overlay.ts";
import type { BuiltDevice } from "../device/stage.ts";
import { machineError } from "../errors.ts";
import { sha256, sha256File } from "../ports/files.ts";
import { TARGETS, type Target } from "../rdna1/targets.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { type CompletenessInput, hashesOf, proveCompleteness } from "../verify/completeness.ts";
import { type GivenProofs, seedLedger } from "../verify/proof-part.ts";
import type { ProofRow } from "../verify/proofs.ts";
import { type AuditedKernel, auditKernels } from "./audit.ts";
import { writeKernelDatabase } from "./database.ts";
import { makeKernels } from "./make.ts";
import type { Part } from "./part.ts";
import type { KernelSet } from "./set.ts";

/** rocBLAS's folder of Tensile libraries for one target. */
export interface RocblasLibrary {
  folder: string;
  /** Made by us: a relabelled copy of the gfx1010 part */
  overlay: boolean;
}

/** A finished `<target>.kdb`. */
export interface KernelDatabase {
  path: string;
  bytes: number;
  sha256: string;
  kernels: readonly AuditedKernel[];
  /** Keys that were compiled but can never be found again, and why */
  refused: readonly { key: string; reason: string }[];
  key: string;
  hit: boolean;
}

/** Which kernels are made, and with what. */
export interface KernelRequest {
  toolchain: SoundToolchain;
  device: BuiltDevice;
  rocblas: RocblasLibrary;
  set: KernelSet;
  target: Target;
}

/** Raise when harvest, merge, derivation, audit or the database's bytes change what comes out. */
const KERNELS_SCHEMA = "2";

/** Raise when the verdict of the completeness proof changes; its commands are in the kernel set's digest. */
export const COMPLETENESS_SCHEMA = "2";

/** What a kernel set of a target depends on, and so does each part of it. */
export function kernelParts({ toolchain, device, set }: Pick<KernelRequest, "toolchain" | "device" | "set">) {
  return {
    toolchain: toolchain.digest,
    device: device.answersDigest,
    "kernel-set": set.digest,
    schema: KERNELS_SCHEMA,
  };
}

/** The toolchain's own folder for gfx1010; a relabelled copy for the others (docs/targets.md). */
export async function rocblasStage(
  context: Context,
  toolchain: SoundToolchain,
  target: Target,
): Promise<RocblasLibrary> {
  const folder = toolchain.paths.rocblasLibrary;
  if (folder === null) {
    throw machineError(`no rocBLAS library folder in ${toolchain.root}`, "install rocBLAS, or use toolchain 'debian'");
  }
  if (target === "gfx1010") return { folder, overlay: false };
  const outcome = await context.stages.run({
    name: "rocblas",
    variant: target,
    parts: { toolchain: toolchain.digest, schema: "1" },
    run: async (out) => {
      await toolchain.ensureSound();
      return await makeRocblasOverlay(folder, TARGETS[target], join(out, "library"));
    },
  });
  context.timings[`rocblas ${target}`] = outcome.seconds;
  return { folder: join(outcome.folder, "library"), overlay: true };
}

/**
 * Harvest, merge, audit: `<target>.kdb` and the list of what is in it. With the parts of all shards only the merge and what
 * follows is done here; a set made so never passes for one that was harvested here, although it has the same bytes.
 */
export async function kernelsStage(
  context: Context,
  request: KernelRequest,
  parts?: readonly Part[],
): Promise<KernelDatabase> {
  const { toolchain, set, target } = request;
  const outcome = await context.stages.run({
    name: "kernels",
    shared: true,
    variant: target,
    parts: {
      ...kernelParts(request),
      ...(parts === undefined ? {} : { shards: sha256(parts.map((part) => part.kernels.sha256).join("\n")) }),
    },
    run: async (folder) => {
      await toolchain.ensureSound();
      const work = join(folder, "harvest");
      const { kernels, refused } = await makeKernels(context, request, work, parts);
      for (const { key, reason } of refused) context.log.warning(`left out: ${key}: ${reason}`);
      const audit = await auditKernels(kernels, target, {
        toolchain,
        exec: context.exec,
        jobs: context.jobs,
        scratch: folder,
      });
      if (audit.faults.length > 0) {
        throw machineError(
          `${audit.faults.length} faults in the compiled kernels:\n${audit.faults.slice(0, 20).join("\n")}`,
          "nothing was packaged; report this with the toolchain's version",
        );
      }
      await writeKernelDatabase(join(folder, `${target}.kdb`), kernels);
      await writeFile(join(folder, "kernels.json"), JSON.stringify({ kernels: audit.kernels, refused }));
      const bytes = kernels.reduce((sum, kernel) => sum + kernel.blob.length, 0);
      context.log.info(
        `${target}: ${kernels.length} kernels from ${set.commands.length} commands${parts === undefined ? "" : ` in ${parts.length} parts`}, ${bytes} bytes, audit clean`,
      );
      await rm(work, { recursive: true, force: true });
      return { sha256: await sha256File(join(folder, `${target}.kdb`)) };
    },
  });
  context.timings[`kernels ${target}`] = outcome.seconds;
  const list = await readFile(join(outcome.folder, "kernels.json"), "utf8");
  const { kernels, refused } = JSON.parse(list) as Pick<KernelDatabase, "kernels" | "refused">;
  const path = join(outcome.folder, `${target}.kdb`);
  const bytes = (await stat(path)).size;
  return { path, bytes, sha256: outcome.result.sha256, kernels, refused, key: outcome.key, hit: outcome.hit };
}

/** What a completeness proof of a finished set is given. */
export function completenessInput(
  context: Context,
  { toolchain, device, rocblas, set, target, kernels }: KernelRequest & { kernels: KernelDatabase },
  folder: string,
): CompletenessInput {
  return {
    setup: { toolchain, device: virtualDevice(device.library), target, rocblasLibrary: rocblas.folder },
    commands: [...set.commands, ...set.probes],
    environment: set.environment,
    database: kernels.path,
    hashes: hashesOf(kernels.kernels),
    unbuilt: new Set(kernels.refused.map(({ key }) => key)),
    jobs: context.jobs,
    folder,
  };
}

/**
 * Runs the set's commands against the finished database with compilation refused. Throws when a row fails. Rows that shards
 * have proven of this very database are taken from them.
 */
export async function completenessStage(
  context: Context,
  request: KernelRequest & { kernels: KernelDatabase; leftOut?: ReadonlySet<string> },
  given: GivenProofs | null = null,
): Promise<ProofRow[]> {
  const { toolchain, device, set, target, kernels, leftOut = new Set<string>() } = request;
  const outcome = await context.stages.run({
    name: "completeness",
    shared: true,
    variant: target,
    parts: {
      toolchain: toolchain.digest,
      device: device.answersDigest,
      "kernel-set": set.digest,
      database: kernels.sha256,
      schema: COMPLETENESS_SCHEMA,
      ...(given === null ? {} : { shards: given.digest }),
    },
    run: async (folder) => {
      await toolchain.ensureSound();
      const work = join(folder, "work");
      if (given !== null) await seedLedger(join(work, "rows.jsonl"), given.ledgers.completeness);
      const rows = await proveCompleteness({ ...completenessInput(context, request, work), leftOut }, context);
      const failed = rows.filter((row) => row.result === "failed");
      if (failed.length > 0) {
        const lines = failed.slice(0, 20).map((row) => `${row.command}: ${row.reason}`);
        await rm(work, { recursive: true, force: true });
        throw machineError(
          `${failed.length} of ${rows.length} completeness rows failed for ${target}:\n${lines.join("\n")}`,
          "nothing was packaged; report this with the lines above",
        );
      }
      const passed = rows.filter((row) => row.result === "passed").length;
      context.log.info(`${target}: ${passed} of ${rows.length} completeness rows passed, no kernel compiled`);
      await writeFile(join(folder, "rows.json"), JSON.stringify(rows));
      await rm(work, { recursive: true, force: true });
      return {};
    },
  });
  context.timings[`completeness ${target}`] = outcome.seconds;
  return JSON.parse(await readFile(join(outcome.folder, "rows.json"), "utf8")) as ProofRow[];
}
