import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import { bothRuntimes, type CRuntime, NO_RUNTIME, neededRuntime } from "../../c-runtime.ts";
import { machineError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { exists, sha256File } from "../../ports/files.ts";
import { programCommand, type Toolchain } from "../../toolchain/toolchain.ts";

/** What a compiled MIOpen consists of, below its prefix. */
export interface InstalledMiopen {
  /** `lib/libMIOpen.so.1` */
  library: string;
  driver: string;
  /** Bytes of the library, stripped */
  bytes: number;
  /** Digest of library and driver: what kernels and proofs depend on */
  digest: string;
  /** Libraries that library and driver are linked with, sorted */
  needed: readonly string[];
  /** C and C++ library that both need; absent in results that were cached before this was read */
  needs?: CRuntime;
}

/** Where the parts of an installation lie below the prefix. */
const LIBRARY = "lib/libMIOpen.so.1";
const DRIVER = "bin/MIOpenDriver";

/**
 * Checks that a prefix holds a whole MIOpen that can be moved: library, driver, headers and CMake configuration are
 * there, library and driver are stripped and look for libraries beside themselves only. A machine error when it does not.
 */
export async function inspectInstallation(prefix: string, toolchain: Toolchain, exec: Exec): Promise<InstalledMiopen> {
  const faults: string[] = [];
  for (const part of [LIBRARY, DRIVER, "include/miopen/miopen.h", "lib/cmake/miopen"]) {
    if (!(await exists(join(prefix, part)))) faults.push(`${part} is missing`);
  }
  const needed = new Set<string>();
  const digests: string[] = [];
  let needs = NO_RUNTIME;
  let bytes = 0;
  if (faults.length === 0) {
    for (const name of [LIBRARY, DRIVER]) {
      const file = await realpath(join(prefix, name));
      const elf = await readElf(file, toolchain, exec);
      for (const one of elf.needed) needed.add(one);
      needs = bothRuntimes(needs, elf.needs);
      faults.push(...elf.faults.map((fault) => `${name} ${fault}`));
      digests.push(await sha256File(file));
      if (name === LIBRARY) bytes = (await lstat(file)).size;
    }
  }
  faults.push(...(await foreignLinks(prefix)));
  if (faults.length > 0) {
    throw machineError(`the compiled MIOpen cannot be used: ${faults.join("; ")}`, "report this with the patches used");
  }
  return { library: LIBRARY, driver: DRIVER, bytes, digest: digests.join(" "), needed: [...needed].sort(), needs };
}

/** What an installation needs, also one whose inspection was cached without it. */
export async function runtimeOf(
  { prefix, needs }: { prefix: string; needs?: CRuntime },
  toolchain: Toolchain,
  exec: Exec,
): Promise<CRuntime> {
  return needs ?? (await inspectInstallation(prefix, toolchain, exec)).needs ?? NO_RUNTIME;
}

/** What one file is linked with, which versions it needs, and what keeps it from being moved. */
interface ElfFacts {
  needed: string[];
  needs: CRuntime;
  faults: string[];
}

/** What `llvm-readelf` says of one file. */
async function readElf(file: string, toolchain: Toolchain, exec: Exec): Promise<ElfFacts> {
  const readelf = join(toolchain.paths.llvmBin, "llvm-readelf");
  const result = await exec.run(
    programCommand(toolchain, readelf, ["--dynamic", "--sections", "--version-info", "--wide", file]),
  );
  if (result.code !== 0) throw machineError(`${file} cannot be read: ${result.stderr.trim()}`, "report this");
  return readElfText(result.stdout);
}

/** NEEDED entries of a dynamic section, version needs, and what keeps the file from being moved. */
export function readElfText(text: string): ElfFacts {
  const needed = [...text.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].map(([, name]) => name ?? "");
  const faults: string[] = [];
  for (const [, path = ""] of text.matchAll(/\((?:RUNPATH|RPATH)\)\s+Library r(?:un)?path: \[([^\]]*)\]/g)) {
    const bad = path.split(":").filter((part) => part !== "" && !part.startsWith("$ORIGIN"));
    if (bad.length > 0) faults.push(`looks for libraries in ${bad.join(", ")}`);
  }
  if (/\s\.symtab\s/.test(text)) faults.push("is not stripped");
  return { needed, needs: neededRuntime(text), faults };
}

/** Links that lead out of the prefix. */
async function foreignLinks(prefix: string): Promise<string[]> {
  const faults: string[] = [];
  for (const entry of await readdir(prefix, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await readlink(path);
    if (target.startsWith("/")) faults.push(`${relative(prefix, path)} is a link to ${target}`);
  }
  return faults;
}
