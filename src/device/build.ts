import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { machineError } from "../errors.ts";
import type { Command, Exec } from "../ports/exec.ts";
import { diskFull, readTextIfThere, saysDiskIsFull } from "../ports/files.ts";
import { programCommand, type Toolchain } from "../toolchain/toolchain.ts";
import { builtAside, sourcesDigest } from "./built.ts";
import { type Compiler, findCompiler, LINK } from "./compiler.ts";
import { EXPORTS, hipOperations, stubAssembly } from "./stubs.ts";

const SOURCES = "src/device/cpp";
/** Compiler flags of every library that is loaded before HIP programs. */
export const FLAGS = [
  "-std=c++20",
  "-O2",
  "-fPIC",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-ffp-contract=off",
  "-D__HIP_PLATFORM_AMD__",
];
const COMPILES_AT_ONCE = 2;

/** What a processor must have for the loops over lanes to be compiled for it, best first. */
const PROCESSORS: readonly { needs: readonly string[]; flags: readonly string[] }[] = [
  {
    needs: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "f16c", "bmi1", "bmi2", "movbe"],
    flags: ["-march=x86-64-v4", "-mprefer-vector-width=256"],
  },
  { needs: ["avx2", "fma", "f16c", "bmi1", "bmi2", "movbe"], flags: ["-march=x86-64-v3"] },
];

/**
 * Compiler flags for this machine's processor: the simulator's loops over lanes are several times as fast with AVX2. The
 * library is built where it runs and never shipped.
 */
export async function processorFlags(cpuinfo = "/proc/cpuinfo"): Promise<readonly string[]> {
  const has = /^flags\s*:(.*)$/m.exec((await readTextIfThere(cpuinfo)) ?? "")?.[1]?.split(" ") ?? [];
  return PROCESSORS.find(({ needs }) => needs.every((flag) => has.includes(flag)))?.flags ?? [];
}

/** The device's C++ files (sources and headers), relative to the project, sorted; those of the simulator in `sim/`. */
export async function deviceSources(projectRoot: string): Promise<string[]> {
  const names = await readdir(join(projectRoot, SOURCES), { recursive: true });
  return names
    .filter((name) => /\.(cpp|hpp)$/.test(name))
    .sort()
    .map((name) => `${SOURCES}/${name}`);
}

/**
 * SHA-256 of everything in the project that the library is made from; "answers" leaves out the simulator, which does not
 * matter to a run that executes nothing. The toolchain is the caller's to add.
 */
export async function deviceDigest(projectRoot: string, part: "all" | "answers" = "all"): Promise<string> {
  const sources = await deviceSources(projectRoot);
  const names = part === "all" ? sources : sources.filter((source) => !source.startsWith(`${SOURCES}/sim/`));
  return await sourcesDigest([FLAGS, LINK, EXPORTS, stubAssembly(["hipExample"])], projectRoot, names);
}

/**
 * Compiles and links the virtual device for a toolchain, with the toolchain's own clang when it has what that needs,
 * else with the host's compiler. `outFile` appears whole or not at all.
 */
export async function buildDevice(
  toolchain: Toolchain,
  projectRoot: string,
  outFile: string,
  exec: Exec,
): Promise<void> {
  const compiler = await findCompiler(toolchain);
  await builtAside(outFile, async (work) => {
    const { objects, versionScript } = await compileDevice(compiler, toolchain, projectRoot, work, exec);
    const library = join(work, "device.so");
    const files = objects.map(({ object }) => object);
    await must(exec, compiler.link(files, library, versionScript), `link the virtual device with ${compiler.name}`);
    return library;
  });
}

/** What the device is linked from. */
export interface CompiledDevice {
  /** Sources as paths below src/device/cpp (that of the answers to unknown operations is made on the way), and objects */
  objects: { source: string; object: string }[];
  versionScript: string;
  /** What its sources were compiled with */
  flags: string[];
}

