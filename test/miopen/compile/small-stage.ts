import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CacheTier, Tiers } from "../../../src/cache/tiers.ts";
import { type CompiledMiopen, compileStage } from "../../../src/miopen/compile/stage.ts";
import { chooseSeries } from "../../../src/miopen/patches/series.ts";
import { patchStage } from "../../../src/miopen/patches/stage.ts";
import { parseOrigin } from "../../../src/miopen/source/origin.ts";
import { sourceStage } from "../../../src/miopen/source/stage.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { RunRecord } from "../../../src/record.ts";
import type { SoundToolchain } from "../../../src/toolchain/stage.ts";
import { contextIn, projectRoot } from "../context.ts";
import { writeSeries } from "../small-miopen.ts";
import { nativeToolchain } from "./native.ts";

export interface SmallRun {
  miopen: CompiledMiopen;
  lines: readonly string[];
}

export interface SmallOptions {
  toolchain?: SoundToolchain;
  clangxx?: string;
  log?: Log;
  /** Carries ccache from run to run */
  tier?: CacheTier;
  /** What is left for the post step, in order */
  states?: string[];
  record?: RunRecord;
  /** Default: 2; "auto": as many as memory allows */
  jobs?: "auto";
}

/** Source, patches and compilation of `<folder>/source` with the series `<folder>/series` (none: empty), cache in `<folder>`. */
export async function compileSmall(folder: string, options: SmallOptions = {}): Promise<SmallRun> {
  const { context, log } = await contextIn(folder, options.jobs === "auto" ? {} : { jobs: "2" }, options.record);
  if (options.log !== undefined) context.log = options.log;
  if (options.tier !== undefined) context.tiers = new Tiers([options.tier], context.log, context.record);
  context.saveState = (_, value) => void options.states?.push(value);
  try {
    if (!existsSync(join(folder, "series"))) writeSeries(join(folder, "series"), {});
    const toolchain = options.toolchain ?? nativeToolchain(folder, options.clangxx);
    const source = await sourceStage(context, parseOrigin("./source", folder));
    const series = await chooseSeries(projectRoot, source.version, { bundled: false, folder: join(folder, "series") });
    const patched = await patchStage(context, source, series);
    return { miopen: await compileStage(context, toolchain, { source, series, patched }), lines: log.lines };
  } finally {
    context.close();
  }
}
