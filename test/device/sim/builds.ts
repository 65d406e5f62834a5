import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withLock } from "../../../src/cache/lock.ts";
import { cacheRoot } from "../../../src/cache/root.ts";
import { markUsed, removeUnused } from "../../../src/cache/unused.ts";
import { buildWitness, witnessDigest } from "../../../src/card/witness.ts";
import { compileAll, compileDevice, deviceDigest } from "../../../src/device/build.ts";
import { type Compiler, findCompiler } from "../../../src/device/compiler.ts";
import type { Command } from "../../../src/ports/exec.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import type { Toolchain } from "../../../src/toolchain/toolchain.ts";
import { buildProver, proverDigest } from "../../../src/verify/prover-build.ts";
import { exec, must, projectRoot } from "../support.ts";
import { KEPT_DAYS, sanitizedObjects } from "./sanitized-objects.ts";

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

/** A folder of the user's cache for what `parts` go into; `build` fills it when `file` is not there. */
export async function cachedBuild(
  name: string,
  parts: readonly (string | Buffer)[],
  file: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`\0${part.length}\0`).update(part);
  const folder = join(cacheRoot(process.env), "test", `${name}-${hash.digest("hex").slice(0, 16)}`);
  await mkdir(folder, { recursive: true });
  const once = async () => {
    if (await exists(join(folder, file))) return void (await markUsed(folder));
    await build(folder);
    await removeUnused(dirname(folder), new RegExp(`^${name}-[0-9a-f]{16}$`), KEPT_DAYS);
  };
  await withLock(join(folder, "lock"), once, { log: new TerminalLog() });
  return folder;
}

/**
 * The device as users have it, built once for each state of its sources, or a library that was built already
 * (RDNA1_TEST_DEVICE).
 */
export async function cachedDevice(toolchain: Toolchain): Promise<string> {
  return process.env.RDNA1_TEST_DEVICE ?? join(await devices(toolchain), "librdna1-device.so");
}

/** The same device with test/mutation/mutation.cpp in it, which makes an operation wrong. */
export async function mutableDevice(toolchain: Toolchain): Promise<string> {
  return join(await devices(toolchain), "librdna1-mutable.so");
}

async function devices(toolchain: Toolchain): Promise<string> {
  const mutation = join(projectRoot, "test/mutation/mutation.cpp");
  const parts = [toolchain.root, await deviceDigest(projectRoot), await readFile(mutation)];
  return cachedBuild("device", parts, "librdna1-device.so", async (folder) => {
    const compiler = await findCompiler(toolchain);
    const { objects, versionScript, flags } = await deviceObjects(toolchain);
    const files = objects.map(({ object }) => object);
    const more = await compileAll(compiler, exec, folder, [{ source: mutation, flags }]);
    const [plain, wrong] = [join(folder, "librdna1-device.so"), join(folder, "librdna1-mutable.so")];
    await start(wrapping(compiler, compiler.link([...files, ...more], `${wrong}.new`, versionScript)));
    await start(compiler.link(files, `${plain}.new`, versionScript));
    await rename(`${wrong}.new`, wrong);
    await rename(`${plain}.new`, plain);
  });
}

/** What every build of the device for tests is linked from. */
interface DeviceObjects {
  /** Files of src/device/cpp, as paths below it, and what became of them */
  objects: { source: string; object: string }[];
  versionScript: string;
  flags: string[];
}

/** The device compiled as users have it, once for each state of its sources. */
async function deviceObjects(toolchain: Toolchain): Promise<DeviceObjects> {
  const parts = [toolchain.root, await deviceDigest(projectRoot)];
  const folder = await cachedBuild("objects", parts, "objects.json", async (home) => {
    const work = join(home, "work"); // of a build that was interrupted, perhaps
    await rm(work, { recursive: true, force: true });
    await mkdir(work);
    const compiler = await findCompiler(toolchain);
    const compiled = await compileDevice(compiler, toolchain, projectRoot, work, exec);
    await writeFile(join(home, "objects.new"), JSON.stringify(compiled));
    await rename(join(home, "objects.new"), join(home, "objects.json"));
  });
  return JSON.parse(await readFile(join(folder, "objects.json"), "utf8")) as DeviceObjects;
}

/**
 * A test program with the device's sources in it, but not what the library does when it is loaded; to be started by
 * programCommand. What the program defines itself takes the place of the device's.
 */
