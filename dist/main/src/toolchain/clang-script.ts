import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Toolchain } from "./toolchain.ts";

/**
 * Text of a shell script that is the clang of an unpacked tree for programs that start `/usr/bin/clang++-<n>` themselves,
 * as the MIOpen of ROCm 6.4 does for every kernel. Started through the tree's loader, clang cannot start itself, lld or
 * clang-offload-bundler again, so the script asks it for its steps (`-###`) and starts each the same way. Null for a native
 * ROCm, which needs no help.
 */
export async function clangScript(toolchain: Toolchain): Promise<string | null> {
  const { loader, libraryPath, llvmBin } = toolchain.paths;
  if (loader === null) return null;
  const resources = join(llvmBin, "../lib/clang");
  const version = (await readdir(resources))
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))[0];
  if (version === undefined) throw new Error(`no clang headers in ${resources}`);
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return `#!/bin/sh
set -u
unset CPATH CPLUS_INCLUDE_PATH C_INCLUDE_PATH
bin=${quoted(llvmBin)}
resources=${quoted(join(resources, version))}
start() { program=$1; shift; ${quoted(loader)} --library-path ${quoted(libraryPath.join(":"))} "$bin/$program" "$@"; }

# MIOpen names the headers of an installed ROCm; those of the tree are found through --sysroot, in their right order.
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1; shift; count=$((count - 1))
  if [ "$argument" = -isystem ] && [ "$1" = /usr/include ]; then
    shift; count=$((count - 1))
  else
    set -- "$@" "$argument"
  fi
done
set -- -resource-dir "$resources" --sysroot=${quoted(toolchain.root)} --rocm-path=${quoted(join(toolchain.root, "usr"))} \\
  --rocm-device-lib-path="$resources/amdgcn/bitcode" "$@"

TMPDIR=$(mktemp -d) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
steps=$(start clang++ '-###' "$@" 2>&1) || { printf '%s\\n' "$steps" >&2; exit 1; }
while IFS= read -r step; do
  case $step in
    *' error: '*) printf '%s\\n' "$step" >&2; exit 1 ;;
    ' "'*) eval "set -- $step" ;;
    *) continue ;;
  esac
  program=\${1##*/}; shift
  [ "$1" = -cc1 ] && program=clang++
  start "$program" "$@" || exit
done <<STEPS
$steps
STEPS
`;
}
