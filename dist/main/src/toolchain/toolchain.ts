import type { Command } from "../ports/exec.ts";

/** A package that a toolchain was made from. */
export interface ToolchainPackage {
  name: string;
  version: string;
  /** SHA-256 of the package file, or null where the origin has none (a folder, `/opt/rocm`). */
  sha256: string | null;
  /** Bytes of the package file, or null. */
  bytes: number | null;
  /** SPDX-like licence text when the origin tells, else null. */
  license: string | null;
}

/** Paths inside a toolchain, absolute. `null` where the toolchain does not have the part. */
export interface ToolchainPaths {
  /** The tree's own dynamic loader, when programs must be started through it. */
  loader: string | null;
  libraryPath: readonly string[];
  /** `libMIOpen.so.1` */
  miopen: string | null;
  miopenDriver: string | null;
  /** Folder with `libamdhip64.so.*` */
  hip: string;
  /** Versioned rocBLAS folder with `TensileLibrary*.dat` */
  rocblasLibrary: string | null;
  /** Folder with `llvm-objdump`, `llvm-readelf`, `clang` … */
  llvmBin: string;
  /** HIP headers */
  include: string;
}

/** A ROCm tree, whatever it came from. A plain value: it can be written as JSON and read again. */
export interface Toolchain {
  kind: "debian" | "amd" | "archive" | "system" | "folder";
  root: string;
  rocmVersion: string;
  miopenVersion: string | null;
  packages: readonly ToolchainPackage[];
  /** Digest of what the tree holds; changes when any package or file that matters changes. */
  digest: string;
  paths: ToolchainPaths;
}

export interface ProgramOptions {
  /** Shared libraries to load first (the virtual device). */
  preload?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Searched before the toolchain's own libraries. */
  libraryPath?: readonly string[];
}

/**
 * The command that starts a program of the toolchain: directly on a native ROCm, through the tree's own loader
 * when the tree belongs to another distribution than the host (facts: build.md).
 */
export function programCommand(
  toolchain: Toolchain,
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Command {
  const { loader, libraryPath } = toolchain.paths;
  const libraries = [...(options.libraryPath ?? []), ...libraryPath].join(":");
  const preload = (options.preload ?? []).join(":");
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...options.env };
  const cwd = options.cwd === undefined ? {} : { cwd: options.cwd };
  if (loader === null) {
    const preloadEnv: Record<string, string> = preload === "" ? {} : { LD_PRELOAD: preload };
    return { file: program, args, env: { ...env, LD_LIBRARY_PATH: libraries, ...preloadEnv }, ...cwd };
  }
  const preloadArgs = preload === "" ? [] : ["--preload", preload];
  return { file: loader, args: ["--library-path", libraries, ...preloadArgs, program, ...args], env, ...cwd };
}
