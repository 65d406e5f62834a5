import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineError, type Place } from "../../errors.ts";
import type { Exec, ExecResult } from "../../ports/exec.ts";
import { diskFull, exists } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { type CcacheCounts, ccacheEnvironment, ccacheStatistics } from "./ccache.ts";
import type { BuildEnvironment } from "./environment.ts";
import {
  failedSilently,
  firstFailure,
  NINJA_STATUS,
  progressLine,
  readCause,
  readDiagnostics,
  readProgress,
} from "./ninja.ts";
import { type BuildPrograms, cmakeArguments, TARGETS } from "./options.ts";

export interface CompileRequest {
  environment: BuildEnvironment;
  /** Compilers, ROCm's root, as the environment names them */
  programs: { clang: string; clangxx: string; rocm: string };
  /** Digest of the compiler, for ccache */
  compiler: string;
  jobs: number;
  /** File that gets everything that the programs print */
  logFile: string;
  /** Names of the patches that change a file of the source */
  changedBy: (file: string) => readonly string[];
  /** What is compiled; default: the library and its driver */
  project?: Project;
}

/** A project of cmake: how it is configured, and which of its targets are built. */
export interface Project {
  configure(environment: BuildEnvironment, programs: BuildPrograms): string[];
  targets: readonly string[];
}

const LIBRARY: Project = {
  configure: ({ inside }, programs) => cmakeArguments(inside.source, inside.build, programs),
  targets: TARGETS,
};

export interface CompilePorts {
  exec: Exec;
  log: Log;
}

/** What a finished compilation came to. */
export interface CompileOutcome {
  /** The installed tree, as this process sees it */
  installed: string;
  seconds: number;
  /** null: without ccache */
  ccache: CcacheCounts | null;
}

/** Bytes of output that are kept to explain a failure. */
const KEPT = 8 << 20;

/**
 * Configures, compiles and installs MIOpen in an environment whose source folder is filled. A build folder that an
 * interrupted run left is gone on with. Throws a machine error that says what failed and what to do; places of compiler
 * errors become annotations.
 */
export async function compile(request: CompileRequest, ports: CompilePorts): Promise<CompileOutcome> {
  const { environment, programs, compiler, jobs, logFile, project = LIBRARY } = request;
  const { inside, host } = environment;
  const started = performance.now();
  await writeFile(logFile, "");
  const step = (what: string, command: readonly string[], env: Record<string, string> = {}) =>
    runStep({ what, command, env, request, logFile }, ports);
  await checkPrograms(environment, programs, ports.exec);
  const ccacheEnv = ccacheEnvironment(environment, compiler);
  const ccache = inside.ccache !== null && (await has(environment, "ccache", ports.exec)) ? "ccache" : null;
  const before = ccache === null ? null : await ccacheStatistics(environment, ccacheEnv, ports.exec);
  if (ccache === null) ports.log.info("compile: without ccache; every file is compiled");
  const env = { ...ccacheEnv, NINJA_STATUS };
  if (!(await exists(join(host.build, "build.ninja")))) {
    ports.log.info("compile: configuring");
    await step("configure MIOpen", ["cmake", ...project.configure(environment, { ...programs, ccache })], env);
  } else {
    ports.log.info("compile: goes on with what an interrupted run compiled");
  }
  ports.log.info(`compile: ${jobs} ${jobs === 1 ? "job" : "jobs"}`);
  await step("compile MIOpen", ["ninja", "-C", inside.build, "-j", String(jobs), ...project.targets], env);
  const stage = `${inside.build}/install`;
  await step("install MIOpen", ["cmake", "--install", inside.build, "--strip"], { ...env, DESTDIR: stage });
  const after = ccache === null ? null : await ccacheStatistics(environment, ccacheEnv, ports.exec);
  const counts =
    before === null || after === null ? null : { hits: after.hits - before.hits, misses: after.misses - before.misses };
  return { installed: join(host.build, "install"), seconds: (performance.now() - started) / 1000, ccache: counts };
}

interface Step {
  what: string;
  command: readonly string[];
  env: Record<string, string>;
  request: CompileRequest;
  logFile: string;
}

async function runStep(step: Step, { exec, log }: CompilePorts): Promise<void> {
  const { what, command, env, request, logFile } = step;
  const [program = "", ...args] = command;
  const started = performance.now();
  let written = appendFile(logFile, `# ${command.join(" ")}\n`);
  const onLine = (line: string) => {
    written = written.then(() => appendFile(logFile, `${line}\n`));
    const progress = readProgress(line);
    if (progress !== null) log.progress(progressLine(progress, (performance.now() - started) / 1000));
  };
  const result = await exec.run(request.environment.command(program, args, env), { onLine, keep: KEPT });
  await written.catch(() => {}); // a full disk shows in the program's own output
  if (result.code === 0) return;
  if (env.CCACHE_DIR !== undefined && env.CCACHE_DISABLE === undefined && failedSilently(result.stdout)) {
    log.info("compile: a compiler failed without a word; once more without ccache");
    return await runStep({ ...step, env: { ...env, CCACHE_DISABLE: "1" } }, { exec, log });
  }
  throw failure(what, result, request, log);
}

function failure(what: string, result: ExecResult, request: CompileRequest, log: Log): Error {
  const { environment, jobs, logFile } = request;
  const output = `${result.stdout}\n${result.stderr}`;
  const cause = readCause(output);
  if (cause === "disk") return diskFull(environment.host.build);
  const ended = result.signal === null ? "" : ` (ended by ${result.signal})`;
  if (cause === "memory" || result.code === 137) {
    return machineError(
      `cannot ${what}: a compiler ran out of memory${ended}\n${firstFailure(output, 10)}`,
      jobs > 1
        ? `use --jobs ${Math.max(1, Math.floor(jobs / 2))}; what was compiled is kept, the same command goes on from there`
        : "free some memory or add swap; what was compiled is kept, the same command goes on from there",
    );
  }
  const patched = new Set<string>();
  const places = readDiagnostics(output, environment.inside.source).map((place): Place => {
    const patches = request.changedBy(place.file);
    for (const patch of patches) patched.add(patch);
    return patches.length === 0 ? place : { ...place, message: `${place.message} (changed by ${patches.join(", ")})` };
  });
  for (const { file, line, message } of places) log.error(message, { file, line, title: what });
  const suspects = [...patched];
  const remedy =
    suspects.length === 0
      ? "correct the source, or use the release that the patches are made for"
      : `correct ${suspects.length === 1 ? "the patch" : "one of the patches"} ${suspects.join(", ")}`;
  return machineError(
    `cannot ${what}${ended}:\n${firstFailure(output)}`,
    `${remedy}; what was compiled is kept, and everything that was printed is in ${logFile}`,
    places,
  );
}

async function checkPrograms(
  environment: BuildEnvironment,
  { clang, clangxx }: CompileRequest["programs"],
  exec: Exec,
): Promise<void> {
  const missing: string[] = [];
  for (const program of ["cmake", "ninja", clang, clangxx]) {
    if (!(await has(environment, program, exec))) missing.push(program);
  }
  if (missing.length === 0) return;
  throw machineError(
    `MIOpen cannot be compiled: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing or cannot be started`,
    environment.method === "native"
      ? "install cmake, ninja-build and ROCm's compiler, or use toolchain debian or amd, which bring them"
      : "remove the toolchain's folder from the cache; it is made again",
  );
}

async function has({ command }: BuildEnvironment, program: string, exec: Exec): Promise<boolean> {
  const result = await exec.run(command(program, ["--version"]), { timeoutMs: 60_000 }).catch(() => null);
  return result?.code === 0;
}
