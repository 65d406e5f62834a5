import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "./ports/exec.ts";

/** A version of each of the two libraries that decide whether a compiled program starts on a machine. */
export interface CRuntime {
  /** Of the C library, e.g. `2.36`; null: none is needed, or it is not known */
  glibc: string | null;
  /** Newest version of libstdc++'s symbols, e.g. `3.4.30`; null as above */
  glibcxx: string | null;
}

/** Nothing is needed, or nothing is known. */
export const NO_RUNTIME: CRuntime = { glibc: null, glibcxx: null };

/** Where libstdc++ lies if nothing else is said: Debian's and Ubuntu's place, then that of other distributions. */
export const LIBRARY_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/lib64",
  "/usr/lib",
] as const;

/** What a file needs, from what `readelf --version-info` says of it. A weak need keeps nothing from starting. */
export function neededRuntime(text: string): CRuntime {
  const lines = text.split("\n").filter((line) => !/Flags:.*\bWEAK\b/.test(line));
  const newest = (prefix: string) => {
    const name = new RegExp(`\\bName: ${prefix}_(\\d+(?:\\.\\d+)+)\\s`);
    return lines
      .map((line) => name.exec(`${line} `)?.[1] ?? null)
      .reduce<string | null>((found, version) => newer(found, version), null);
  };
  return { glibc: newest("GLIBC"), glibcxx: newest("GLIBCXX") };
}

/** What is needed to satisfy two needs. */
export function bothRuntimes(a: CRuntime, b: CRuntime): CRuntime {
  return { glibc: newer(a.glibc, b.glibc), glibcxx: newer(a.glibcxx, b.glibcxx) };
}

/** What this machine has. `root` stands in for `/`. */
export async function runtimeHere(env: NodeJS.ProcessEnv, exec: Exec, root = "/"): Promise<CRuntime> {
  const command = { file: "getconf", args: ["GNU_LIBC_VERSION"], env: { PATH: env.PATH ?? "/usr/bin:/bin" } };
  // Missing on some systems without glibc, where others say that they do not know
  const said = await exec.run(command, { timeoutMs: 10_000 }).catch(() => null);
  const glibc = said?.code === 0 ? (/^glibc (\d+\.\d+)/.exec(said.stdout)?.[1] ?? null) : null;
  return { glibc, glibcxx: await symbolsHere(env, root) };
}

/** The newest version of the first libstdc++ that the loader finds. */
async function symbolsHere(env: NodeJS.ProcessEnv, root: string): Promise<string | null> {
  const first = (env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  for (const folder of [...first, ...LIBRARY_FOLDERS.map((name) => join(root, name))]) {
    const bytes = await readFile(join(folder, "libstdc++.so.6")).catch(() => null);
    if (bytes === null) continue;
    return [...bytes.toString("latin1").matchAll(/GLIBCXX_(\d+(?:\.\d+)+)/g)].reduce<string | null>(
      (found, [, version = null]) => newer(found, version),
      null,
    );
  }
  return null;
}

/** Why a file that needs `needs` does not start where `here` is, e.g. `needs glibc 2.43 (here is 2.36)`; null when it does. */
export function whyNotRunning(needs: CRuntime | undefined, here: CRuntime): string | null {
  const missing = [
    lack("glibc", needs?.glibc ?? null, here.glibc),
    lack("libstdc++ with GLIBCXX", needs?.glibcxx ?? null, here.glibcxx),
  ].filter((text) => text !== null);
  return missing.length === 0 ? null : `needs ${missing.join(", and ")}`;
}

function lack(name: string, needed: string | null, here: string | null): string | null {
  if (needed === null || here === null || newer(needed, here) === here) return null;
  return `${name} ${needed} (here is ${here})`;
}

/** The higher of two versions. */
function newer(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a.localeCompare(b, "en", { numeric: true }) > 0 ? a : b;
}
