import { userError } from "../errors.ts";
import { cachedToolchain, type ToolchainPorts, type TreeSource } from "./cached.ts";
import { SUITES } from "./debian/apt.ts";
import { checkVersions, releaseOf } from "./debian/archive.ts";
import { packageTree } from "./debian/make.ts";
import { debianSource, type Environment, hostArchive } from "./debian/mirror.ts";
import { debianPackages, type Profile } from "./debian/packages.ts";
import type { Recipe } from "./debian/recipe.ts";
import { schemaOf } from "./debian/schema.ts";
import { locateDebian } from "./locate.ts";
import { PRUNED_PACKAGES, PRUNED_PATHS } from "./prune.ts";
import type { Toolchain } from "./toolchain.ts";
import { makeMountPoints } from "./tree.ts";

export interface DebianOptions {
  /** `7.2.4` */
  rocmVersion: string;
  /** What a Debian tree is for; default `run`. AMD's trees are for both. */
  profile?: Profile;
  cacheRoot: string;
  /** Address of a Debian mirror; null: the host's own. */
  mirror: string | null;
  offline: boolean;
  jobs: number;
  /** For `APT_CONFIG` and the proxy variables. */
  env: Environment;
  /** Keys that may sign the archive; otherwise those of the package debian-archive-keyring. */
  keyring?: string;
}

/**
 * ROCm from Debian's archive, unpacked into a folder of the cache: nothing is installed, no package script runs, no root
 * is needed. The tree is `<cacheRoot>/toolchain/debian-<rocm>-amd64-<schema>`, one for each profile.
 *
 * Throws a user error for a ROCm that the archive does not have, and machine errors for everything that the machine or
 * the network refuses.
 */
export async function debianToolchain(options: DebianOptions, ports: ToolchainPorts): Promise<Toolchain> {
  return cachedToolchain(debianTree(options), ports);
}

/** How that tree is made. */
export function debianTree(options: DebianOptions): TreeSource {
  const { rocmVersion, profile = "run" } = options;
  checkVersion(rocmVersion);
  const wanted = debianPackages(profile);
  const schema = schemaOf(1, wanted, PRUNED_PACKAGES, PRUNED_PATHS);
  const recipe: Recipe = {
    kind: "debian",
    rocmVersion,
    schema,
    archive: "Debian's archive",
    wanted,
    probe: "libmiopen1-tests",
    releaseOf,
    // Every package whose version is the wanted ROCm's is preferred, whatever its suite; all others come from sid.
    pinned: `${rocmVersion}*`,
    asked: options.mirror ?? "",
    mirrorOptions: "debian-mirror",
    prunedPackages: PRUNED_PACKAGES,
    prunedPaths: PRUNED_PATHS,
    sources: async (_, { exec }) => {
      const host = await hostArchive(options, exec);
      return { sources: [debianSource(host, SUITES)], hostSettings: host.networkSettings };
    },
    check: (packages) => checkVersions(packages, rocmVersion),
    ...(profile !== "run" && { finish: makeMountPoints }),
    locate: locateDebian,
  };
  return packageTree(`debian-${rocmVersion}-amd64-${schema}`, recipe, options);
}

/** Refuses what is not a release with three numbers. */
export function checkVersion(rocmVersion: string): void {
  if (/^\d+\.\d+\.\d+$/.test(rocmVersion)) return;
  throw userError(
    `rocm-version: ${JSON.stringify(rocmVersion)} is not a version such as 7.2.4`,
    "give all three numbers",
  );
}