export async function deviceProgram(toolchain: Toolchain, source: string): Promise<string> {
  const name = basename(source, ".cpp");
  const digest = [toolchain.root, await deviceDigest(projectRoot), await readFile(source)];
  const folder = await cachedBuild(name, digest, name, async (home) => {
    const compiler = await findCompiler(toolchain);
    const { objects, flags } = await deviceObjects(toolchain);
    const parts = objects.flatMap((one) => (one.source === "start.cpp" ? [] : [one.object]));
    const sim = ["-I", join(projectRoot, "src/device/cpp/sim")];
    const own = await compileAll(compiler, exec, home, [{ source, flags: [...flags, ...sim] }]);
    const link = compiler.linkProgram([...own, ...parts], join(home, `${name}.new`));
    const first = startsLinker(compiler) ? ["-z", "muldefs"] : ["-Wl,-z,muldefs"];
    await start({ ...link, args: [...link.args, ...first] });
    await rename(join(home, `${name}.new`), join(home, name));
  });
  return join(folder, name);
}

/** findOperation(Format, std::uint16_t, Targets) */
const FIND = "_ZN5rdna13sim13findOperationENS0_6FormatEth";

function wrapping(compiler: Compiler, link: Command): Command {
  const wrap = startsLinker(compiler) ? `--wrap=${FIND}` : `-Wl,--wrap=${FIND}`;
  return { ...link, args: [...link.args, wrap] };
}

/** Whether `link` starts lld itself, not a driver (compiler.ts treeCompiler). */
function startsLinker(compiler: Compiler): boolean {
  return compiler.link([], "", "").args.includes("-m");
}

/** The witness that is loaded before a card's runtime, built once for each state of its sources. */
export async function cachedWitness(toolchain: Toolchain): Promise<string> {
  const parts = [toolchain.root, await witnessDigest(projectRoot)];
  const file = "librdna1-witness.so";
  const build = (folder: string) => buildWitness(toolchain, projectRoot, join(folder, file), exec);
  return join(await cachedBuild("witness", parts, file, build), file);
}

/** The prover, built once for each state of its sources. */
export async function cachedProver(toolchain: Toolchain): Promise<string> {
  const parts = [toolchain.root, await proverDigest(projectRoot)];
  const folder = await cachedBuild("prover", parts, "rdna1-prover", (home) =>
    buildProver(toolchain, projectRoot, join(home, "rdna1-prover"), exec),
  );
  return join(folder, "rdna1-prover");
}

/** run-kernels.cpp by the host's compiler: alone, or with the whole device in it under sanitizers. */
export async function cachedRunner(toolchain: Toolchain, compiler: string, sanitized: boolean): Promise<string> {
  const source = join(import.meta.dirname, "run-kernels.cpp");
  const text = await readFile(source, "utf8");
  const parts = [toolchain.root, compiler, text, ...(sanitized ? [await deviceDigest(projectRoot)] : [])];
  const name = sanitized ? "run-kernels-sanitized" : "run-kernels";
  const folder = await cachedBuild(name, parts, "run-kernels", async (home) => {
    const program = join(home, "run-kernels");
    if (sanitized) {
      const { objects, flags } = await sanitizedObjects(toolchain, compiler, [source]);
      await must(compiler, [...flags, ...objects, "-ldl", "-pthread", "-o", `${program}.new`]);
    } else await linkWithNames(toolchain, compiler, source, text, home, `${program}.new`);
    await rename(`${program}.new`, program);
  });
  return join(folder, "run-kernels");
}

/** Links with a library that has but HIP's names; at run time the preloaded device stands in front of it. */
async function linkWithNames(
  toolchain: Toolchain,
  compiler: string,
  source: string,
  text: string,
  folder: string,
  out: string,
): Promise<void> {
  const include = await mkdtemp(join(folder, "include-"));
  for (const name of ["hip", "amd_comgr"]) await symlink(join(toolchain.paths.include, name), join(include, name));
  const names = new Set(text.match(/\bhip[A-Z]\w*(?=\()/g));
  const [code, stub] = [join(include, "stub.c"), join(folder, "librun-kernels-hip.so")];
  await writeFile(code, [...names].map((name) => `int ${name}(void) { return 1; }\n`).join(""));
  await must(compiler, ["-shared", "-fPIC", "-x", "c", code, "-o", stub]);
  const flags = ["-O1", "-std=c++20", "-D__HIP_PLATFORM_AMD__", "-isystem", include];
  await must(compiler, [...flags, source, stub, "-o", out]);
  await rm(include, { recursive: true });
}

async function start(command: Command): Promise<void> {
  const result = await exec.run(command, { timeoutMs: 300_000 });
  if (result.code !== 0) throw new Error(`${basename(command.file)} ended with ${result.code}\n${result.stderr}`);
}
