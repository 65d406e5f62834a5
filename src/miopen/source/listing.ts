import { constants } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { sha256, sha256File } from "../../ports/files.ts";
import { eachLimit } from "../../toolchain/debian/limit.ts";

/** What belongs to version control and not to the source. */
export const LEFT_OUT: readonly string[] = [".git", ".hg", ".svn"];

/** One line an entry of a source tree, sorted: `<sha256> <x or -> <path>`, for a link its target instead of a digest. */
export interface Listing {
  lines: string[];
  /** Digest of the lines: two trees with the same digest compile to the same */
  digest: string;
  /** When the newest entry was last changed, in milliseconds since 1970 */
  changed: number;
}

/** Files read at once: thousands of small ones, so waiting for the disk is most of the time. */
const AT_ONCE = 16;

/** Bytes up to which a file is read in one go. */
const SMALL = 4 << 20;

/** Reads every file below `folder`. Names of version control are left out, so a checkout and its tarball list the same. */
export async function listSource(folder: string): Promise<Listing> {
  const lines: string[] = [];
  let changed = 0;
  const names = await namesBelow(folder);
  await eachLimit(names, AT_ONCE, undefined, async (name) => {
    const path = join(folder, name);
    const stats = await lstat(path);
    changed = Math.max(changed, stats.ctimeMs);
    if (stats.isSymbolicLink()) lines.push(`-> ${await readlink(path)} - ${name}`);
    if (!stats.isFile()) return;
    const digest = stats.size > SMALL ? await sha256File(path) : sha256(await readFile(path));
    lines.push(`${digest} ${(stats.mode & constants.S_IXUSR) === 0 ? "-" : "x"} ${name}`);
  });
  lines.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  return { lines, digest: sha256(`${lines.join("\n")}\n`), changed };
}

/** When the newest entry below a folder was last changed. */
export async function lastChange(folder: string): Promise<number> {
  let changed = 0;
  for (const name of await namesBelow(folder)) changed = Math.max(changed, (await lstat(join(folder, name))).ctimeMs);
  return changed;
}

async function namesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (LEFT_OUT.includes(entry.name)) continue;
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(name);
      else names.push(name);
    }
  };
  await walk("");
  return names;
}

/** The path in a line of a listing. */
export function pathOf(line: string): string {
  return / [x-] (.*)$/.exec(line)?.[1] ?? "";
}
