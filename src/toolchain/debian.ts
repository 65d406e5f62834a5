import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withLock } from "../cache/lock.ts";
import { codeOf, machineError, messageOf, userError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import type { Log } from "../ports/log.ts";
import { type AptPlan, type ArchivePackage, isDirect, WANTED_PACKAGES } from "./debian/apt.ts";
import { type ArchivePorts, resolvePackages } from "./debian/archive.ts";
import { downloadPackages, megabytes } from "./debian/download.ts";
import { GoneError, sizeOf } from "./debian/http.ts";
import { type Environment, hostArchive } from "./debian/mirror.ts";
import { unpackPackages } from "./debian/unpack.ts";
import { locateDebian, missingLibraries, missingParts } from "./locate.ts";
import { miopenVersion } from "./miopen-version.ts";
import { PRUNED_PACKAGES, PRUNED_PATHS } from "./prune.ts";
import type { Toolchain } from "./toolchain.ts";
import { folderOf, publishTree, readTree, rootOf, verifyTree } from "./tree.ts";

export interface DebianOptions {
  /** `7.2.4` */
  rocmVersion: string;
  cacheRoot: string;
  /** Address of a Debian mirror; null: the host's own. */
  mirror: string | null;
  offline: boolean;
  jobs: number;
  /** For `APT_CONFIG` and the proxy variables. */
  env: Environment;
}

export interface ToolchainPorts {
  exec: Exec;
  log: Log;
  signal?: AbortSignal;
}

/** What a tree is made by: another list of what is left out makes another tree. Raise the number when unpacking changes. */
const SCHEMA = createHash("sha256")
  .update(JSON.stringify([1, WANTED_PACKAGES, PRUNED_PACKAGES, PRUNED_PATHS].map(patterns)))
  .digest("hex")
  .slice(0, 8);

function patterns(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => item?.pattern ?? item) : value;
}

/** A plan older than this is asked for again: the archive changes four times a day and forgets old files. */
const PLAN_AGE = 6 * 3600 * 1000;

/** Unpacked bytes for a byte of package file; measured 2.7 for ROCm 7.2.4, rounded up. */
const UNPACKED = 3;

/**
 * ROCm from Debian's archive, unpacked into a folder of the cache: nothing is installed, no package script runs, no root
 * is needed. A tree that exists is used as it is, without network; several processes that need the same one share the
 * work of one. The tree is `<cacheRoot>/toolchain/debian-<rocm>-amd64-<schema>`.
 *
 * Throws a user error for a ROCm that the archive does not have, and machine errors for everything that the machine or
 * the network refuses.
 */
export async function debianToolchain(options: DebianOptions, ports: ToolchainPorts): Promise<Toolchain> {
  checkOptions(options);
  const target = targetFolder(options);
  const found = await usableTree(target, ports.log);
  if (found !== null) {
    ports.log.info(`toolchain: using ROCm ${found.rocmVersion} in ${target}`);
    return found;
  }
  return locked(target, ports, async () => {
    const made = await usableTree(target, ports.log);
    if (made !== null) {
      ports.log.info(`toolchain: ROCm ${made.rocmVersion} in ${target} was made by another process`);
      return made;
    }
    return makeTree(target, options, ports);
  });
}

/**
 * The same toolchain after every byte of its tree has been compared with what was published; a tree that differs is
 * replaced, with a warning that says what was wrong. A toolchain of another origin is returned as it is.
 */
export async function verifiedToolchain(
  toolchain: Toolchain,
  options: DebianOptions,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  const folder = folderOf(toolchain);
  if (folder === null || folder !== targetFolder(options)) return toolchain;
  if ((await verifyTree(folder, options.jobs, ports.exec)).length === 0) return toolchain;
  return locked(folder, ports, async () => {
    // Another process may have found and replaced it while this one waited.
    const wrong = await verifyTree(folder, options.jobs, ports.exec);
    if (wrong.length > 0) {
      const more = wrong.length > 3 ? `, and ${wrong.length - 3} more` : "";
      ports.log.warning(
        `the toolchain in ${folder} is damaged (${wrong.slice(0, 3).join(", ")}${more}); it is replaced`,
      );
      return makeTree(folder, options, ports);
    }
    return (await readTree(folder)) ?? makeTree(folder, options, ports);
  });
}

