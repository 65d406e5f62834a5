import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../errors.ts";
import type { Command } from "../ports/exec.ts";
import { exists } from "../ports/files.ts";
import { programCommand, type Toolchain } from "../toolchain/toolchain.ts";

/** Starts one C++ compiler, wherever it comes from. */
export interface Compiler {
  /** For messages. */
  name: string;
  /** Compiles one source (C++ or assembly) to an object. */
  compile(source: string, object: string, flags: readonly string[]): Command;
  /** Links objects into a shared library. */
  link(objects: readonly string[], library: string, versionScript: string): Command;
  /** Links objects into a program, started like every program of the toolchain (programCommand). */
  linkProgram(objects: readonly string[], program: string): Command;
}

/** The toolchain's clang where it can be used, else a C++20 compiler of the host. */
export async function findCompiler(toolchain: Toolchain, path = "/usr/local/bin:/usr/bin"): Promise<Compiler> {
  const clang = join(toolchain.paths.llvmBin, "clang++");
  if (await isExecutable(clang)) {
    if (toolchain.paths.loader === null) return driver(clang);
    const tree = await treeParts(toolchain);
    if (tree !== null) return treeCompiler(toolchain, tree);
  }
  for (const name of ["g++", "clang++"]) {
    for (const folder of path.split(":")) {
      if (folder !== "" && (await isExecutable(join(folder, name)))) return driver(join(folder, name));
    }
  }
  throw machineError(
    `no C++ compiler: ${clang} cannot be used and the host has neither g++ nor clang++`,
    "use a toolchain with clang and the C++ headers, or install g++",
  );
}

/** A compiler that finds its own headers and linker. */
function driver(file: string): Compiler {
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
  return {
    name: file,
    compile: (source, object, flags) => ({ file, args: [...flags, "-c", source, "-o", object], env }),
    link: (objects, library, versionScript) => ({
      file,
      args: [
        "-shared",
        "-o",
        library,
        ...objects,
        ...LINK.map((flag) => `-Wl,${flag}`),
        versionScriptFlag(versionScript),
      ],
      env,
    }),
    linkProgram: (objects, program) => ({ file, args: ["-o", program, ...objects, "-ldl"], env }),
  };
}

/** Linker options that every compiler gets. */
export const LINK = ["-z,defs", "-z,relro", "--build-id=none"];
const versionScriptFlag = (file: string) => `-Wl,--version-script=${file}`;

interface TreeParts {
  /** crtbeginS.o and libgcc.a */
  gcc: string;
  /** clang's own headers */
  resources: string;
  /** Folder of crti.o and the shared libraries */
  libraries: string;
}

/** What clang needs of an unpacked Debian tree besides itself; null when something is missing. */
async function treeParts(toolchain: Toolchain): Promise<TreeParts | null> {
  const libraries = join(toolchain.root, "usr/lib/x86_64-linux-gnu");
  const gcc = await newestFolder(join(toolchain.root, "usr/lib/gcc/x86_64-linux-gnu"), "crtbeginS.o");
  const resources = await newestFolder(join(toolchain.paths.llvmBin, "../lib/clang"), "include/stddef.h");
  const headers = await newestFolder(join(toolchain.root, "usr/include/c++"), "string");
  if (gcc === null || resources === null || headers === null) return null;
  for (const file of [
    join(libraries, "crti.o"),
    join(libraries, "Scrt1.o"),
    join(toolchain.root, "usr/include/stdio.h"),
  ]) {
    if (!(await exists(file))) return null;
  }
  return (await exists(join(toolchain.paths.llvmBin, "ld.lld"))) ? { gcc, resources, libraries } : null;
}

/**
 * Clang of a tree that belongs to another distribution. It runs through the tree's loader, where it cannot find itself
 * (so its headers are named) nor start another program (so lld is started here). The libraries are given by file: the
 * tree lacks the `lib` link that libc's linker script goes through.
 */
function treeCompiler(toolchain: Toolchain, tree: TreeParts): Compiler {
  const { root, paths } = toolchain;
  const clang = join(paths.llvmBin, "clang++");
  const shared = ["libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6"].map((file) =>
    join(tree.libraries, file),
  );
  /** Objects between what the C runtime puts before and after them. */
  const whole = (objects: readonly string[]) => [
    ...[join(tree.libraries, "crti.o"), join(tree.gcc, "crtbeginS.o")],
    ...objects,
    ...shared,
    ...[paths.loader ?? "", join(tree.gcc, "libgcc.a")].filter((file) => file !== ""),
    ...[join(tree.gcc, "crtendS.o"), join(tree.libraries, "crtn.o")],
  ];
  return {
    name: `${clang} (through ${paths.loader})`,
    compile: (source, object, flags) => {
      const where = source.endsWith(".s") ? [] : [`--sysroot=${root}`, "-resource-dir", tree.resources];
      return programCommand(toolchain, clang, [...where, ...flags, "-c", source, "-o", object]);
    },
    link: (objects, library, versionScript) =>
      programCommand(toolchain, join(paths.llvmBin, "ld.lld"), [
        ...["-shared", "-m", "elf_x86_64", "--eh-frame-hdr", "--hash-style=gnu", "-o", library],
        ...LINK.flatMap((flag) => (flag.startsWith("-z,") ? ["-z", flag.slice(3)] : [flag])),
        `--version-script=${versionScript}`,
        ...whole(objects),
      ]),
    linkProgram: (objects, program) =>
      programCommand(toolchain, join(paths.llvmBin, "ld.lld"), [
        ...["-pie", "-m", "elf_x86_64", "--eh-frame-hdr", "--hash-style=gnu", "-o", program],
        ...["-dynamic-linker", paths.loader ?? "", join(tree.libraries, "Scrt1.o")],
        ...whole(objects),
      ]),
  };
}

/** The subfolder with the highest number for a name that holds `file`. */
async function newestFolder(parent: string, file: string): Promise<string | null> {
  const names = await readdir(parent).catch(() => []);
  names.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  for (const name of names) {
    if (await exists(join(parent, name, file))) return join(parent, name);
  }
  return null;
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
