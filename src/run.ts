import { join } from "node:path";
import * as core from "@actions/core";
import { build } from "./commands/build.ts";
import { type DoctorResult, doctor } from "./commands/doctor.ts";
import { applies, type DriftResult, drift, isAbsent, isSound } from "./commands/drift.ts";
import { type InstallResult, install } from "./commands/install.ts";
import { publish } from "./commands/publish.ts";
import { runShard, type ShardResult } from "./commands/shard.ts";
import { verify } from "./commands/verify.ts";
import { type Context, makeContext } from "./context.ts";
import { machineError } from "./errors.ts";
import type { Inputs } from "./inputs.ts";
import { interruptedMarkdown } from "./job-summary/failure.ts";
import { summaryMarkdown } from "./job-summary/success.ts";
import { writeJobSummary } from "./job-summary/write.ts";
import type { Log } from "./ports/log.ts";
import type { RunRecord } from "./record.ts";
import { type Result, terminalSummary } from "./summary.ts";
import { countProofs } from "./verify/proofs.ts";

export interface RunOptions {
  log: Log;
  projectRoot: string;
  env: NodeJS.ProcessEnv;
  inAction: boolean;
  /** Filled as the run goes on */
  record: RunRecord;
  /** Takes secrets out of a text */
  redact: (text: string) => string;
}

/** Carries out one command and reports its results through the door we came in by. */
export async function run(inputs: Inputs, options: RunOptions): Promise<void> {
  const { log, projectRoot, env, inAction, record, redact } = options;
  const started = performance.now();
  record.command = inputs.command;
  const context = await makeContext(inputs, log, projectRoot, env, inAction, record);
  const stop = (signal: NodeJS.Signals) => {
    context.close();
    if (inAction) writeJobSummary(redact(interruptedMarkdown(signal, record)), env, log);
    log.error(`ended by ${signal}; finished stages are kept, the same command goes on from there`);
    process.exit(1);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const { shard } = inputs;
    const command = shard === null ? COMMANDS[inputs.command] : (context: Context) => runShard(context, shard);
    const result = await record.during(inputs.command, () => command(context));
    const seconds = (performance.now() - started) / 1000;
    if (inAction) {
      for (const [name, value] of Object.entries(outputsOf(result, record))) core.setOutput(name, value);
      writeJobSummary(redact(summaryMarkdown(result, record, seconds)), env, log);
    } else process.stdout.write(terminalSummary(result, context.timings, seconds));
    if ("drift" in result) refuseDrift(result);
    if ("checks" in result) refuseDoctor(result);
  } finally {
    context.close();
  }
}

const COMMANDS: Record<Inputs["command"], (context: Context) => Promise<Result>> = {
  build,
  kernels: build,
  verify,
  drift,
  publish,
  install,
  doctor,
};

/** The exit code of `doctor`: its table has been printed. */
function refuseDoctor({ checks }: DoctorResult): void {
  const wrong = checks.filter(({ state }) => state === "bad").map(({ what }) => what);
  if (wrong.length === 0) return;
  throw machineError(
    `RDNA1 will not work on this machine as it is: ${wrong.join(", ")}`,
    "each line above says what to do",
  );
}

/** The exit code of `drift`: its table has been printed. */
function refuseDrift({ drift: rows, file }: DriftResult): void {
  const bad = rows.filter((row) => !isSound(row));
  if (bad.length === 0) return;
  const absent = bad.filter(isAbsent).length;
  const rejected = bad.filter((row) => !applies(row)).length - absent;
  const all = `of ${rows.length} sources`;
  const words = [
    ...(rejected > 0 ? [`the patches do not apply to ${rejected} ${all}`] : []),
    ...(bad.length > rejected + absent
      ? [`for ${bad.length - rejected - absent} ${all} there is no series, though the newest applies`]
      : []),
    ...(absent > 0 ? [`${absent} ${all} could not be had`] : []),
  ];
  throw machineError(words.join("; "), `every row is in ${file}`);
}

/** The action's outputs; those that a command has nothing for stay unset. */
function outputsOf(result: Result, { cacheHit }: RunRecord): Record<string, string> {
  if ("drift" in result || "checks" in result) return {};
  if ("record" in result) return installOutputs(result);
  if ("shard" in result) return shardOutputs(result, cacheHit);
  if ("release" in result) return { release: result.release.url, tarball: result.tarball, sha256: result.sha256 };
  const { passed } = countProofs(result.rows);
  const proofs = `${passed}/${result.rows.length}`;
  if (!("manifest" in result)) return { proofs, "cache-hit": String(cacheHit) };
  const { manifest } = result;
  return {
    tarball: result.tarball,
    sha256: manifest.tarball.sha256,
    prefix: result.prefix,
    library: result.library,
    kernels: String(Object.values(manifest.kernels).reduce((sum, set) => sum + set.rows, 0)),
    proofs,
    "cache-hit": String(cacheHit),
    "cache-key": result.cacheKey,
    report: result.report,
  };
}

function shardOutputs({ kernels }: ShardResult, cacheHit: boolean): Record<string, string> {
  return { ...(kernels === null ? {} : { kernels: String(kernels) }), "cache-hit": String(cacheHit) };
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
