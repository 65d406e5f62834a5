import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { withLock } from "../cache/lock.ts";
import type { Tiers } from "../cache/tiers.ts";
import { codeOf, machineError, messageOf, userError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import type { Origin } from "../record.ts";
import { missingParts } from "./locate.ts";
import { NoSuchRelease } from "./no-release.ts";
import type { Toolchain } from "./toolchain.ts";
import { folderOf, nameOf, publishTree, readTree, verifyTree } from "./tree.ts";

/** How a tree of the cache is made, whatever it is made from. */
export interface TreeSource {
  /** Name of the tree's folder: all that decides what is in it. */
  name: string;
  cacheRoot: string;
  /** Characters that the path of the cache must not have besides those that nobody can take */
  refused?: RegExp;
  jobs: number;
  /**
   * Puts the files into `rootOf(folder)` and says what they are. What is worth keeping when a run is killed (package
   * files, plans) goes into `work`, which is there until the tree is published.
   */
  make(folder: string, work: string, ports: ToolchainPorts): Promise<Toolchain>;
}

export interface ToolchainPorts {
  exec: Exec;
  log: Log;
  signal?: AbortSignal;
  /** Further places where a finished tree may lie (the Actions cache) */
  tiers?: Tiers;
  /** Learns where the tree comes from */
  came?: (from: Origin) => void;
}

/**
 * The tree of a source: the one in the cache as it is, without network, else from a tier, else made. Several processes
 * that need the same one share the work of one.
 */
export async function cachedToolchain(source: TreeSource, ports: ToolchainPorts): Promise<Toolchain> {
  checkMachine(source);
  const target = targetFolder(source);
  const found = await usableTree(source, ports.log);
  if (found !== null) {
    ports.log.info(`toolchain: using ROCm ${found.rocmVersion} in ${target}`);
    ports.came?.("this machine");
    return found;
  }
  return locked(target, ports, async () => {
    const made = await usableTree(source, ports.log);
    if (made !== null) {
      ports.log.info(`toolchain: ROCm ${made.rocmVersion} in ${target} was made by another process`);
      ports.came?.("this machine");
      return made;
    }
    const entry = { key: tierKey(target), folder: target };
    const restored = await ports.tiers?.restore("toolchain", entry, () => wholeTree(target, source, ports.exec));
    if (restored) {
      ports.came?.(restored.tier);
      return restored.value;
    }
    const toolchain = await makeTree(target, source, ports);
    await ports.tiers?.save("toolchain", entry);
    return toolchain;
  });
}

/** The tree's own name: an exact key, because another tree would be another toolchain. */
function tierKey(target: string): string {
  return `rdna1-miopen-toolchain-${basename(target)}`;
}

/** A tree from beyond this machine counts only after every byte of it has been compared with its digests. */
async function wholeTree(target: string, { jobs }: TreeSource, exec: Exec): Promise<Toolchain | string> {
  const toolchain = await readTree(target);
  if (toolchain === null) return "the toolchain has no toolchain.json";
  const name = await nameOf(target);
  if (name !== basename(target)) return `it is the toolchain ${name ?? "of another version"}`;
  const wrong = await verifyTree(target, jobs, exec);
  return wrong.length === 0 ? toolchain : `the toolchain is damaged (${wrong.slice(0, 3).join(", ")})`;
}

/**
 * The same toolchain after every byte of its tree has been compared with what was published; a tree of `source` that
 * differs is replaced, with a warning that says what was wrong. What is no tree of the cache is returned as it is.
 */
export async function repairedToolchain(
  toolchain: Toolchain,
  source: TreeSource | null,
  jobs: number,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  const folder = folderOf(toolchain);
  if (folder === null) return toolchain;
  const found = await verifyTree(folder, jobs, ports.exec);
  if (found.length === 0) return toolchain;
  if (source === null || folder !== targetFolder(source)) {
    throw machineError(`the toolchain in ${folder} is damaged (${found[0]})`, "remove the folder and make it again");
  }
  return locked(folder, ports, async () => {
    // Another process may have found and replaced it while this one waited.
    const wrong = await verifyTree(folder, jobs, ports.exec);
    if (wrong.length > 0) {
      const more = wrong.length > 3 ? `, and ${wrong.length - 3} more` : "";
      ports.log.warning(
        `the toolchain in ${folder} is damaged (${wrong.slice(0, 3).join(", ")}${more}); it is replaced`,
      );
      return makeTree(folder, source, ports);
    }
    return (await readTree(folder)) ?? makeTree(folder, source, ports);
  });
}

function checkMachine({ cacheRoot, refused }: TreeSource): void {
  if (process.arch !== "x64") {
    throw machineError(`ROCm is made for x86-64, this machine is ${process.arch}`, "run on an x86-64 machine");
  }
  // apt's configuration has no escape for a quote, and the loader's search path none for a colon.
  const path = resolve(cacheRoot);
  const bad = (/[":;\n]/.exec(path) ?? refused?.exec(path))?.[0];
  if (bad !== undefined) {
    throw userError(
      `the path of the cache has the character ${JSON.stringify(bad)}: ${cacheRoot}`,
      "give another cache folder",
    );
  }
}

function targetFolder({ cacheRoot, name }: TreeSource): string {
  return join(resolve(cacheRoot), "toolchain", name); // resolve() of all three is a file to be packed, thinks ncc
}

async function locked<T>(target: string, ports: ToolchainPorts, work: () => Promise<T>): Promise<T> {
  return withLock(`${target}.lock`, work, { log: ports.log, ...(ports.signal && { signal: ports.signal }) });
}

/** The tree of a source if it is in the cache and has all its parts. */
export async function usableTree(source: TreeSource, log: Log): Promise<Toolchain | null> {
  const target = targetFolder(source);
  const toolchain = await readTree(target);
  if (toolchain === null) return null;
  const missing = await missingParts(toolchain.paths);
  if (missing.length === 0) return toolchain;
  log.warning(`the toolchain in ${target} is damaged (${missing[0]} is missing); it is replaced`);
  return null;
}

/** Makes the tree; the caller holds its lock. What was fetched stays in `<target>.work` until it is there. */
function makeTree(target: string, source: TreeSource, ports: ToolchainPorts): Promise<Toolchain> {
  return ports.log.group(`toolchain: ${source.name}`, async () => {
    const work = `${target}.work`;
    try {
      await mkdir(work, { recursive: true });
      await removeLeftovers(target);
      const temporary = `${target}.new-${process.pid}`;
      const toolchain = await source.make(temporary, work, ports);
      await publishTree(toolchain, temporary, target, source.jobs, ports.exec);
      await rm(work, { recursive: true, force: true });
      await removeLeftovers(target);
    } catch (error) {
      await removeLeftovers(target).catch(() => {});
      if (error instanceof NoSuchRelease) await rm(work, { recursive: true, force: true });
      throw diskError(error, work);
    }
    const made = await readTree(target);
    if (made === null) throw machineError(`the toolchain in ${target} cannot be read back`, "check the disk");
    ports.log.info(`toolchain: ROCm ${made.rocmVersion} (MIOpen ${made.miopenVersion ?? "?"}) is in ${target}`);
    ports.came?.("made");
    return made;
  });
}

function diskError(error: unknown, work: string): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC") return machineError(`the disk of ${work} is full`, "free about 3 GB there", error);
  if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
    return machineError(
      `cannot write in the cache: ${messageOf(error)}`,
      "give a cache folder that this user may write",
      error,
    );
  }
  return error;
}

/** Trees that a killed run did not finish, and damaged ones that were set aside. The caller holds the lock. */
async function removeLeftovers(target: string): Promise<void> {
  const parent = dirname(target);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(target)}.new-`) || name.startsWith(`${basename(target)}.old-`)) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}
