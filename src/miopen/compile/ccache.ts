import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "../../ports/exec.ts";
import type { Toolchain } from "../../toolchain/toolchain.ts";
import { folderOf } from "../../toolchain/tree.ts";
import type { BuildEnvironment } from "./environment.ts";

/** Bytes that ccache keeps, as it writes them. A cold build of MIOpen 3.4 leaves some 200 MB: ten series fit. */
const SIZE = "2G";

/**
 * Environment of ccache. With the compiler's own list of included files (`CCACHE_DEPEND`) nothing is preprocessed twice: a cold
 * build takes as long as one without ccache. `compiler` is what it takes for the identity of the compiler: times and sizes of the files of an
 * unpacked toolchain tell nothing. Sources are unpacked with one old time, so times of included files tell nothing either.
 */
export function ccacheEnvironment(environment: BuildEnvironment, compiler: string): Record<string, string> {
  const { method, inside } = environment;
  if (inside.ccache === null) return {};
  const moved: Record<string, string> =
    method === "native" ? { CCACHE_BASEDIR: join(inside.source, ".."), CCACHE_NOHASHDIR: "1" } : {};
  return {
    CCACHE_DIR: inside.ccache,
    CCACHE_MAXSIZE: SIZE,
    CCACHE_DEPEND: "1",
    CCACHE_COMPILERCHECK: `string:${compiler}`,
    CCACHE_SLOPPINESS: "include_file_ctime,include_file_mtime,time_macros",
    ...moved,
  };
}

/**
 * Digest of the compiler and of the libraries that it is: clang's driver is small, what compiles lies in libLLVM and
 * libclang-cpp. The digest of a tree of the cache covers every package; of an installed ROCm the files are read.
 */
export async function compilerDigest(toolchain: Toolchain): Promise<string> {
  if (folderOf(toolchain) !== null) return toolchain.digest;
  const { llvmBin } = toolchain.paths;
  const libraries = join(llvmBin, "../lib");
  const names = (await readdir(libraries).catch(() => [])).filter((name) => /^lib(LLVM|clang-cpp).*\.so/.test(name));
  const files = new Set<string>();
  for (const path of [join(llvmBin, "clang++"), ...names.map((name) => join(libraries, name))]) {
    files.add(await realpath(path).catch(() => path));
  }
  const hash = createHash("sha256");
  for (const file of [...files].sort()) {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** What ccache did in one build. */
export interface CcacheCounts {
  hits: number;
  misses: number;
}

/** Reads `ccache --print-stats`: names and numbers, tab between. */
export function readStatistics(text: string): CcacheCounts {
  const count = (name: string) => Number(new RegExp(`^${name}\\t(\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return {
    hits: count("direct_cache_hit") + count("preprocessed_cache_hit"),
    misses: count("cache_miss"),
  };
}

/** The counters of the folder, or null when they cannot be had. */
export async function ccacheStatistics(
  environment: BuildEnvironment,
  env: Readonly<Record<string, string>>,
  exec: Exec,
): Promise<CcacheCounts | null> {
  const result = await exec.run(environment.command("ccache", ["--print-stats"], env), { timeoutMs: 60_000 });
  return result.code === 0 ? readStatistics(result.stdout) : null;
}
