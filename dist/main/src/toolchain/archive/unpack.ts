import { mkdir, open, readdir, readlink, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { machineError, userError } from "../../errors.ts";
import { saysDiskIsFull } from "../../ports/files.ts";
import type { ToolchainPorts } from "../cached.ts";
import { withParent } from "../debian/parent.ts";
import { containedTarget } from "../debian/unpack.ts";
import type { Pruned } from "../prune.ts";

/** tar's option for a compression, by the first bytes of the file. */
const COMPRESSIONS: readonly { magic: string; option: string; program: string }[] = [
  { magic: "1f8b", option: "--gzip", program: "gzip" },
  { magic: "fd377a585a00", option: "--xz", program: "xz" },
  { magic: "28b52ffd", option: "--zstd", program: "zstd" },
];

/**
 * Unpacks an archive into `root`, without the paths of `pruned`. An archive with a member, hard link or symbolic link that
 * leads out of it is refused: a digest says who may have made it, not that it is harmless. When all of it lies in one top
 * folder, that folder becomes `root`.
 */
export async function unpackArchive(
  file: string,
  root: string,
  pruned: readonly Pruned[],
  ports: ToolchainPorts,
): Promise<void> {
  const { option, program } = await compressionOf(file);
  await mkdir(root, { recursive: true });
  const excludes = `${root}.excludes`;
  await writeFile(excludes, pruned.map(({ pattern }) => `${pattern}\n`).join(""));
  // GNU tar takes no `..` and no leading `/`, and makes links that could lead out only after all else is written.
  const args = ["--extract", option, "--file", file, "--directory", root, "--no-same-owner", "--no-same-permissions"];
  args.push("--anchored", "--wildcards", `--exclude-from=${excludes}`);
  const command = withParent({ file: "tar", args, env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
  const result = await ports.exec.run(command, ports.signal === undefined ? {} : { signal: ports.signal });
  ports.signal?.throwIfAborted();
  await rm(excludes);
  const why = result.stderr.trim().split("\n").slice(0, 2).join("; ");
  if (saysDiskIsFull(result.stderr)) throw machineError(`the disk of ${root} is full`, "free space there");
  if (/Removing leading|contains '\.\.'/.test(result.stderr)) throw leadsOut(file, why);
  if (/Cannot exec/.test(result.stderr)) {
    throw machineError(`${program} is not on this machine: ${why}`, `install ${program}`);
  }
  if (result.code !== 0) throw machineError(`cannot unpack ${file}: ${why}`, "check that it is a tar archive");
  await liftTopFolder(root);
  await refuseLinksOut(file, root);
}

async function compressionOf(file: string): Promise<(typeof COMPRESSIONS)[number]> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    const found = COMPRESSIONS.find(({ magic }) => buffer.toString("hex").startsWith(magic));
    if (found !== undefined) return found;
  } finally {
    await handle.close();
  }
  throw userError(`toolchain: ${file} is no tar.gz, tar.xz or tar.zst`, "give such an archive, or a folder");
}

async function liftTopFolder(root: string): Promise<void> {
  const entries = await readdir(root, { withFileTypes: true });
  const [only] = entries;
  if (entries.length !== 1 || !only?.isDirectory()) return;
  const aside = `${root}.top`;
  await rename(join(root, only.name), aside);
  await rm(root, { recursive: true });
  await rename(aside, root);
}

async function refuseLinksOut(file: string, folder: string): Promise<void> {
  const root = await realpath(folder);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await readlink(path);
    // The text of a link says where it leads only where no folder on its way is a link itself.
    const real = await realpath(path).catch(() => root);
    const inside = containedTarget(root, path, target) === target && (real === root || real.startsWith(`${root}/`));
    if (!inside) throw leadsOut(file, `${relative(root, path)} -> ${target}`);
  }
}

function leadsOut(file: string, what: string): Error {
  return userError(`toolchain: ${file} has a file or link that leads out of it: ${what}`, "use another archive");
}
