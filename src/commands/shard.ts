import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { copyPart, partName } from "../kernels/part.ts";
import { type Shard, shardText } from "../kernels/shard.ts";
import { shardStage } from "../kernels/shard-stage.ts";
import { writeWhole } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import { size } from "../units.ts";
import { proofPartName } from "../verify/proof-part.ts";
import { proverStage } from "../verify/prover-build.ts";
import { proofOrigin, proofShardStage } from "../verify/shard-stage.ts";
import { mergedKernels, prepare, requestFor } from "./build.ts";

/** What one shard came to. */
export interface ShardResult {
  shard: Shard;
  /** One a target, in words */
  done: readonly { target: Target; how: string }[];
  /** Kernels that were compiled, over all targets; null for a share of the proofs */
  kernels: number | null;
  /** The output folder with the parts, absolute */
  folder: string;
}

/**
 * `build` and `kernels` with a shard: compiles its share of each target's kernel set or, with the parts of all shards, proves
 * its share of the whole set. Leaves the share in the output folder; the same commands with `parts` alone put all together.
 */
export async function runShard(context: Context, shard: Shard): Promise<ShardResult> {
  const result = await (context.inputs.parts === null ? compileShare : proveShare)(context, shard);
  context.log.info(`output: shard ${shardText(shard)} written to ${context.inputs.output}`);
  return { ...result, shard, folder: context.inputs.output };
}

type Share = Pick<ShardResult, "done" | "kernels">;

async function compileShare(context: Context, shard: Shard): Promise<Share> {
  const { inputs } = context;
  const made = await prepare(context);
  const done: { target: Target; how: string; rows: number }[] = [];
  for (const target of inputs.targets) {
    const { request, origin } = await requestFor(context, made, target);
    const { folder, facts } = await shardStage(context, request, { shard, origin });
    await copyPart(partName(target, shard), folder, inputs.output);
    const { commands, kernels } = facts;
    const how = `${kernels.rows} kernels of ${commands.share} commands out of ${commands.all}, ${size(kernels.bytes)}`;
    done.push({ target, how, rows: kernels.rows });
  }
  return { done, kernels: done.reduce((sum, { rows }) => sum + rows, 0) };
}

async function proveShare(context: Context, shard: Shard): Promise<Share> {
  const { inputs } = context;
  const made = await prepare(context);
  const prover = await proverStage(context, made.toolchain);
  const done: { target: Target; how: string }[] = [];
  for (const target of inputs.targets) {
    const { request, origin } = await requestFor(context, made, target);
    const kernels = await mergedKernels(context, request, origin, made.found.get(target));
    const proof = { ...request, prover, kernels };
    const share = await proofShardStage(context, proof, { shard, origin: proofOrigin(origin, proof) });
    const file = proofPartName(target, shard);
    await writeWhole(join(inputs.output, file), await readFile(join(share.folder, file)));
    const { passed, failed, skipped } = share;
    done.push({ target, how: `proofs: ${passed} passed, ${failed} failed, ${skipped} skipped` });
  }
  return { done, kernels: null };
}
