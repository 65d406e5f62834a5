import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfThere } from "../../ports/files.ts";

/** MIOpen's version in the text of its top CMakeLists.txt (`rocm_setup_version(VERSION 3.5.0)`); null when it is another project's. */
export function sourceVersion(cmakeLists: string): string | null {
  const text = cmakeLists.replace(/#.*$/gm, "");
  if (!/\bproject\s*\(\s*MIOpen\b/i.test(text)) return null;
  return /\brocm_setup_version\s*\(\s*VERSION\s+"?(\d+\.\d+\.\d+)/i.exec(text)?.[1] ?? null;
}

/** The folder of MIOpen in something that was unpacked or checked out, and its version; null when there is none. */
export async function findMiopen(folder: string): Promise<{ folder: string; version: string } | null> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const only = entries.length === 1 && entries[0] !== undefined ? [join(folder, entries[0].name)] : [];
  // The monorepo rocm-libraries has MIOpen in projects/miopen.
  for (const place of [folder, ...only].flatMap((top) => [top, join(top, "projects/miopen")])) {
    const version = sourceVersion((await readTextIfThere(join(place, "CMakeLists.txt"))) ?? "");
    if (version !== null) return { folder: place, version };
  }
  return null;
}
