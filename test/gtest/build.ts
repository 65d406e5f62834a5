import { cp, rm } from "node:fs/promises";
import { availableParallelism, freemem } from "node:os";
import { join } from "node:path";
import type { Context } from "../../src/context.ts";
import { compilerDigest } from "../../src/miopen/compile/ccache.ts";
import { openEnvironment } from "../../src/miopen/compile/environment.ts";
import { planCompileJobs } from "../../src/miopen/compile/jobs.ts";
import { configureArguments, INSTALL_PREFIX } from "../../src/miopen/compile/options.ts";
import { prepareSource } from "../../src/miopen/compile/prepare.ts";
import { compile, type Project } from "../../src/miopen/compile/run.ts";
import { type CompiledMiopen, compileStage, programsOf } from "../../src/miopen/compile/stage.ts";
import { chooseSeries, readFolders } from "../../src/miopen/patches/series.ts";
import { type PatchedFiles, patchStage } from "../../src/miopen/patches/stage.ts";
import { listSource } from "../../src/miopen/source/listing.ts";
import { sourceStage } from "../../src/miopen/source/stage.ts";
import { withMiopen } from "../../src/miopen/with-miopen.ts";
import { toolchainStage } from "../../src/toolchain/stage.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";

/** Patches of the suite alone. */
const PATCHES = join(import.meta.dirname, "patches");
/** Our CMake project, which takes the tests from MIOpen's source and the library from a prefix. */
const PROJECT = join(import.meta.dirname, "project");
/** Where the project and the library lie for the programs of the build, below the source and the build folder. */
const INSIDE = { project: "rdna1-tests", prefix: "miopen" } as const;

/** A patched MIOpen and its own tests. */
export interface PatchedTests {
  toolchain: Toolchain;
  /** `miopen_gtest`, compiled against that library */
  program: string;
}

/**
 * Compiles the tests that come with MIOpen's source against the library that the product builds from it, and that one
 * first where it is not in the cache. Finished objects are kept when the run is interrupted.
 */
export async function buildPatchedTests(context: Context): Promise<PatchedTests> {
  const { inputs, projectRoot, stages } = context;
  const source = await sourceStage(context, inputs.miopenSource);
  const series = await chooseSeries(projectRoot, source.version, inputs.patches);
  const patched = await patchStage(context, source, series);
  const forTests = await readFolders([...series.folders, PATCHES]);
  const building = await toolchainStage(context, "build");
  const library = await compileStage(context, building, { source, series, patched });
  const toolchain = await toolchainStage(context, "tests");
  const outcome = await stages.run({
    name: "miopen-tests",
    parts: {
      source: source.digest,
      series: forTests.digest,
      library: library.digest,
      toolchain: toolchain.digest,
      project: (await listSource(PROJECT)).digest,
      options: JSON.stringify(OPTIONS),
    },
    run: async (folder) => {
      const patchedTests = await patchStage(context, source, forTests);
      return await compileTests(context, toolchain, library, patchedTests, folder);
    },
  });
  return { toolchain: withMiopen(building, library), program: join(outcome.folder, "miopen_gtest") };
}

async function compileTests(
  context: Context,
  toolchain: Toolchain,
  library: CompiledMiopen,
  patched: PatchedFiles,
  folder: string,
): Promise<object> {
  const { exec, log, cacheRoot, inputs } = context;
  const work = join(folder, "work");
  const environment = await openEnvironment({ toolchain, work, ccache: join(cacheRoot, "ccache") }, exec);
  const { host } = environment;
  await prepareSource(environment, library.source, patched, exec);
  // With their times, or an interrupted run would start anew: ninja goes by them.
  const whole = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
  await cp(PROJECT, join(host.source, INSIDE.project), whole);
  await cp(library.prefix, join(host.build, INSIDE.prefix), whole);
  const { installed } = await compile(
    {
      environment,
      programs: programsOf(environment, toolchain),
      compiler: await compilerDigest(toolchain),
      jobs: inputs.jobs ?? planCompileJobs(availableParallelism(), freemem()),
      logFile: join(cacheRoot, "logs/compile-tests.log"),
      changedBy: () => [],
      project: TESTS,
    },
    { exec, log },
  );
  await cp(join(installed, INSTALL_PREFIX, "bin/miopen_gtest"), join(folder, "miopen_gtest"));
  await rm(work, { recursive: true, force: true });
  return {};
}

const OPTIONS = {
  CMAKE_BUILD_TYPE: "Release",
  // As for the library. The tests narrow integers in initializer lists, which clang 22 refuses.
  CMAKE_CXX_FLAGS: "--offload-host-only -w -Wno-c++11-narrowing",
};

const TESTS: Project = {
  configure: ({ inside }, programs) =>
    configureArguments(`${inside.source}/${INSIDE.project}`, inside.build, programs, {
      ...OPTIONS,
      MIOPEN_SOURCE: inside.source,
      MIOPEN_PREFIX: `${inside.build}/${INSIDE.prefix}`,
    }),
  targets: ["miopen_gtest"],
};