function checkOptions({ rocmVersion }: DebianOptions): void {
  if (process.arch !== "x64") {
    throw machineError(`ROCm is made for x86-64, this machine is ${process.arch}`, "run on an x86-64 machine");
  }
  if (!/^\d+\.\d+\.\d+$/.test(rocmVersion)) {
    throw userError(
      `rocm-version: ${JSON.stringify(rocmVersion)} is not a version such as 7.2.4`,
      "give all three numbers",
    );
  }
}

function targetFolder({ cacheRoot, rocmVersion }: DebianOptions): string {
  return join(cacheRoot, "toolchain", `debian-${rocmVersion}-amd64-${SCHEMA}`);
}

async function locked<T>(target: string, ports: ToolchainPorts, work: () => Promise<T>): Promise<T> {
  return withLock(`${target}.lock`, work, { log: ports.log, ...(ports.signal && { signal: ports.signal }) });
}

async function usableTree(target: string, log: Log): Promise<Toolchain | null> {
  const toolchain = await readTree(target);
  if (toolchain === null) return null;
  const missing = await missingParts(toolchain.paths);
  if (missing.length === 0) return toolchain;
  log.warning(`the toolchain in ${target} is damaged (${missing[0]} is missing); it is replaced`);
  return null;
}

/** Makes the tree; the caller holds its lock. Package files and apt's lists stay in `<target>.work` until it is there. */
async function makeTree(target: string, options: DebianOptions, ports: ToolchainPorts): Promise<Toolchain> {
  const work = `${target}.work`;
  try {
    await mkdir(work, { recursive: true });
    await removeLeftovers(target);
    const packages = await fetchPackages(work, options, ports);
    const temporary = `${target}.new-${process.pid}`;
    const toolchain = await unpackTree(temporary, join(work, "debs"), packages, options, ports);
    await replace(target);
    await publishTree(toolchain, temporary, target, options.jobs, ports.exec);
    await rm(work, { recursive: true, force: true });
    await removeLeftovers(target);
  } catch (error) {
    await removeLeftovers(target).catch(() => {});
    throw diskError(error, work);
  }
  const made = await readTree(target);
  if (made === null) throw machineError(`the toolchain in ${target} cannot be read back`, "check the disk");
  ports.log.info(`toolchain: ROCm ${made.rocmVersion} (MIOpen ${made.miopenVersion ?? "?"}) is in ${target}`);
  return made;
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

/** Sets a tree aside that is in the way. Programs that run from it go on: their files are open or mapped. */
async function replace(target: string): Promise<void> {
  await rename(target, `${target}.old-${process.pid}`).catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

interface SavedPlan {
  mirror: string;
  when: number;
  direct: boolean;
  packages: ArchivePackage[];
}

/** Brings every package file into `<work>/debs`; asks the archive again when it has moved on meanwhile. */
async function fetchPackages(work: string, options: DebianOptions, ports: ToolchainPorts): Promise<ArchivePackage[]> {
  const archivePorts: ArchivePorts = { ...ports, env: options.env };
  for (let attempt = 1; ; attempt++) {
    const plan = await downloadPlan(work, options, archivePorts);
    await checkDisk(work, plan.packages);
    const { packages, direct } = plan;
    const folder = join(work, "debs");
    try {
      const started = performance.now();
      const bytes = await downloadPackages(
        { packages, direct, folder, apt: join(work, "apt"), offline: options.offline },
        archivePorts,
      );
      const seconds = (performance.now() - started) / 1000;
      if (bytes > 0) ports.log.info(`fetched ${megabytes(bytes)} in ${seconds.toFixed(1)} s`);
      await removeOthers(folder, packages);
      return packages;
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      if (attempt === 2) {
        throw machineError(
          `the archive does not have what it lists: ${error.message}`,
          "the mirror may be in the middle of a change; try again later or give another one with debian-mirror",
          error,
        );
      }
      ports.log.warning(`${error.message}; asking the archive for its present packages`);
      await rm(join(work, "plan.json"), { force: true });
    }
  }
}

async function downloadPlan(work: string, options: DebianOptions, ports: ArchivePorts): Promise<SavedPlan> {
  const file = join(work, "plan.json");
  const saved = await readFile(file, "utf8")
    .then((text) => JSON.parse(text) as SavedPlan)
    .catch(() => null);
  if (options.offline) {
    if (saved !== null) return saved;
    throw machineError(
      `offline, and no toolchain for ROCm ${options.rocmVersion} is in ${options.cacheRoot}`,
      "run once without offline, or bring the cache folder from a machine that has",
    );
  }
  const fits = saved !== null && (options.mirror === null || saved.mirror === options.mirror);
  if (fits && Math.abs(Date.now() - saved.when) < PLAN_AGE) {
    ports.log.info("going on with what an earlier run began to fetch");
    return saved;
  }
  const host = await hostArchive(options.mirror, options.env, ports.exec);
  const apt: AptPlan = {
    dir: join(work, "apt"),
    mirror: host.mirror,
    keyring: host.keyring,
    rocmVersion: options.rocmVersion,
    hostSettings: host.networkSettings,
  };
  const packages = await resolvePackages(apt, ports);
  const direct = isDirect(host.networkSettings, options.env) && /^(https?|file):/.test(host.mirror);
  const plan = { mirror: host.mirror, when: Date.now(), direct, packages };
  await writeFile(file, JSON.stringify(plan));
  return plan;
}

async function checkDisk(work: string, packages: readonly ArchivePackage[]): Promise<void> {
  const total = packages.reduce((sum, { bytes }) => sum + bytes, 0);
  let fetched = 0;
  for (const { file } of packages) {
    const path = join(work, "debs", file);
    fetched += (await sizeOf(path)) || (await sizeOf(`${path}.part`));
  }
  const need = Math.max(0, total - fetched) + total * UNPACKED;
  const { bavail, bsize } = await statfs(work);
  if (bavail * bsize >= need) return;
  throw machineError(
    `not enough space on the disk of ${work}: ${megabytes(bavail * bsize)} free, ${megabytes(need)} needed`,
    "free space there, or give another cache folder",
  );
}

/** Files of an earlier plan. */
async function removeOthers(folder: string, packages: readonly ArchivePackage[]): Promise<void> {
  const wanted = new Set(packages.map(({ file }) => file));
  for (const name of await readdir(folder)) if (!wanted.has(name)) await rm(join(folder, name), { force: true });
}

async function unpackTree(
  folder: string,
  debs: string,
  packages: readonly ArchivePackage[],
  options: DebianOptions,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  const started = performance.now();
  const root = rootOf(folder);
  await unpackPackages(packages, debs, root, { ...ports, env: options.env });
  const paths = await locateDebian(root);
  const toolchain: Toolchain = {
    kind: "debian",
    root,
    rocmVersion: options.rocmVersion,
    miopenVersion: paths.miopen === null ? null : await miopenVersion(paths.miopen),
    packages: packages.map(({ name, version, sha256, bytes }) => ({ name, version, sha256, bytes, license: null })),
    digest: packagesDigest(packages),
    paths,
  };
  const missing = await missingLibraries(toolchain, ports.exec);
  if (missing.length > 0) {
    throw machineError(
      `the unpacked toolchain cannot run: ${missing.slice(0, 3).join("; ")}`,
      "the archive's packages have changed in a way this version does not know; choose another rocm-version",
    );
  }
  ports.log.info(`unpacked ${packages.length} packages in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return toolchain;
}

/** Digest of what a tree holds: its package files and what was left out of them. */
export function packagesDigest(packages: readonly Pick<ArchivePackage, "name" | "version" | "sha256">[]): string {
  const lines = packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}\n`).sort();
  return createHash("sha256")
    .update(`${SCHEMA}\n${lines.join("")}`)
    .digest("hex");
}
