import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SoundToolchain } from "../../../src/toolchain/stage.ts";

/** Lines of a shell script that stands for clang++: g++ gets what it knows. ccache takes it for clang, by its name. */
const WITHOUT_CLANGS_OWN =
  'for a do shift; case $a in --offload-host-only | -fcolor-diagnostics) ;; *) set -- "$@" "$a";; esac; done';

/** Why the host cannot compile the small MIOpen, or false. */
export function cannotCompile(): string | false {
  for (const program of ["cmake", "ninja", "g++", "readelf", "patch"]) {
    if (!["/usr/bin", "/usr/local/bin"].some((folder) => existsSync(join(folder, program)))) {
      return `${program} is not on this machine`;
    }
  }
  return false;
}

/**
 * A toolchain of the host's own programs, as an installed ROCm is one; `clangxx` is a script instead of the compiler. The one
 * that an earlier call has made in the folder stays as it is.
 */
export function nativeToolchain(folder: string, clangxx = 'exec g++ "$@"'): SoundToolchain {
  const root = join(folder, "rocm");
  const llvmBin = join(root, "llvm/bin");
  if (!existsSync(llvmBin)) {
    mkdirSync(llvmBin, { recursive: true });
    symlinkSync("/usr/bin/gcc", join(llvmBin, "clang"));
    symlinkSync("/usr/bin/readelf", join(llvmBin, "llvm-readelf"));
    writeFileSync(join(llvmBin, "clang++"), `#!/bin/sh\n${WITHOUT_CLANGS_OWN}\n${clangxx}\n`);
    chmodSync(join(llvmBin, "clang++"), 0o755);
  }
  return {
    ...{ kind: "system", root, rocmVersion: "7.0.2", miopenVersion: null, packages: [], digest: "native" },
    paths: {
      ...{ loader: null, libraryPath: [], miopen: null, miopenDriver: null, hip: root, rocblasLibrary: null },
      ...{ llvmBin, include: join(root, "include") },
    },
    ensureSound: async () => {},
  };
}
