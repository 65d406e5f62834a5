import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Context } from "../context.ts";
import { compileAll, must } from "../device/build.ts";
import { findCompiler } from "../device/compiler.ts";
import type { Exec } from "../ports/exec.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

const SOURCES = "src/verify/cpp";
const FLAGS = ["-std=c++20", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"];

/** The prover, built. */
export interface BuiltProver {
  program: string;
  /** Digest of its sources */
  digest: string;
}

/** Builds the prover with the compiler that the virtual device is built with. */
export async function proverStage(context: Context, toolchain: SoundToolchain): Promise<BuiltProver> {
  const digest = await proverDigest(context.projectRoot);
  const outcome = await context.stages.run({
    name: "prover",
    parts: { sources: digest, toolchain: toolchain.digest },
    run: async (folder) => {
      await toolchain.ensureSound();
      await buildProver(toolchain, context.projectRoot, join(folder, "rdna1-prover"), context.exec);
      return {};
    },
  });
  context.timings.prover = outcome.seconds;
  return { program: join(outcome.folder, "rdna1-prover"), digest };
}

async function proverSources(projectRoot: string): Promise<string[]> {
  const names = await readdir(join(projectRoot, SOURCES));
  return names.filter((name) => /\.(cpp|hpp)$/.test(name)).sort();
}

/** SHA-256 of everything in the project that the prover is made from. */
export async function proverDigest(projectRoot: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(FLAGS));
  for (const name of await proverSources(projectRoot)) {
    hash.update(`\0${name}\0`).update(await readFile(join(projectRoot, SOURCES, name)));
  }
  return hash.digest("hex");
}

/** Compiles and links the prover; `outFile` appears whole or not at all. */
export async function buildProver(
  toolchain: Toolchain,
  projectRoot: string,
  outFile: string,
  exec: Exec,
): Promise<void> {
  const compiler = await findCompiler(toolchain);
  await mkdir(dirname(outFile), { recursive: true });
  const work = await mkdtemp(join(dirname(outFile), ".prover-build-"));
  try {
    const sources = (await proverSources(projectRoot)).filter((name) => name.endsWith(".cpp"));
    const units = sources.map((name) => ({ source: join(projectRoot, SOURCES, name), flags: FLAGS }));
    const objects = await compileAll(compiler, exec, work, units);
    const program = join(work, "prover");
    await must(exec, compiler.linkProgram(objects, program), `link the prover with ${compiler.name}`);
    await rename(program, outFile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
