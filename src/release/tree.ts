import { readdir, readlink } from "node:fs/promises";
import path from "node:path";
import { userError } from "../errors.ts";
import { compareNames } from "./checksums.ts";

/** What lies below a folder, names relative to it, sorted by their bytes. */
export interface Tree {
  /** Names at the top, folders and files */
  top: readonly string[];
  /** Regular files at any depth */
  files: readonly string[];
}

/** Lists a folder that is to be packaged. A user error for what does not belong in a tarball: devices, sockets, links that lead out. */
export async function listTree(folder: string): Promise<Tree> {
  const files: string[] = [];
  const top = (await readdir(folder)).sort(compareNames);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.relative(folder, path.join(entry.parentPath, entry.name));
    if (entry.isFile()) files.push(name);
    else if (entry.isSymbolicLink()) await checkLink(folder, name);
    else if (!entry.isDirectory()) throw unfit(folder, name, "is neither a file nor a folder");
  }
  return { top, files: files.sort(compareNames) };
}

async function checkLink(folder: string, name: string): Promise<void> {
  const to = await readlink(path.join(folder, name));
  const landing = path.relative(folder, path.resolve(folder, path.dirname(name), to));
  if (path.isAbsolute(to) || landing === ".." || landing.startsWith("../")) {
    throw unfit(folder, name, `is a link that leads out of the folder (${to})`);
  }
}

function unfit(folder: string, name: string, why: string): Error {
  return userError(`cannot package ${path.join(folder, name)}: it ${why}`, "remove it from the folder");
}
