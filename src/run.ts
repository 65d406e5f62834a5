import { join } from "node:path";
import * as core from "@actions/core";
import { build } from "./commands/build.ts";
import { type DriftResult, drift, isSound } from "./commands/drift.ts";
import { type InstallResult, install } from "./commands/install.ts";
import { type PublishResult, publish } from "./commands/publish.ts";
import { type VerifyResult, verify } from "./commands/verify.ts";
import { type Context, makeContext, removeTemporary } from "./context.ts";
import { machineError, userError } from "./errors.ts";
import type { Inputs } from "./inputs.ts";
import type { Log } from "./ports/log.ts";
import type { PackageResult } from "./release/stage.ts";
import { summaryMarkdown, terminalSummary } from "./summary.ts";
import { countProofs } from "./verify/proofs.ts";

export interface RunOptions {
  log: Log;
  projectRoot: string;
  env: NodeJS.ProcessEnv;
  inAction: boolean;
}

/** Carries out one command and reports its results through the door we came in by. */
export async function run(inputs: Inputs, { log, projectRoot, env, inAction }: RunOptions): Promise<void> {
  const started = performance.now();
  const context = await makeContext(inputs, log, projectRoot, env, inAction);
  const stop = (signal: NodeJS.Signals) => {
    context.close();
    log.error(`ended by ${signal}; finished stages are kept, the same command goes on from there`);
    process.exit(1);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const command = COMMANDS[inputs.command];
    if (command === undefined) {
      throw userError(
        `command: '${inputs.command}' is not in this version yet`,
        `use ${Object.keys(COMMANDS).join(" or ")}`,
      );
    }
    const result = await command(context);
    const seconds = (performance.now() - started) / 1000;
    if (inAction) await reportToRunner(result, context.timings, seconds);
    else process.stdout.write(terminalSummary(result, context.timings, seconds));
    if ("drift" in result) refuseDrift(result);
  } finally {
    context.close();
  }
}

type Result = PackageResult | VerifyResult | DriftResult | PublishResult | InstallResult;

const COMMANDS: Partial<Record<Inputs["command"], (context: Context) => Promise<Result>>> = {
  build,
  kernels: build,
  verify,
  drift,
  publish,
  install,
};

/** The exit code of `drift`: its table has been printed. */
function refuseDrift({ drift: rows, file }: DriftResult): void {
  const bad = rows.filter((row) => !isSound(row));
  if (bad.length === 0) return;
  throw machineError(`the patches do not apply to ${bad.length} of ${rows.length} sources`, `every row is in ${file}`);
}

async function reportToRunner(result: Result, timings: Record<string, number>, seconds: number): Promise<void> {
  for (const [name, value] of Object.entries(outputsOf(result))) core.setOutput(name, value);
  await core.summary.addRaw(summaryMarkdown(result, timings, seconds)).write();
}

/** The action's outputs; those that a command has nothing for stay unset. */
function outputsOf(result: Result): Record<string, string> {
  if ("drift" in result) return {};
  if ("record" in result) return installOutputs(result);
  if ("release" in result) return { release: result.release.url, tarball: result.tarball, sha256: result.sha256 };
  const { passed } = countProofs(result.rows);
  const proofs = `${passed}/${result.rows.length}`;
  if (!("manifest" in result)) return { proofs };
  const { manifest } = result;
  return {
    tarball: result.tarball,
    sha256: manifest.tarball.sha256,
    prefix: result.prefix,
    library: result.library,
    kernels: String(Object.values(manifest.kernels).reduce((sum, set) => sum + set.rows, 0)),
    proofs,
    "cache-hit": String(result.cacheHit),
    "cache-key": result.cacheKey,
    report: result.report,
  };
}

function installOutputs({ folder, record, hit }: InstallResult): Record<string, string> {
  const { miopen, rocm, targets, kernels, library } = record.manifest;
  return {
    prefix: folder,
    activate: join(folder, "activate"),
    library: library === null ? "" : join(folder, library.file),
    sha256: record.sha256,
    kernels: String(Object.values(kernels).reduce((sum, set) => sum + set.rows, 0)),
    targets: targets.join(","),
    "miopen-version": miopen.version,
    "rocm-version": rocm.version,
    attested: String(record.attested !== null),
    "cache-hit": String(hit),
    tag: record.tag ?? "",
    release: record.page ?? "",
  };
}

/** The post step: small. Everything was saved when its stage ended; here only leftovers of a killed main step go. */
export async function afterwards(log: Log, env: NodeJS.ProcessEnv): Promise<number> {
  const removed = await removeTemporary(env.RUNNER_TEMP);
  log.info(removed === 0 ? "nothing to clean up" : `removed ${removed} temporary folders`);
  return 0;
}
