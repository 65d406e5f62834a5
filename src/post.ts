import { setTimeout as sleep } from "node:timers/promises";
import { actionsTier } from "./cache/actions.ts";
import type { CacheEntry } from "./cache/tiers.ts";
import { removeTemporary } from "./context.ts";
import { messageOf } from "./errors.ts";
import { bytesBelow } from "./ports/files.ts";
import type { Log } from "./ports/log.ts";

/** Milliseconds that all of the post step may take: nobody should wait for a tidy-up. */
const DEADLINE = 4 * 60_000;

/**
 * The post step: small. Everything was saved when its stage ended; here only leftovers of a killed main step go, and what a
 * cancelled compilation had compiled is saved. It never fails a job that has done its work.
 */
export async function afterwards(
  log: Log,
  env: NodeJS.ProcessEnv,
  { deadline = DEADLINE, program }: { deadline?: number; program?: string } = {},
): Promise<number> {
  const work = tidy(log, env, deadline, program).catch((error: unknown) =>
    log.warning(`tidying up: ${messageOf(error)}`),
  );
  const late = sleep(deadline, "late" as const, { ref: false });
  if ((await Promise.race([work, late])) === "late") log.warning(`tidying up was ended after ${deadline / 1000} s`);
  return 0;
}

async function tidy(log: Log, env: NodeJS.ProcessEnv, deadline: number, program: string | undefined): Promise<void> {
  const removed = await removeTemporary(env.RUNNER_TEMP);
  log.info(removed === 0 ? "nothing to clean up" : `removed ${removed} temporary folders`);
  if (!env.STATE_ccache) return;
  const entry = JSON.parse(env.STATE_ccache) as CacheEntry;
  if ((await bytesBelow(entry.folder)) === 0) return;
  const limits = { saveMs: deadline };
  const { why } = await actionsTier(env, log, { limits, ...(program && { program }) }).save(entry);
  log.info(`ccache: Actions cache: ${why}`);
}
