import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { actionsTier, type TransferLimits } from "../../src/cache/actions.ts";
import { type Stage, StageStore } from "../../src/cache/stages.ts";
import { Tiers } from "../../src/cache/tiers.ts";
import { RunRecord } from "../../src/record.ts";
import { recordedLog, type Scope, scratch } from "../toolchain/helpers.ts";

const program = join(import.meta.dirname, "../../src/main.ts");

/** Environment of a job in `workspace` and `temp` of a folder, with a cache service of version 2 at `address`. */
export function jobEnvironment(folder: string, address: string): Record<string, string> {
  return {
    ...{ PATH: process.env.PATH ?? "", GITHUB_SERVER_URL: "https://github.com" },
    ...{ GITHUB_WORKSPACE: join(folder, "workspace"), RUNNER_TEMP: join(folder, "temp") },
    ...{ ACTIONS_CACHE_SERVICE_V2: "true", ACTIONS_RESULTS_URL: address, ACTIONS_RUNTIME_TOKEN: "runtime-token" },
  };
}

/** A job's machine whose cache folder is new, with the real client between it and the cache service at `address`. */
export async function machine(t: Scope, address: string, settings: Record<string, string> = {}) {
  const folder = await scratch(t);
  const root = join(folder, "cache");
  for (const name of ["workspace", "temp"]) await mkdir(join(folder, name));
  const env = { ...jobEnvironment(folder, address), ...settings };
  /** The next job: nothing is left of the last one but what the service has. */
  const job = async (options: { limits?: Partial<TransferLimits>; env?: Record<string, string> } = {}) => {
    await rm(root, { recursive: true, force: true });
    const log = recordedLog();
    const record = new RunRecord();
    const { limits = {} } = options;
    const tier = actionsTier({ ...env, ...options.env }, log, { program, limits });
    const tiers = new Tiers([tier], log, record);
    return { log, record, tier, tiers, stages: new StageStore(root, log, record, tiers) };
  };
  return { folder, root, job };
}

/** A stage whose result is one file; it counts how often it was run. */
export function stage(
  input = "a",
  content: string | Buffer = input.repeat(10_000),
): Stage<{ value: number }> & { runs: number } {
  const made = {
    name: "work",
    shared: true,
    parts: { input },
    runs: 0,
    run: async (out: string) => {
      made.runs += 1;
      await writeFile(join(out, "result.txt"), content);
      return { value: 7 };
    },
  };
  return made;
}
