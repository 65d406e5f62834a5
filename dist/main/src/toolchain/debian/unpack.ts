import { lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { machineError } from "../../errors.ts";
import type { Pruned } from "../prune.ts";
import type { ArchivePackage } from "./apt.ts";
import type { ArchivePorts } from "./archive.ts";
import { eachLimit } from "./limit.ts";
import { withParent } from "./parent.ts";

/** What is unpacked at once: decompression of the largest package uses two cores by itself. */
const AT_ONCE = 2;

const SCRIPT = `set -o pipefail; umask 022
dpkg-deb --fsys-tarfile "$1" | tar --extract --directory="$2" --no-same-owner --no-same-permissions \\
  --anchored --wildcards --exclude-from="$3"`;

/**
 * Unpacks package files into `root`, without the paths of `pruned`; no script of a package is run. Afterwards `bin`, `lib`,
 * `lib64` and `sbin` lead into `usr`, and no symbolic link leads out of the tree.
 */
export async function unpackPackages(
  packages: readonly ArchivePackage[],
  folder: string,
  root: string,
  pruned: readonly Pruned[],
  ports: ArchivePorts,
): Promise<void> {
  await mkdir(root, { recursive: true });
  const excludes = `${root}.excludes`;
  await writeFile(excludes, pruned.map(({ pattern }) => `${pattern}\n`).join(""));
  const largestFirst = [...packages].sort((a, b) => b.bytes - a.bytes);
  const total = packages.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await eachLimit(largestFirst, AT_ONCE, ports.signal, async ({ file, bytes }, signal) => {
    const args = ["-c", SCRIPT, "bash", join(folder, file), root, excludes];
    const command = withParent({ file: "bash", args, env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
    const result = await ports.exec.run(command, { signal });
    signal.throwIfAborted();
    if (result.code !== 0) throw unpackError(file, root, result.stderr);
    done += bytes;
    ports.log.progress(`unpacked ${Math.floor((done / total) * 100)} % of ${packages.length} packages`);
  });
  await rm(excludes);
  await mergeUsr(root);
  await containLinks(root);
}

function unpackError(file: string, root: string, stderr: string): Error {
  if (/No space left/.test(stderr)) {
    return machineError(`the disk of ${root} is full`, "free space there (about 3 GB), or give another cache folder");
  }
  const why = stderr.trim().split("\n").slice(0, 2).join("; ");
  return machineError(
    `cannot unpack ${file}: ${why}`,
    "start again; the package file is checked and fetched anew if damaged",
  );
}

/** `/lib` and the like are links into `/usr` on an installed Debian; packages alone do not make them. */
async function mergeUsr(root: string): Promise<void> {
  for (const name of ["bin", "lib", "lib64", "sbin"]) {
    const top = join(root, name);
    const stat = await lstat(top).catch(() => null);
    if (stat?.isDirectory()) {
      await moveInto(top, join(root, "usr", name));
      await rm(top, { recursive: true });
    } else if (stat !== null) {
      await rm(top);
    }
    await mkdir(join(root, "usr", name), { recursive: true });
    await symlink(`usr/${name}`, top);
  }
}

async function moveInto(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    const there = await lstat(target).catch(() => null);
    if (entry.isDirectory() && there?.isDirectory()) await moveInto(source, target);
    else await rename(source, target);
  }
}

/** Makes absolute links relative to the tree and removes links that would lead out of it. */
async function containLinks(root: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await readlink(path);
    const inside = containedTarget(root, path, target);
    if (inside === target) continue;
    await rm(path);
    if (inside !== null) await symlink(inside, path);
  }
}

/** What a link at `path` must say to stay in `root`; null when `target` leads out of it. */
export function containedTarget(root: string, path: string, target: string): string | null {
  if (target.startsWith("/")) return relative(dirname(path), join(root, target)) || ".";
  const leads = resolve(dirname(path), target);
  return leads === root || leads.startsWith(`${root}/`) ? target : null;
}
