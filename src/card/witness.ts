import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { compileAll, FLAGS, headerFolder, must } from "../device/build.ts";
import { builtAside, builtStage, sourcesDigest } from "../device/built.ts";
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
  const library = await builtStage(context, toolchain, {
    name: "witness",
    file: "librdna1-witness.so",
    digest,
    build: (outFile) => buildWitness(toolchain, context.projectRoot, outFile, context.exec),
  });
  return { library, digest };
}

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
  return await sourcesDigest([FLAGS, LINK, EXPORTS], projectRoot, (await witnessSources(projectRoot)).all);
}

/** Compiles and links the witness; `outFile` appears whole or not at all. */
export async function buildWitness(
  toolchain: Toolchain,
  projectRoot: string,
  outFile: string,
  exec: Exec,
): Promise<void> {
  const compiler = await findCompiler(toolchain);
  await builtAside(outFile, async (work) => {
    const include = await headerFolder(toolchain, work);
    const flags = [...FLAGS, "-I", join(projectRoot, SHARED_FOLDER), "-isystem", include];
    const { compiled } = await witnessSources(projectRoot);
    const units = compiled.map((name) => ({ source: join(projectRoot, name), flags }));
    const objects = await compileAll(compiler, exec, work, units);
    const versionScript = join(work, "exports.map");
    await writeFile(versionScript, EXPORTS);
    const library = join(work, "witness.so");
    await must(exec, compiler.link(objects, library, versionScript), `link the witness with ${compiler.name}`);
    return library;
  });
}
