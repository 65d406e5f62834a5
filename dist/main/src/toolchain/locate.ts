import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { exists } from "../ports/files.ts";
import { programCommand, type Toolchain, type ToolchainPaths } from "./toolchain.ts";

/** Debian's layout under `<root>/usr`: programs are started through the tree's own loader. Throws when a part is missing. */
export async function locateDebian(root: string): Promise<ToolchainPaths> {
  const usr = join(root, "usr");
  const lib = join(usr, "lib/x86_64-linux-gnu");
  const llvm = await newest(join(usr, "lib"), /^llvm-\d+$/);
  const rocblas = await newest(join(lib, "rocblas"), /^\d/);
  return {
    loader: await needed(join(usr, "lib64/ld-linux-x86-64.so.2")),
    libraryPath: llvm === null ? [lib] : [lib, join(llvm, "lib")],
    miopen: await optional(join(lib, "libMIOpen.so.1")),
    miopenDriver: await optional(join(usr, "libexec/rocm/libmiopen1-tests/MIOpenDriver")),
    hip: await folderOfHip(lib),
    rocblasLibrary: rocblas === null ? null : await optional(join(rocblas, "library")),
    llvmBin: await needed(join(llvm ?? join(usr, "lib/llvm"), "bin")),
    include: await needed(join(usr, "include")),
  };
}

/** The layout of AMD's own packages, as in `/opt/rocm`: native programs of this host. */
export async function locateRocm(root: string): Promise<ToolchainPaths> {
  const lib = join(root, "lib");
  const llvm = (await optional(join(root, "lib/llvm"))) ?? (await needed(join(root, "llvm")));
  return {
    loader: null,
    libraryPath: [lib, join(llvm, "lib")],
    miopen: await optional(join(lib, "libMIOpen.so.1")),
    miopenDriver: await optional(join(root, "bin/MIOpenDriver")),
    hip: await folderOfHip(lib),
    rocblasLibrary: await optional(join(lib, "rocblas/library")),
    llvmBin: await needed(join(llvm, "bin")),
    include: await needed(join(root, "include")),
  };
}

/** AMD's packages in `<root>/opt/rocm-<release>` on packages of a distribution, whose loader starts the programs. */
export async function locateAmd(root: string): Promise<ToolchainPaths> {
  const rocm = await newest(join(root, "opt"), /^rocm-\d/);
  if (rocm === null)
    throw machineError(`no ${root}/opt/rocm-*`, "the archive's packages have another layout than AMD's");
  const paths = await locateRocm(rocm);
  return {
    ...paths,
    loader: await needed(join(root, "usr/lib64/ld-linux-x86-64.so.2")),
    libraryPath: [...paths.libraryPath, join(root, "usr/lib/x86_64-linux-gnu")],
  };
}

/** Every part that a toolchain names and that is not there. */
export async function missingParts(paths: ToolchainPaths): Promise<string[]> {
  const { libraryPath, ...rest } = paths;
  const missing: string[] = [];
  for (const path of Object.values(rest)) {
    if (path !== null && (await optional(path)) === null) missing.push(path);
  }
  return missing;
}

/**
 * Libraries that the programs a stage will start are linked with and that the tree does not have, as
 * `program: library`; asks the tree's own loader, which runs nothing of the program.
 */
export async function missingLibraries(toolchain: Toolchain, exec: Exec): Promise<string[]> {
  const { loader, llvmBin, miopenDriver } = toolchain.paths;
  if (loader === null) return [];
  const tools = ["clang", "ld.lld", "llvm-objdump", "llvm-readelf", "llvm-mc", "llvm-nm", "clang-offload-bundler"];
  const programs = [...tools.map((name) => join(llvmBin, name)), ...(miopenDriver === null ? [] : [miopenDriver])];
  const missing: string[] = [];
  for (const program of programs) {
    const command = programCommand(toolchain, program, []);
    const result = await exec.run({ ...command, args: ["--list", ...command.args] }, { timeoutMs: 20_000 });
    const lines = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => /not found|cannot open/.test(line));
    missing.push(...lines.map((line) => `${program.slice(toolchain.root.length + 1)}: ${line.trim()}`));
    if (result.code !== 0 && lines.length === 0)
      missing.push(`${program}: cannot be started (${result.stderr.trim()})`);
  }
  return missing;
}

async function folderOfHip(lib: string): Promise<string> {
  const names = await readdir(lib).catch(() => []);
  if (names.some((name) => name.startsWith("libamdhip64.so."))) return lib;
  throw machineError(`no HIP runtime (libamdhip64.so.*) in ${lib}`, "give the folder of a complete ROCm installation");
}

/** The entry of a folder that matches and has the highest number, as a path. */
async function newest(folder: string, pattern: RegExp): Promise<string | null> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => pattern.test(name));
  const number = (name: string) => Number(/\d+/.exec(name)?.[0]);
  const best = names.sort((a, b) => number(b) - number(a))[0];
  return best === undefined ? null : join(folder, best);
}

async function optional(path: string): Promise<string | null> {
  return (await exists(path)) ? path : null;
}

async function needed(path: string): Promise<string> {
  if ((await optional(path)) !== null) return path;
  throw machineError(`${path} does not exist`, "give the folder of a complete ROCm installation");
}
