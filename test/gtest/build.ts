import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../src/context.ts";
import { configureArguments, INSTALL_PREFIX } from "../../src/miopen/compile/options.ts";
import { compile, type Project } from "../../src/miopen/compile/run.ts";
import { type CompileInput, prepareCompilation } from "../../src/miopen/compile/stage.ts";
import { readFolders } from "../../src/miopen/patches/series.ts";
import { patchStage } from "../../src/miopen/patches/stage.ts";
import { listSource } from "../../src/miopen/source/listing.ts";
import { miopenStage } from "../../src/miopen/stage.ts";
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
  const { running, compiled } = await miopenStage(context);
  if (compiled === null) throw new Error("the distribution's MIOpen comes without the source of its tests");
  const { source } = compiled;
  const series = await readFolders([...compiled.series.folders, PATCHES]);
  const toolchain = await toolchainStage(context, "tests");
  const outcome = await context.stages.run({
    name: "miopen-tests",
    parts: {
      source: source.digest,
      series: series.digest,
      library: compiled.digest,
      toolchain: toolchain.digest,
      project: (await listSource(PROJECT)).digest,
      options: JSON.stringify(OPTIONS),
    },
    run: async (folder) => {
      await toolchain.ensureSound();
      const patched = await patchStage(context, source, series);
      return await compileTests(context, toolchain, { source, series, patched, prefix: compiled.prefix }, folder);
    },
  });
  return { toolchain: running, program: join(outcome.folder, "miopen_gtest") };
}

async function compileTests(
  context: Context,
  toolchain: Toolchain,
  input: CompileInput & { prefix: string },
  folder: string,
): Promise<object> {
  const work = join(folder, "work");
  const request = await prepareCompilation(context, toolchain, input, { work, logName: "compile-tests.log" });
  const { host } = request.environment;
  // With their times, or an interrupted run would start anew: ninja goes by them.
  const whole = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
  await cp(PROJECT, join(host.source, INSIDE.project), whole);
  await cp(input.prefix, join(host.build, INSIDE.prefix), whole);
  const { installed } = await compile({ ...request, project: TESTS }, context);
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
