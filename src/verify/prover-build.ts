import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { compileAll, must } from "../device/build.ts";
import { builtAside, builtStage, sourcesDigest } from "../device/built.ts";
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
  const program = await builtStage(context, toolchain, {
    name: "prover",
    file: "rdna1-prover",
    digest,
    build: (outFile) => buildProver(toolchain, context.projectRoot, outFile, context.exec),
  });
  return { program, digest };
}

async function proverSources(projectRoot: string): Promise<string[]> {
  const names = await readdir(join(projectRoot, SOURCES));
  return names.filter((name) => /\.(cpp|hpp)$/.test(name)).sort();
}

/** SHA-256 of everything in the project that the prover is made from. */
export async function proverDigest(projectRoot: string): Promise<string> {
  return await sourcesDigest(FLAGS, join(projectRoot, SOURCES), await proverSources(projectRoot));
}

/** Compiles and links the prover; `outFile` appears whole or not at all. */
export async function buildProver(
  toolchain: Toolchain,
  projectRoot: string,
  outFile: string,
  exec: Exec,
): Promise<void> {
  const compiler = await findCompiler(toolchain);
  await builtAside(outFile, async (work) => {
    const sources = (await proverSources(projectRoot)).filter((name) => name.endsWith(".cpp"));
    const units = sources.map((name) => ({ source: join(projectRoot, SOURCES, name), flags: FLAGS }));
    const objects = await compileAll(compiler, exec, work, units);
    const program = join(work, "prover");
    await must(exec, compiler.linkProgram(objects, program), `link the prover with ${compiler.name}`);
    return program;
  });
}
