import { createHash, randomBytes } from "node:crypto";
import { chmodSync, createReadStream, lstatSync, readdirSync, rmSync } from "node:fs";
import { access, lstat, open, readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureFolder } from "../cache/folder.ts";
import { codeOf, machineError, type RdnaError, userError } from "../errors.ts";

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The text of a file, or null when there is none. */
export async function readTextIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Writes aside, flushes to disk and renames: readers see the old content or the new, never a part. */
export async function writeWhole(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await ensureFolder(dirname(path));
  const aside = asideOf(path);
  try {
    const file = await open(aside, "wx", mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw diskError(error, path);
  }
}

/** A name next to `path` that no other run uses. */
export function asideOf(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
}

/** SHA-256 of a file, streamed; lower-case hex. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** SHA-256 of text or bytes, lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Bytes that an ordinary user may still write on the file system of `folder` (which need not exist yet). */
export async function freeBytes(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || path === dirname(path)) throw error;
    }
  }
}

/** Every file below a folder, sorted; none where there is no folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Removes a file or folder, if it is there, whatever the modes of the folders below it: an ordinary user's own may forbid it. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => removeTreeNow(path));
}

/** {@link removeTree} for where nothing can be waited for. */
export function removeTreeNow(path: string): void {
  openFolders(path);
  rmSync(path, { recursive: true, force: true });
}

function openFolders(folder: string): void {
  try {
    if (!lstatSync(folder).isDirectory()) return; // through a link nothing is to be changed
    chmodSync(folder, 0o700);
    for (const name of readdirSync(folder)) openFolders(join(folder, name));
  } catch {
    // gone, or another user's: the removal tells
  }
}

/** Bytes of all files below a folder; one that vanishes meanwhile has none. */
export async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const file of await filesBelow(folder)) bytes += await sizeIfThere(file);
  return bytes;
}

async function sizeIfThere(file: string): Promise<number> {
  try {
    return (await lstat(file)).size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
}

/** Makes sure that `folder` exists and takes files; the option's name goes into the message. */
export async function checkWritableFolder(folder: string, option: string): Promise<void> {
  const probe = join(folder, `.rdna1-miopen-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await ensureFolder(folder);
    await (await open(probe, "wx")).close();
    await rm(probe);
  } catch (error) {
    if (codeOf(error) === "ENOSPC") throw diskError(error, folder);
    throw userError(
      `${option}: the folder ${folder} cannot be written (${codeOf(error) ?? String(error)})`,
      `choose another folder with --${option}, or change its permissions`,
      error,
    );
  }
}

/** Whether a program says that it could not write because the disk is full. */
export function saysDiskIsFull(output: string): boolean {
  return /No space left on device|disk is full|Disk quota exceeded/i.test(output);
}

/** The error for a disk that is full. */
export function diskFull(path: string, cause?: unknown): RdnaError {
  return machineError(
    `the disk is full: ${path} could not be written`,
    "free some space and run the same command again",
    cause,
  );
}

/** Puts a full disk into words; passes everything else on. */
export function diskError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" ? diskFull(path, error) : error;
}
