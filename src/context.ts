import { mkdtempSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as core from "@actions/core";
import { actionsTiers } from "./cache/actions.ts";
import { ensureFolder } from "./cache/folder.ts";
import { cacheRoot } from "./cache/root.ts";
import { StageStore } from "./cache/stages.ts";
import { Tiers } from "./cache/tiers.ts";
import { codeOf, machineError, messageOf, type RdnaError } from "./errors.ts";
import type { Inputs } from "./inputs.ts";
import { DebuggingExec } from "./ports/debugging-exec.ts";
import { type Exec, NodeExec } from "./ports/exec.ts";
import { removeTree, removeTreeNow } from "./ports/files.ts";
import type { Log } from "./ports/log.ts";
import { freeMemory } from "./ports/memory.ts";
import { RunRecord } from "./record.ts";

/** What every command works with: inputs, ports and the cache of this run. */
export interface Context {
  inputs: Inputs;
  exec: Exec;
  log: Log;
  /** Folder of the project: `action.yml`, `src/device`, `patches` lie in it */
  projectRoot: string;
  /** Folder of everything that is kept between runs */
  cacheRoot: string;
  stages: StageStore;
  /** Places beyond this machine where results may lie */
  tiers: Tiers;
  /** Processes at once */
  jobs: number;
  /** Version of this program */
  version: string;
  /** The environment, for what belongs to programs and not to us: proxies, `ROCM_PATH`, `SOURCE_DATE_EPOCH` */
  env: NodeJS.ProcessEnv;
  /** Whether we run as a step of a GitHub job */
  inAction: boolean;
  /** Wall-clock seconds of each stage, 0 where it was skipped; filled as the run goes on */
  timings: Record<string, number>;
  /** What the run did until now */
  record: RunRecord;
  /** Leaves a value for the post step; nothing outside of a job */
  saveState(name: "ccache", value: string): void;
  /** Ends what the run started and removes what it need not keep; safe to call twice. */
  close(): void;
}

/** Begins the names of temporary folders. */
const TEMPORARY = "rdna1-miopen-";

/** Bytes of memory that one compiling MIOpenDriver may need (measured: 0.6 GB at the naive kernels). */
const MEMORY_PER_JOB = 1 << 30;

export async function makeContext(
  inputs: Inputs,
  log: Log,
  projectRoot: string,
  env: NodeJS.ProcessEnv,
  inAction: boolean,
  record = new RunRecord(),
): Promise<Context> {
  const programs = new NodeExec();
  const kept = cacheRoot(env);
  const temporary = inputs.cache === "off" ? temporaryFolder(env.RUNNER_TEMP || env.TMPDIR || "/tmp") : null;
  const root = temporary ?? kept;
  if (temporary !== null) log.info("cache: off; nothing is read from earlier runs, nothing is kept");
  await ensureFolder(root).catch((error: unknown) => {
    throw noFolder("cache", root, error, "name a folder that can be written with RDNA1_MIOPEN_CACHE");
  });
  const policy = inAction && !inputs.offline && (inputs.cache === "auto" || inputs.cache === "actions") && inputs.cache;
  const tiers = new Tiers(policy === false ? [] : await actionsTiers(policy, env, log, programs), log, record);
  const { version } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as { version: string };
  return {
    inputs,
    exec: env.RUNNER_DEBUG === "1" ? new DebuggingExec(programs, log) : programs,
    log,
    projectRoot,
    cacheRoot: root,
    stages: new StageStore(root, log, record, tiers),
    tiers,
    version,
    env,
    inAction,
    jobs: inputs.jobs ?? planJobs(availableParallelism(), freeMemory()),
    timings: {},
    record,
    saveState: inAction ? core.saveState : () => {},
    close: () => {
      programs.endAll();
      if (temporary !== null) removeTreeNow(temporary);
    },
  };
}

function temporaryFolder(home: string): string {
  try {
    return mkdtempSync(join(home, TEMPORARY));
  } catch (error) {
    throw noFolder("temporary files", home, error, "name a folder that can be written with TMPDIR");
  }
}

function noFolder(what: string, folder: string, error: unknown, remedy: string): RdnaError {
  return machineError(
    `${what}: no folder can be made at ${folder} (${codeOf(error) ?? messageOf(error)})`,
    remedy,
    error,
  );
}

/** One process a core, as long as each has the memory that a compiling one needs. */
export function planJobs(cores: number, freeMemory: number): number {
  return Math.max(1, Math.min(cores, Math.floor(freeMemory / MEMORY_PER_JOB)));
}

/** Removes temporary folders that a killed run left in the runner's own temporary folder; returns how many. */
export async function removeTemporary(folder: string | undefined): Promise<number> {
  if (!folder) return 0;
  const names = (await readdir(folder)).filter((name) => name.startsWith(TEMPORARY));
  for (const name of names) await removeTree(join(folder, name));
  return names.length;
}
