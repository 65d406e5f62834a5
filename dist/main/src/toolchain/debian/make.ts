import { readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../../errors.ts";
import type { ToolchainPorts, TreeSource } from "../cached.ts";
import { missingLibraries } from "../locate.ts";
import { miopenVersion } from "../miopen-version.ts";
import type { Toolchain } from "../toolchain.ts";
import { rootOf } from "../tree.ts";
import { type ArchivePackage, isDirect } from "./apt.ts";
import { type ArchivePorts, resolvePackages } from "./archive.ts";
import { downloadPackages, megabytes } from "./download.ts";
import { GoneError, sizeOf } from "./http.ts";
import type { Environment } from "./mirror.ts";
import type { Recipe } from "./recipe.ts";
import { packagesDigest } from "./schema.ts";
import { unpackPackages } from "./unpack.ts";

/** A plan older than this is asked for again: the archive changes four times a day and forgets old files. */
const PLAN_AGE = 6 * 3600 * 1000;

/** Unpacked bytes for a byte of package file; measured 2.7 for ROCm 7.2.4, rounded up. */
const UNPACKED = 3;

/** What a run says about where and how. */
export interface PackageTreeOptions {
  cacheRoot: string;
  offline: boolean;
  jobs: number;
  env: Environment;
}

/** A tree of package files: apt resolves, the files are fetched with their digests checked and unpacked. */
export function packageTree(name: string, recipe: Recipe, options: PackageTreeOptions): TreeSource {
  const { cacheRoot, jobs } = options;
  return {
    name,
    cacheRoot,
    jobs,
    make: async (folder, work, ports) => {
      const packages = await fetchPackages(work, recipe, options, ports);
      return unpackTree(folder, join(work, "debs"), packages, recipe, { ...ports, env: options.env });
    },
  };
}

interface SavedPlan {
  asked: string;
  when: number;
  direct: boolean;
  packages: ArchivePackage[];
}

/** Brings every package file into `<work>/debs`; asks the archive again when it has moved on meanwhile. */
async function fetchPackages(
  work: string,
  recipe: Recipe,
  options: PackageTreeOptions,
  ports: ToolchainPorts,
): Promise<ArchivePackage[]> {
  const archivePorts: ArchivePorts = { ...ports, env: options.env };
  for (let attempt = 1; ; attempt++) {
    const plan = await downloadPlan(work, recipe, options, archivePorts);
    await checkDisk(work, plan.packages);
    const { packages, direct } = plan;
    const folder = join(work, "debs");
    try {
      const started = performance.now();
      const bytes = await downloadPackages(
        {
          packages,
          direct,
          folder,
          apt: join(work, "apt"),
          offline: options.offline,
          mirrorOptions: recipe.mirrorOptions,
        },
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
          `the mirror may be in the middle of a change; try again later or give another one (${recipe.mirrorOptions})`,
          error,
        );
      }
      ports.log.warning(`${error.message}; asking the archive for its present packages`);
      await rm(join(work, "plan.json"), { force: true });
    }
  }
}

async function downloadPlan(
  work: string,
  recipe: Recipe,
  options: PackageTreeOptions,
  ports: ArchivePorts,
): Promise<SavedPlan> {
  const file = join(work, "plan.json");
  const saved = await readFile(file, "utf8")
    .then((text) => JSON.parse(text) as SavedPlan)
    .catch(() => null);
  if (options.offline) {
    if (saved !== null) return saved;
    throw machineError(
      `offline, and no sound toolchain for ROCm ${recipe.rocmVersion} is in ${options.cacheRoot}`,
      "run once without offline, or bring the cache folder from a machine that has",
    );
  }
  if (saved?.asked === recipe.asked && Math.abs(Date.now() - saved.when) < PLAN_AGE) {
    ports.log.info("going on with what an earlier run began to fetch");
    return saved;
  }
  const dir = join(work, "apt");
  const { sources, hostSettings } = await recipe.sources(dir, ports);
  const packages = await resolvePackages({ dir, sources, pinned: recipe.pinned, hostSettings }, recipe, ports);
  const direct = isDirect(hostSettings, options.env) && sources.every(({ uri }) => /^(https?|file):/.test(uri));
  const plan = { asked: recipe.asked, when: Date.now(), direct, packages };
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
  recipe: Recipe,
  ports: ArchivePorts,
): Promise<Toolchain> {
  const started = performance.now();
  const root = rootOf(folder);
  await unpackPackages(packages, debs, root, recipe.prunedPaths, ports);
  await recipe.finish?.(root);
  const paths = await recipe.locate(root);
  const toolchain: Toolchain = {
    kind: recipe.kind,
    root,
    rocmVersion: recipe.rocmVersion,
    miopenVersion: paths.miopen === null ? null : await miopenVersion(paths.miopen),
    packages: packages.map(({ name, version, sha256, bytes }) => ({ name, version, sha256, bytes, license: null })),
    digest: packagesDigest(recipe.schema, packages),
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
