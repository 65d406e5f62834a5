import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../ports/files.ts";

/** A use sets the time of a file or folder. False: it is not there, or belongs to another user and can only be read. */
export async function markUsed(path: string): Promise<boolean> {
  const now = new Date();
  return await utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

/**
 * Removes what was not used for some days from a folder; nothing when there is no such folder. What cannot be removed stays:
 * no run fails for want of tidiness.
 */
export async function removeUnused(folder: string, names: RegExp, days: number): Promise<void> {
  const limit = Date.now() - days * 24 * 3600 * 1000;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!names.test(name)) continue;
    const path = join(folder, name);
    const used = await stat(path).catch(() => null);
    if (used !== null && used.mtimeMs < limit) await removeTree(path).catch(() => {});
  }
}
