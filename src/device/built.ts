import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Context } from "../context.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";

/** A library or program of ours that is compiled where it runs. */
export interface Built {
  /** In logs and timings */
  name: string;
  /** Name of the file */
  file: string;
  /** Digest of its sources */
  digest: string;
  /** What it depends on besides sources and toolchain */
  parts?: Readonly<Record<string, string>>;
  build: (outFile: string) => Promise<void>;
}

/** Takes it from the cache, or builds it; its path. */
export async function builtStage(
  context: Context,
  toolchain: SoundToolchain,
  { name, file, digest, parts, build }: Built,
): Promise<string> {
  const outcome = await context.stages.run({
    name,
    parts: { sources: digest, ...parts, toolchain: toolchain.digest },
    run: async (folder) => {
      await toolchain.ensureSound();
      await build(join(folder, file));
      return {};
    },
  });
  context.timings[name] = outcome.seconds;
  return join(outcome.folder, file);
}

/** Builds in a folder beside `outFile`, which appears whole or not at all; `build` gives what it is to be. */
export async function builtAside(outFile: string, build: (work: string) => Promise<string>): Promise<void> {
  await mkdir(dirname(outFile), { recursive: true });
  const work = await mkdtemp(join(dirname(outFile), `.${basename(outFile)}-build-`));
  try {
    await rename(await build(work), outFile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** SHA-256 of files in a folder, by name and content, and of `how` they are compiled. */
export async function sourcesDigest(how: unknown, folder: string, names: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(how));
  for (const name of names) hash.update(`\0${name}\0`).update(await readFile(join(folder, name)));
  return hash.digest("hex");
}
