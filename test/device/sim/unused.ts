import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds: what nobody used for a week was made from sources that are gone. */
const WEEK = 7 * 24 * 3600 * 1000;

export async function markUsed(path: string): Promise<void> {
  await utimes(path, new Date(), new Date());
}

/** Removes what was not used for a week from a folder of the tests' cache. */
export async function removeUnused(folder: string, names: RegExp): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!names.test(name)) continue;
    const path = join(folder, name);
    const used = await stat(path).catch(() => null);
    if (used !== null && Date.now() - used.mtimeMs > WEEK) await rm(path, { recursive: true, force: true });
  }
}
