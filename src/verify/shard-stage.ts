import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import type { PartOrigin } from "../kernels/part.ts";
import { type Shard, shardText } from "../kernels/shard.ts";
import { COMPLETENESS_SCHEMA, completenessInput } from "../kernels/stages.ts";
import { readTextIfThere, sha256 } from "../ports/files.ts";
import { proveCompleteness } from "./completeness.ts";
import { type ProofOrigin, type ProofPartFacts, proofPartName } from "./proof-part.ts";
import { countProofs, type ProofRow, rowText } from "./proofs.ts";
import { prove, type VerifyRequest, verifyParts } from "./stage.ts";

/** What the proofs of a request are made from; `set` is what its kernel set is made from. */
export function proofOrigin(set: PartOrigin, request: VerifyRequest): ProofOrigin {
  const { database, device, prover, plan, schema } = verifyParts(request);
  const table = sha256([plan, schema, COMPLETENESS_SCHEMA].join("\n"));
  return { ...set, database, simulator: device, prover, table };
}

/** What one shard has proven. */
export interface ProvenShare {
  /** Folder with the file of {@link proofPartName} */
  folder: string;
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Proves one shard's share of a finished set: every so-manieth row of the table, chunk of the prover's plans, and command of
 * the completeness proof. A row that fails is handed over like the others; what follows from it is decided over all of them.
 */
export async function proofShardStage(
  context: Context,
  request: VerifyRequest,
  { shard, origin }: { shard: Shard; origin: ProofOrigin },
): Promise<ProvenShare> {
  const { toolchain, target } = request;
  const outcome = await context.stages.run({
    name: "proofs",
    shared: true,
    variant: `${target}-${shard.number}-of-${shard.of}`,
    parts: { ...verifyParts(request), completeness: COMPLETENESS_SCHEMA },
    run: async (folder) => {
      await toolchain.ensureSound();
      const work = join(folder, "work");
      const { rows: numerical } = await prove(context, request, join(work, "numerical"), shard);
      const input = completenessInput(context, request, join(work, "completeness"));
      const complete = await proveCompleteness({ ...input, shard }, context);
      const ledger = async (file: string) => (await readTextIfThere(join(work, file))) ?? "";
      const facts: ProofPartFacts = {
        ...{ schema: 1, name: "rdna1-miopen", target, shard: shardText(shard), origin },
        ledgers: {
          numerical: await ledger("numerical/table/rows.jsonl"),
          prover: await ledger("numerical/prover/objects.jsonl"),
          completeness: await ledger("completeness/rows.jsonl"),
        },
      };
      await writeFile(join(folder, proofPartName(target, shard)), `${JSON.stringify(facts, null, 1)}\n`);
      await rm(work, { recursive: true, force: true });
      return counted(context, target, [...numerical, ...complete]);
    },
  });
  context.timings[`proofs ${target} ${shardText(shard)}`] = outcome.seconds;
  return { folder: outcome.folder, ...outcome.result };
}

function counted({ log }: Context, target: string, rows: readonly ProofRow[]) {
  const failed = rows.filter(({ result }) => result === "failed");
  for (const row of failed.slice(0, 20)) log.warning(`${target}: ${rowText(row)}`);
  return countProofs(rows);
}
