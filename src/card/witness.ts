import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Context } from "../context.ts";
import { compileAll, FLAGS, headerFolder, must } from "../device/build.ts";
import { findCompiler, LINK } from "../device/compiler.ts";
import { EXPORTS } from "../device/stubs.ts";
import type { Exec } from "../ports/exec.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

const SOURCES = "src/card/cpp";
/** What the witness shares with the virtual device: the log, the refusal to compile, and how an object is told by its MD5. */
const SHARED_FOLDER = "src/device/cpp";
const SHARED = "bundle code_object compile compressed_bundle image log md5 msgpack process relocation".split(" ");

/** The witness, built. */
export interface BuiltWitness {
  /** The shared library */
  library: string;
  /** Digest of its sources */
  digest: string;
}

/** Builds the witness with the compiler that the virtual device is built with. */
export async function witnessStage(context: Context, toolchain: SoundToolchain): Promise<BuiltWitness> {
  const digest = await witnessDigest(context.projectRoot);
  const outcome = await context.stages.run({
    name: "witness",
    parts: { sources: digest, toolchain: toolchain.digest },
    run: async (folder) => {
      await toolchain.ensureSound();
      await buildWitness(toolchain, context.projectRoot, join(folder, LIBRARY), context.exec);
      return {};
    },
  });
  context.timings.witness = outcome.seconds;
  return { library: join(outcome.folder, LIBRARY), digest };
}

const LIBRARY = "librdna1-witness.so";

/** C++ files relative to the project: those to compile, and whatever else they may include. */
async function witnessSources(projectRoot: string): Promise<{ compiled: string[]; all: string[] }> {
  const own = (await readdir(join(projectRoot, SOURCES))).sort().map((name) => `${SOURCES}/${name}`);
  const headers = (await readdir(join(projectRoot, SHARED_FOLDER))).filter((name) => name.endsWith(".hpp")).sort();
  const shared = SHARED.map((name) => `${SHARED_FOLDER}/${name}.cpp`);
  const all = [...own, ...shared, ...headers.map((name) => `${SHARED_FOLDER}/${name}`)];
  return { compiled: [...own.filter((name) => name.endsWith(".cpp")), ...shared], all };
}

/** SHA-256 of everything in the project that the witness is made from. */
export async function witnessDigest(projectRoot: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([FLAGS, LINK, EXPORTS]));
  for (const name of (await witnessSources(projectRoot)).all) {
    hash.update(`\0${name}\0`).update(await readFile(join(projectRoot, name)));
  }
  return hash.digest("hex");
}

/** Compiles and links the witness; `outFile` appears whole or not at all. */
export async function buildWitness(
  toolchain: Toolchain,
  projectRoot: string,
  outFile: string,
  exec: Exec,
): Promise<void> {
  const compiler = await findCompiler(toolchain);
  const work = await mkdtemp(join(dirname(outFile), ".witness-build-"));
  try {
    const include = await headerFolder(toolchain, work);
    const flags = [...FLAGS, "-I", join(projectRoot, SHARED_FOLDER), "-isystem", include];
    const { compiled } = await witnessSources(projectRoot);
    const units = compiled.map((name) => ({ source: join(projectRoot, name), flags }));
    const objects = await compileAll(compiler, exec, work, units);
    const versionScript = join(work, "exports.map");
    await writeFile(versionScript, EXPORTS);
    const library = join(work, LIBRARY);
    await must(exec, compiler.link(objects, library, versionScript), `link the witness with ${compiler.name}`);
    await rename(library, outFile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
