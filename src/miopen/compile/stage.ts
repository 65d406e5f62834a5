import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Context } from "../../context.ts";
import { sha256 } from "../../ports/files.ts";
import { freeMemory } from "../../ports/memory.ts";
import type { SoundToolchain } from "../../toolchain/stage.ts";
import type { Toolchain } from "../../toolchain/toolchain.ts";
import { size } from "../../units.ts";
import type { Series } from "../patches/series.ts";
import type { PatchedFiles } from "../patches/stage.ts";
import type { MiopenSource } from "../source/stage.ts";
import { compilerDigest } from "./ccache.ts";
import { withCarriedCcache } from "./ccache-tier.ts";
import { type BuildEnvironment, openEnvironment } from "./environment.ts";
import { type InstalledMiopen, inspectInstallation } from "./installed.ts";
import { planCompileJobs } from "./jobs.ts";
import { cmakeArguments, INSTALL_PREFIX, LEFT_OUT_SOURCES } from "./options.ts";
import { prepareSource } from "./prepare.ts";
import { type CompileRequest, compile } from "./run.ts";

/** A patched MIOpen, compiled. */
export interface CompiledMiopen extends InstalledMiopen {
  /** Folder with `lib`, `bin`, `include`; can be copied anywhere */
  prefix: string;
  version: string;
  source: MiopenSource;
  series: Series;
  patches: PatchedFiles["reports"];
}

export interface CompileInput {
  source: MiopenSource;
  series: Series;
  patched: PatchedFiles;
}

/** Raise when the build or the installation change in a way that the options do not tell. */
const COMPILE_SCHEMA = "1";

/** Compiles a patched source with the toolchain, into a prefix that can be moved. */
export async function compileStage(
  context: Context,
  toolchain: SoundToolchain,
  input: CompileInput,
): Promise<CompiledMiopen> {
  const { source, series, patched } = input;
  const options = cmakeArguments("", "", { clang: "", clangxx: "", rocm: "", ccache: null });
  const content = {
    source: source.digest,
    series: series.digest,
    options: sha256(JSON.stringify([options, LEFT_OUT_SOURCES.source])),
    schema: COMPILE_SCHEMA,
  };
  const outcome = await context.stages.run({
    name: "miopen",
    shared: true,
    parts: { ...content, toolchain: toolchain.digest },
    run: async (folder) => {
      await toolchain.ensureSound();
      return await build(context, toolchain, input, folder, sha256(JSON.stringify(content)));
    },
  });
  context.timings.compile = outcome.seconds;
  return {
    ...outcome.result,
    prefix: join(outcome.folder, "prefix"),
    version: source.version,
    source,
    series,
    patches: patched.reports,
  };
}

async function build(
  context: Context,
  toolchain: SoundToolchain,
  input: CompileInput,
  folder: string,
  content: string,
): Promise<InstalledMiopen> {
  const { exec, log } = context;
  const work = join(folder, "work");
  const request = await prepareCompilation(context, toolchain, input, { work, logName: "compile.log" });
  const { environment, compiler } = request;
  context.record.keepsLog("miopen", request.logFile);
  const { installed, seconds, ccache } = await withCarriedCcache(context, environment, { compiler, content }, () =>
    compile(request, { exec, log }),
  );
  const prefix = join(folder, "prefix");
  await rm(prefix, { recursive: true, force: true });
  await rename(join(installed, INSTALL_PREFIX), prefix);
  await removeForeignDatabases(prefix);
  const result = await inspectInstallation(prefix, toolchain, exec);
  await rm(work, { recursive: true, force: true });
  const cached = ccache === null ? "" : `, ${ccache.hits} of ${ccache.hits + ccache.misses} files from ccache`;
  log.info(`compile: done in ${Math.round(seconds)} s${cached}; the library has ${size(result.bytes)}`);
  return result;
}

/** Opens an environment in `work`, puts the patched source there, and says with what it is compiled. */
export async function prepareCompilation(
  { exec, log, inputs, cacheRoot }: Context,
  toolchain: Toolchain,
  { source, series, patched }: CompileInput,
  { work, logName }: { work: string; logName: string },
): Promise<CompileRequest> {
  const environment = await openEnvironment({ toolchain, work, ccache: join(cacheRoot, "ccache") }, exec);
  log.info(`compile: ${describe(environment, toolchain)}`);
  await prepareSource(environment, source, patched, exec);
  const logs = join(cacheRoot, "logs");
  await mkdir(logs, { recursive: true });
  return {
    environment,
    programs: programsOf(environment, toolchain),
    compiler: await compilerDigest(toolchain),
    jobs: inputs.jobs ?? planCompileJobs(availableParallelism(), freeMemory()),
    logFile: join(logs, logName),
    changedBy: (file) => series.patches.filter((one) => one.touched.includes(file)).map((one) => one.name),
  };
}

function describe({ method }: BuildEnvironment, toolchain: Toolchain): string {
  return method === "native" ? `with the ROCm in ${toolchain.root}` : `in ${toolchain.root} (${method})`;
}

/** Compilers and ROCm's root as the programs of the environment name them. */
export function programsOf({ method }: Pick<BuildEnvironment, "method">, { root, paths }: Toolchain) {
  const named = (path: string) => (method === "native" ? path : `/${relative(root, path)}`);
  const bin = named(paths.llvmBin);
  // Debian's packages are ROCm in /usr, AMD's in /opt/rocm-<release>: where the headers are.
  return { clang: `${bin}/clang`, clangxx: `${bin}/clang++`, rocm: named(dirname(paths.include)) };
}

/** Databases of other cards that a version installs in spite of the options; the kernel set brings our own. */
async function removeForeignDatabases(prefix: string): Promise<void> {
  const folder = join(prefix, "share/miopen/db");
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/^gfx101[012]/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
