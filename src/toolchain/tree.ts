import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { codeOf, machineError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import type { Toolchain, ToolchainPaths } from "./toolchain.ts";

/**
 * A published tree is a folder with
 *
 * - `root/`: the files
 * - `files.b2sum`: the BLAKE2b digest of every file, as `b2sum` (coreutils) writes and checks it; on processors without
 *   SHA extensions it is more than twice as fast as SHA-256 (490 against 210 MB/s where this was measured)
 * - `links.json`: every symbolic link with its target
 * - `toolchain.json`: the Toolchain, its paths relative to the folder, so that the folder can be moved, and the name that the
 *   folder had
 *
 * It appears under its name in one rename, after everything in it has been checked.
 */
const FILES = "files.b2sum";
const LINKS = "links.json";
const VALUE = "toolchain.json";
const ROOT = "root";

/** Empty folders of a tree that MIOpen is compiled in, for what a build puts there (src/miopen/compile/environment.ts). */
const MOUNT_POINTS = ["dev", "proc", "tmp", "src", "out", "ccache"] as const;

/** Makes these folders, so that the tree can be used as a root folder for a build. */
export async function makeMountPoints(root: string): Promise<void> {
  for (const name of MOUNT_POINTS) await mkdir(join(root, name), { recursive: true });
}

/** Where a tree's files are. */
export function rootOf(folder: string): string {
  return join(folder, ROOT);
}

/** The toolchain published in `folder`, or null when there is none that can be read. */
export async function readTree(folder: string): Promise<Toolchain | null> {
  const text = await readFile(join(folder, VALUE), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const { name: _, ...toolchain } = JSON.parse(text) as Toolchain & { name?: string };
    return withPaths(toolchain, (path) => join(folder, path));
  } catch {
    return null; // not JSON, or not of this shape: a damaged copy
  }
}

/** The name under which a tree was published, or null when it does not tell. */
export async function nameOf(folder: string): Promise<string | null> {
  const text = await readFile(join(folder, VALUE), "utf8").catch(() => "{}");
  return (JSON.parse(text) as { name?: string }).name ?? null;
}

/**
 * Lists the files of `folder`, writes the toolchain's value and moves the folder to `target`. A tree that is there is set
 * aside as `<target>.old-<pid>`; programs that run from it go on, their files are open or mapped.
 */
export async function publishTree(
  toolchain: Toolchain,
  folder: string,
  target: string,
  jobs: number,
  exec: Exec,
): Promise<void> {
  const root = rootOf(folder);
  const { files, links } = await entries(root);
  const sums = await digests(root, files, jobs, exec);
  await writeDurably(join(folder, FILES), sums);
  await writeDurably(join(folder, LINKS), `${JSON.stringify(links)}\n`);
  const relocatable = { ...withPaths(toolchain, (path) => relative(folder, path)), name: basename(target) };
  await writeDurably(join(folder, VALUE), `${JSON.stringify(relocatable, null, 1)}\n`);
  await rename(target, `${target}.old-${process.pid}`).catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  await rename(folder, target);
}

/**
 * Reads every file of a published tree and compares it with its digest. Resolves with what is wrong, sorted
 * (`changed: usr/…`, `missing: usr/…`); empty when all is as it was published.
 */
export async function verifyTree(folder: string, jobs: number, exec: Exec): Promise<string[]> {
  const root = rootOf(folder);
  const list = await readFile(join(folder, FILES), "utf8").catch(() => "");
  const linkText = await readFile(join(folder, LINKS), "utf8").catch(() => "");
  const lines = list.split("\n").filter((line) => line !== "");
  if (lines.length === 0 || linkText === "") return [`missing: ${FILES} or ${LINKS}`];
  const wrong: string[] = [];
  await inShares(await sized(root, lines, pathOfLine), jobs, async (share) => {
    const input = share.map((line) => `${line}\n`).join("");
    const args = ["--check", "--quiet", "--strict", "-"];
    const result = await exec.run({ file: "b2sum", args, env: ENV, cwd: root }, { input });
    if (result.code === 0) return;
    const before = wrong.length;
    for (const text of result.stdout.split("\n")) {
      const [, file, what] = /^(.*): (FAILED.*)$/.exec(text) ?? [];
      if (file !== undefined) wrong.push(`${what === "FAILED" ? "changed" : "missing"}: ${file}`);
    }
    if (wrong.length === before) wrong.push(`unreadable: ${result.stderr.trim().split("\n")[0]}`);
  });
  for (const [path, target] of Object.entries(parseLinks(linkText, wrong))) {
    const now = await readlink(join(root, path)).catch(() => null);
    if (now !== target) wrong.push(`${now === null ? "missing" : "changed"}: ${path}`);
  }
  return wrong.sort();
}

const ENV = { PATH: "/usr/bin:/bin", LC_ALL: "C" };

/** The path in a line of `b2sum`: 128 digits and two more characters come before it. */
function pathOfLine(line: string): string {
  return line.slice(130);
}

function parseLinks(text: string, wrong: string[]): Record<string, string> {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    wrong.push(`changed: ${LINKS}`);
    return {};
  }
}

