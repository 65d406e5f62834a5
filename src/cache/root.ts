import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The folder of everything that is kept between runs: in the runner's tool cache, which all runners of one
 * installation share, else in the user's cache folder.
 */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  if (env.RDNA1_MIOPEN_CACHE) return env.RDNA1_MIOPEN_CACHE;
  if (env.RUNNER_TOOL_CACHE) return join(env.RUNNER_TOOL_CACHE, "rdna1-miopen");
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "rdna1-miopen");
}