/** Compiles the device's sources into the folder `work`. */
export async function compileDevice(
  compiler: Compiler,
  toolchain: Toolchain,
  projectRoot: string,
  work: string,
  exec: Exec,
): Promise<CompiledDevice> {
  const include = await headerFolder(toolchain, work);
  const sources = (await deviceSources(projectRoot)).filter((file) => file.endsWith(".cpp"));
  const stubs = join(work, "stubs.s");
  await writeFile(stubs, stubAssembly(await runtimeOperations(toolchain, exec)));
  const versionScript = join(work, "exports.map");
  await writeFile(versionScript, EXPORTS);
  const flags = [...FLAGS, ...(await processorFlags()), "-isystem", include];
  const common = join(work, "precompiled.hpp"); // both clang and gcc look for a .gch next to an included header
  await copyFile(join(projectRoot, SOURCES, "precompiled.hpp"), common);
  const precompile = compiler.compile(common, `${common}.gch`, [...flags, "-x", "c++-header"]);
  await must(exec, precompile, `compile precompiled.hpp with ${compiler.name}`);
  const objects = await compileAll(compiler, exec, work, [
    { source: stubs, flags: [] },
    ...sources.map((file) => ({ source: join(projectRoot, file), flags: [...flags, "-include", common] })),
  ]);
  const names = ["stubs.s", ...sources.map((file) => file.slice(SOURCES.length + 1))];
  return { objects: objects.map((object, i) => ({ source: names[i] ?? "", object })), versionScript, flags };
}

/**
 * A folder with nothing but links to the HIP and comgr headers: the toolchain's whole include folder may hold the C
 * headers of another distribution.
 */
export async function headerFolder(toolchain: Toolchain, work: string): Promise<string> {
  const folder = join(work, "include");
  await mkdir(folder);
  for (const name of ["hip", "amd_comgr"]) await symlink(join(toolchain.paths.include, name), join(folder, name));
  return folder;
}

/** Names of all operations that the toolchain's HIP runtime exports. */
async function runtimeOperations(toolchain: Toolchain, exec: Exec): Promise<string[]> {
  const files = await readdir(toolchain.paths.hip).catch(() => []);
  const runtime = files.find((name) => /^libamdhip64\.so(\.\d+)?$/.test(name));
  if (runtime === undefined) {
    throw machineError(`there is no libamdhip64.so in ${toolchain.paths.hip}`, "check the toolchain");
  }
  const args = ["-D", "--defined-only", "--format=just-symbols", join(toolchain.paths.hip, runtime)];
  const nm = programCommand(toolchain, join(toolchain.paths.llvmBin, "llvm-nm"), args);
  const operations = hipOperations(await must(exec, nm, `list the symbols of ${runtime}`));
  if (!operations.includes("hipMalloc")) {
    throw machineError(`${join(toolchain.paths.hip, runtime)} does not export hipMalloc`, "check the toolchain");
  }
  return operations;
}

/** A file to compile: C++ or assembly. */
export interface Unit {
  source: string;
  flags: readonly string[];
}

/** Compiles into `work`, two at once; the objects in the order of the units. */
export async function compileAll(
  compiler: Compiler,
  exec: Exec,
  work: string,
  units: readonly Unit[],
): Promise<string[]> {
  const objects = units.map(({ source }, index) => join(work, `${index}-${basename(source)}.o`));
  const waiting = units.entries();
  const worker = async () => {
    for (const [index, { source, flags }] of waiting) {
      const command = compiler.compile(source, objects[index] ?? "", flags);
      await must(exec, command, `compile ${basename(source)} with ${compiler.name}`);
    }
  };
  await Promise.all(Array.from({ length: COMPILES_AT_ONCE }, worker));
  return objects;
}

/** Runs a command that has to succeed; its standard output. */
export async function must(exec: Exec, command: Command, what: string): Promise<string> {
  const result = await exec.run(command, { timeoutMs: 300_000 });
  if (result.code === 0) return result.stdout;
  if (saysDiskIsFull(result.stderr)) throw diskFull("the folder that is built in");
  const end = result.stderr.trim().split("\n").slice(-20).join("\n");
  const how = result.timedOut ? "took longer than 5 minutes" : `ended with ${result.code ?? result.signal}`;
  throw machineError(`cannot ${what}: it ${how}\n${end}`, "see the compiler's message above");
}