async function entries(root: string): Promise<{ files: string[]; links: Record<string, string> }> {
  const files: string[] = [];
  const links: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path);
    if (entry.isFile()) files.push(name);
    else if (entry.isSymbolicLink()) links[name] = await readlink(path);
    else if (!entry.isDirectory()) await rm(path); // a device or a socket has no place in a toolchain
  }
  return { files, links };
}

/** `b2sum` lines of files, sorted by path. */
async function digests(root: string, files: readonly string[], jobs: number, exec: Exec): Promise<string> {
  const lines: string[] = [];
  await inShares(await sized(root, files, (path) => path), jobs, async (share) => {
    const input = share.map((path) => `${path}\0`).join("");
    const args = ["-0", "b2sum", "--"];
    const result = await exec.run({ file: "xargs", args, env: ENV, cwd: root }, { input, keep: 64 << 20 });
    if (result.code !== 0) {
      throw machineError(`cannot read the unpacked toolchain in ${root}: ${result.stderr.trim()}`, "check the disk");
    }
    lines.push(...result.stdout.split("\n").filter((line) => line !== ""));
  });
  if (lines.length !== files.length) throw new Error(`${lines.length} digests for ${files.length} files`);
  return lines
    .sort((a, b) => (pathOfLine(a) < pathOfLine(b) ? -1 : 1))
    .map((line) => `${line}\n`)
    .join("");
}

interface Sized<T> {
  item: T;
  bytes: number;
}

async function sized<T>(root: string, items: readonly T[], pathOf: (item: T) => string): Promise<Sized<T>[]> {
  const size = async (item: T) => (await lstat(join(root, pathOf(item))).catch(() => null))?.size ?? 0;
  const result: Sized<T>[] = [];
  for (const item of items) result.push({ item, bytes: await size(item) });
  return result;
}

/** Runs `work` on shares of about the same number of bytes, all at once; two files are 700 MB of a tree's 1,400. */
async function inShares<T>(
  items: readonly Sized<T>[],
  jobs: number,
  work: (share: T[]) => Promise<void>,
): Promise<void> {
  const shares = Array.from({ length: Math.max(1, Math.min(jobs, 8)) }, () => ({ bytes: 0, items: [] as T[] }));
  for (const { item, bytes } of [...items].sort((a, b) => b.bytes - a.bytes)) {
    const least = shares.reduce((a, b) => (b.bytes < a.bytes ? b : a));
    least.items.push(item);
    least.bytes += bytes;
  }
  await Promise.all(shares.filter((share) => share.items.length > 0).map((share) => work(share.items)));
}

function withPaths(toolchain: Toolchain, map: (path: string) => string): Toolchain {
  const one = <T extends string | null>(path: T) => (path === null ? path : map(path as string)) as T;
  const { libraryPath, loader, miopen, miopenDriver, hip, rocblasLibrary, llvmBin, include } = toolchain.paths;
  const paths: ToolchainPaths = {
    loader: one(loader),
    libraryPath: libraryPath.map(map),
    miopen: one(miopen),
    miopenDriver: one(miopenDriver),
    hip: map(hip),
    rocblasLibrary: one(rocblasLibrary),
    llvmBin: map(llvmBin),
    include: map(include),
  };
  return { ...toolchain, root: map(toolchain.root), paths };
}

/** The small files that say what a tree is must not be lost in a power cut; damage to the large ones is found by digest. */
async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "w").catch((error) => {
    if (codeOf(error) === "ENOSPC") throw machineError(`the disk of ${file} is full`, "free space there", error);
    throw error;
  });
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    if (codeOf(error) !== "ENOSPC") throw error;
    throw machineError(`the disk of ${file} is full`, "free space there, or give another cache folder", error);
  } finally {
    await handle.close();
  }
}

/** The folder of a published tree that a toolchain is in, or null when it is not one of ours. */
export function folderOf(toolchain: Toolchain): string | null {
  const ours = toolchain.kind !== "system" && toolchain.kind !== "folder";
  return ours && isAbsolute(toolchain.root) ? dirname(toolchain.root) : null;
}
