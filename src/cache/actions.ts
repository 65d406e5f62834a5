import * as cache from "@actions/cache";
import { messageOf } from "../errors.ts";
import type { Log } from "../ports/log.ts";
import type { StageTier } from "./stages.ts";

/** Milliseconds that one restore or save may take before the run goes on without it. */
const TIME_LIMIT = 10 * 60_000;

/**
 * The Actions cache as a tier, where the policy `auto` wants it: on hosted runners, whose disk is new every time. A
 * self-hosted runner keeps its tool cache, which is faster than any network. Says which way it decided.
 */
export function actionsTiers(env: NodeJS.ProcessEnv, log: Log): StageTier[] {
  if (env.RUNNER_ENVIRONMENT === "self-hosted") {
    log.info("Actions cache: off on a self-hosted runner; its tool cache is used");
    return [];
  }
  if (!cache.isFeatureAvailable()) {
    log.info("Actions cache: this runner offers none");
    return [];
  }
  return [actionsTier()];
}

/** Exact keys only; a fault or a denied write is reported and never stops the run. */
export function actionsTier(): StageTier {
  return {
    name: "Actions cache",
    restore: async (key, folder) => {
      try {
        const found = await within(cache.restoreCache([folder], key), TIME_LIMIT);
        return found === undefined
          ? { found: false, why: `no usable entry ${key}` }
          : { found: true, why: `restored ${key}` };
      } catch (error) {
        return { found: false, why: `not restored (${messageOf(error)})` };
      }
    },
    save: async (key, folder) => {
      try {
        const id = await within(cache.saveCache([folder], key), TIME_LIMIT);
        // -1: the client has said why (denied for this trigger, or another job was faster)
        return id === -1 ? `not saved as ${key}` : `saved as ${key}`;
      } catch (error) {
        return `not saved (${messageOf(error)})`;
      }
    },
  };
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${milliseconds / 1000} s`)), milliseconds);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
