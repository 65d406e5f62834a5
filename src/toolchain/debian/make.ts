import { mkdir, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../../errors.ts";
import type { DebianOptions, ToolchainPorts } from "../debian.ts";
import { locateDebian, missingLibraries } from "../locate.ts";
import { miopenVersion } from "../miopen-version.ts";
import type { Toolchain } from "../toolchain.ts";
import { MOUNT_POINTS, rootOf } from "../tree.ts";
import { type AptPlan, type ArchivePackage, isDirect, type Profile } from "./apt.ts";
import { type ArchivePorts, resolvePackages } from "./archive.ts";
import { downloadPackages, megabytes } from "./download.ts";
import { GoneError, sizeOf } from "./http.ts";
import { hostArchive } from "./mirror.ts";
import { packagesDigest } from "./schema.ts";
import { unpackPackages } from "./unpack.ts";

/** What the tree is for; running, where nobody says. */
export function profileOf({ profile }: Pick<DebianOptions, "profile">): Profile {
  return profile ?? "run";
}

/** A plan older than this is asked for again: the archive changes four times a day and forgets old files. */
const PLAN_AGE = 6 * 3600 * 1000;

/** Unpacked bytes for a byte of package file; measured 2.7 for ROCm 7.2.4, rounded up. */
const UNPACKED = 3;

interface SavedPlan {
  mirror: string;
  when: number;
  direct: boolean;
  packages: ArchivePackage[];
}

/** Brings every package file into `<work>/debs`; asks the archive again when it has moved on meanwhile. */
export async function fetchPackages(
  work: string,
  options: DebianOptions,
  ports: ToolchainPorts,
): Promise<ArchivePackage[]> {
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
      `offline, and no sound toolchain for ROCm ${options.rocmVersion} is in ${options.cacheRoot}`,
      "run once without offline, or bring the cache folder from a machine that has",
    );
  }
  const fits = saved !== null && (options.mirror === null || saved.mirror === options.mirror);
  if (fits && Math.abs(Date.now() - saved.when) < PLAN_AGE) {
    ports.log.info("going on with what an earlier run began to fetch");
    return saved;
  }
  const host = await hostArchive(options, ports.exec);
  const apt: AptPlan = {
    dir: join(work, "apt"),
    mirror: host.mirror,
    keyring: host.keyring,
    rocmVersion: options.rocmVersion,
    profile: profileOf(options),
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

export async function unpackTree(
  folder: string,
  debs: string,
  packages: readonly ArchivePackage[],
  options: DebianOptions,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  const started = performance.now();
  const root = rootOf(folder);
  await unpackPackages(packages, debs, root, { ...ports, env: options.env });
  if (profileOf(options) === "build") {
    for (const name of MOUNT_POINTS) await mkdir(join(root, name), { recursive: true });
  }
  const paths = await locateDebian(root);
  const toolchain: Toolchain = {
    kind: "debian",
    root,
    rocmVersion: options.rocmVersion,
    miopenVersion: paths.miopen === null ? null : await miopenVersion(paths.miopen),
    packages: packages.map(({ name, version, sha256, bytes }) => ({ name, version, sha256, bytes, license: null })),
    digest: packagesDigest(packages, profileOf(options)),
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
