import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { sha256File } from "../ports/files.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import { writeKernelDatabase } from "./database.ts";
import { harvestCommands } from "./make.ts";
import { type PartFacts, type PartOrigin, partName } from "./part.ts";
import { type Shard, shardText, shareDigest, shareOf } from "./shard.ts";
import { type KernelRequest, kernelParts } from "./stages.ts";

/** What the kernel sets and the parts of a request are made from; `own` is the ROCm around the MIOpen that runs. */
export function partOrigin(own: Toolchain, request: Pick<KernelRequest, "toolchain" | "device" | "set">): PartOrigin {
  const { toolchain: library, ...others } = kernelParts(request);
  return { ...others, library, toolchain: own.digest, miopen: request.toolchain.miopenVersion ?? "unknown" };
}

/** Harvests one shard's share of a kernel set: `<part>.kdb` and the facts beside it. The merge derives and audits. */
export async function shardStage(
  context: Context,
  request: KernelRequest,
  { shard, origin }: { shard: Shard; origin: PartOrigin },
): Promise<{ folder: string; facts: PartFacts }> {
  const { toolchain, set, target } = request;
  const share = shareOf(set.commands, shard);
  const name = partName(target, shard);
  const outcome = await context.stages.run({
    name: "kernels",
    shared: true,
    variant: `${target}-${shard.number}-of-${shard.of}`,
    parts: { ...kernelParts(request), share: shareDigest(share) },
    run: async (folder) => {
      await toolchain.ensureSound();
      const work = join(folder, "harvest");
      const { kernels, refused } = await harvestCommands(context, request, share, work);
      const file = join(folder, `${name}.kdb`);
      await writeKernelDatabase(file, kernels);
      const facts: PartFacts = {
        ...{ schema: 1, name: "rdna1-miopen", target, shard: shardText(shard), origin },
        commands: { share: share.length, all: set.commands.length, sha256: shareDigest(share) },
        kernels: { rows: kernels.length, bytes: (await stat(file)).size, sha256: await sha256File(file) },
        refused,
      };
      await writeFile(join(folder, `${name}.json`), `${JSON.stringify(facts, null, 1)}\n`);
      await rm(work, { recursive: true, force: true });
      context.log.info(`${target}: ${kernels.length} kernels from ${share.length} of ${set.commands.length} commands`);
      return facts;
    },
  });
  context.timings[`kernels ${target} ${shardText(shard)}`] = outcome.seconds;
  return { folder: outcome.folder, facts: outcome.result };
}
