import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { machineError } from "../errors.ts";
import type { Origin } from "../record.ts";
import type { Profile } from "./debian/packages.ts";
import { resolveToolchain, type ToolchainOptions, verifiedToolchain } from "./resolve.ts";
import { sayWithoutRocblas } from "./rocblas.ts";
import type { Toolchain } from "./toolchain.ts";
import { folderOf } from "./tree.ts";

/** A toolchain that can be checked once, when a stage is about to use it. */
export interface SoundToolchain extends Toolchain {
  /** Checks every file against its digest and repairs the tree where it can; later calls are free. */
  ensureSound(): Promise<void>;
}

/** The toolchain that was asked for, without network where it lies in the cache; `build` can compile MIOpen too. */
export function toolchainStage(context: Context, profile: Profile = "run"): Promise<SoundToolchain> {
  return context.record.during("toolchain", () => toolchainFor(context, profile));
}

async function toolchainFor(context: Context, profile: Profile): Promise<SoundToolchain> {
  const { inputs, exec, log } = context;
  const options: ToolchainOptions = {
    toolchain: inputs.toolchain,
    rocmVersion: inputs.rocmVersion,
    profile,
    cacheRoot: context.cacheRoot,
    mirror: inputs.debianMirror,
    amdMirror: inputs.amdMirror,
    amdKeyring: inputs.amdKeyring,
    offline: inputs.offline,
    jobs: context.jobs,
    env: context.env,
  };
  const started = performance.now();
  const startedAt = Date.now();
  let from: Origin = "installed";
  const came = (place: Origin) => {
    from = place;
  };
  const ports = { exec, log, tiers: context.tiers, came };
  const toolchain = await resolveToolchain(options, ports);
  await sayWithoutRocblas(toolchain, inputs.targets, log);
  const seconds = (performance.now() - started) / 1000;
  context.timings.toolchain = seconds;
  context.record.stages.push({ name: "toolchain", from, seconds, slow: from !== "installed" });
  let sound: Promise<void> | undefined;
  const check = async () => {
    // A tree of this very run has just been read back file by file for its digests.
    if (await madeSince(toolchain, startedAt)) return;
    const checked = await verifiedToolchain(toolchain, options, ports);
    if (checked.digest === toolchain.digest) return;
    throw machineError(
      "the toolchain was damaged, and the archive has newer packages than it was made from",
      "run the same command again: it starts from the new toolchain",
    );
  };
  const ensureSound = () => {
    sound ??= check();
    return sound;
  };
  return { ...toolchain, ensureSound };
}

async function madeSince(toolchain: Toolchain, time: number): Promise<boolean> {
  const folder = folderOf(toolchain);
  if (folder === null) return false;
  return (await stat(join(folder, "toolchain.json"))).mtimeMs >= time;
}
