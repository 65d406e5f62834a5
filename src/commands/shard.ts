import type { Context } from "../context.ts";
import { copyPart, type PartFacts, partName } from "../kernels/part.ts";
import { type Shard, shardText } from "../kernels/shard.ts";
import { shardStage } from "../kernels/shard-stage.ts";
import { rocblasStage } from "../kernels/stages.ts";
import { prepare } from "./build.ts";

/** What one shard of a kernel set came to. */
export interface ShardResult {
  shard: Shard;
  /** One a target, in the output folder */
  parts: readonly PartFacts[];
  /** The output folder, absolute */
  folder: string;
}

/**
 * `build` and `kernels` with a shard: compiles its share of each target's kernel set and leaves it in the output folder.
 * The same commands with `parts` put all shares together, prove and package the whole.
 */
export async function compileShard(context: Context, shard: Shard): Promise<ShardResult> {
  const { inputs, log } = context;
  const { toolchain, running, set, device } = await prepare(context);
  const parts: PartFacts[] = [];
  for (const target of inputs.targets) {
    const rocblas = await rocblasStage(context, toolchain, target);
    const request = { toolchain: running, device, rocblas, set, target };
    const { folder, facts } = await shardStage(context, toolchain, request, shard);
    await copyPart(partName(target, shard), folder, inputs.output);
    parts.push(facts);
  }
  log.info(`output: shard ${shardText(shard)} written to ${inputs.output}`);
  return { shard, parts, folder: inputs.output };
}
