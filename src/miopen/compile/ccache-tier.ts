import { mkdir, rm } from "node:fs/promises";
import { basename } from "node:path";
import type { CacheEntry } from "../../cache/tiers.ts";
import type { Context } from "../../context.ts";
import { messageOf } from "../../errors.ts";
import { filesBelow } from "../../ports/files.ts";
import { ccacheEnvironment } from "./ccache.ts";
import type { BuildEnvironment } from "./environment.ts";

/** What one compilation's ccache entry is known by. */
export interface CcacheIdentity {
  /** Digest of the compiler: nothing is ever taken from another compiler's entry */
  compiler: string;
  /** Digest of source, patches and options */
  content: string;
}

/**
 * The entry of this run. Entries cannot be changed, so each run has its own; what is restored is the newest of the same
 * content, else the newest of the same compiler.
 */
export function ccacheEntry(
  { compiler, content }: CcacheIdentity,
  folder: string,
  env: NodeJS.ProcessEnv,
): Required<CacheEntry> {
  const own = `rdna1-miopen-ccache-${compiler.slice(0, 16)}-`;
  const same = `${own}${content.slice(0, 12)}-`;
  const run = [env.GITHUB_RUN_ID ?? "0", env.GITHUB_RUN_ATTEMPT ?? "1"].join("-");
  return { key: `${same}${run}`, folder, prefixes: [same, own] };
}

/**
 * Compiles with the ccache of earlier runs where a tier has it, and saves what was added, also when the compilation fails.
 * Should the job be cancelled in the middle, the post step does the latter (run.ts).
 */
export async function withCarriedCcache<T>(
  context: Pick<Context, "tiers" | "env" | "exec" | "log" | "saveState">,
  environment: BuildEnvironment,
  identity: CcacheIdentity,
  work: () => Promise<T>,
): Promise<T> {
  const { tiers, log, exec } = context;
  const folder = environment.host.ccache;
  if (!tiers.any || folder === null) return await work();
  const entry = ccacheEntry(identity, folder, context.env);
  if ((await resultsIn(folder)) === 0) {
    await rm(folder, { recursive: true, force: true });
    const look = async () => ((await resultsIn(folder)) === 0 ? "it holds no results" : { folder });
    await tiers.restore("ccache", entry, look);
    await mkdir(folder, { recursive: true });
  }
  const before = await resultsIn(folder);
  const started = performance.now();
  context.saveState("ccache", JSON.stringify(entry));
  const save = async () => {
    if ((await resultsIn(folder)) <= before) return log.info("ccache: nothing new to save");
    // What this compilation did not use only makes the entry larger.
    const age = Math.ceil((performance.now() - started) / 1000) + 60;
    const evict = environment.command(
      "ccache",
      ["--evict-older-than", `${age}s`],
      ccacheEnvironment(environment, identity.compiler),
    );
    await exec.run(evict, { timeoutMs: 60_000 }).catch(() => null);
    await tiers.save("ccache", entry);
  };
  try {
    return await work();
  } finally {
    // Whether the compilation succeeded does not hang on this
    await save().catch((error: unknown) => log.warning(`ccache: not saved: ${messageOf(error)}`));
    context.saveState("ccache", "");
  }
}

/** Files of compilations, named by their digests; ccache's own (statistics, configuration) do not count. */
async function resultsIn(folder: string): Promise<number> {
  return (await filesBelow(folder)).filter((file) => /^[0-9a-zA-Z]{20,}$/.test(basename(file))).length;
}
