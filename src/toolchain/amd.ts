import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { machineError, userError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { sha256 } from "../ports/files.ts";
import { withoutCredentials } from "../secret.ts";
import { fetchKey, givenKey, readKeyring } from "./amd/key.ts";
import { AMD_PACKAGES, BASE_PACKAGES } from "./amd/packages.ts";
import {
  AMD_ADDRESS,
  AMD_FINGERPRINTS,
  amdDigits,
  amdRelease,
  type Base,
  baseFor,
  releaseAddress,
} from "./amd/repository.ts";
import { cachedToolchain, type ToolchainPorts, type TreeSource } from "./cached.ts";
import type { AptSource } from "./debian/apt.ts";
import { type ArchivePorts, configureApt } from "./debian/archive.ts";
import { packageTree } from "./debian/make.ts";
import { checkedMirror, distributionArchive, distributionRelease, type HostArchive } from "./debian/mirror.ts";
import type { Recipe } from "./debian/recipe.ts";
import { schemaOf } from "./debian/schema.ts";
import { checkVersion, type DebianOptions } from "./debian.ts";
import { locateAmd } from "./locate.ts";
import { NoSuchRelease } from "./no-release.ts";
import { PRUNED_AMD_PATHS, PRUNED_PACKAGES } from "./prune.ts";
import type { Toolchain } from "./toolchain.ts";
import { makeMountPoints } from "./tree.ts";

export interface AmdOptions extends DebianOptions {
  /** What stands in for {@link AMD_ADDRESS}; null: that address. */
  amdMirror?: string | null;
  /** File with the keys that may sign AMD's repository; null: the one at its address, if it has AMD's fingerprint. */
  amdKeyring?: string | null;
  /** Fingerprints that the key at the address may have (tests have a key of their own). */
  amdFingerprints?: readonly string[];
}

/**
 * ROCm from AMD's own repository, on packages of the host's distribution (from its own archive and keys), unpacked into a
 * folder of the cache: nothing is installed, no package script runs, no root is needed.
 * The tree is `<cacheRoot>/toolchain/amd-<rocm>-<suite below>-amd64-<schema>`, with a digest behind it of a mirror or
 * keyring that stands in for AMD's.
 */
export async function amdToolchain(options: AmdOptions, ports: ToolchainPorts): Promise<Toolchain> {
  return cachedToolchain(await amdTree(options, ports.exec), ports);
}

/** How that tree is made. What it stands on and whose packages it has are part of its name, as they are of what is in it. */
export async function amdTree(options: AmdOptions, exec: Exec): Promise<TreeSource> {
  const { rocmVersion } = options;
  checkVersion(rocmVersion);
  const wanted = wantedPackages(rocmVersion);
  const schema = schemaOf(1, wanted, PRUNED_PACKAGES, PRUNED_AMD_PATHS);
  const recipe: Recipe = {
    kind: "amd",
    rocmVersion,
    schema,
    archive: "AMD's repository",
    wanted,
    probe: "miopen-hip",
    releaseOf: (version) => amdRelease(version) ?? version,
    // A regular expression: apt takes `*` only at the end of a version.
    pinned: `/\\.${amdDigits(rocmVersion)}-/`,
    asked: [options.amdMirror, options.amdKeyring, options.mirror].map((given) => given ?? "").join(" "),
    mirrorOptions: "amd-mirror for AMD's, debian-mirror for the distribution's",
    prunedPackages: PRUNED_PACKAGES,
    prunedPaths: PRUNED_AMD_PATHS,
    sources: (dir, ports) => sources(options, dir, ports),
    check: (packages) => checkReleases(packages, rocmVersion),
    finish: async (root) => {
      // What rocm-core's script does with update-alternatives: /opt/rocm is the release.
      await rm(join(root, "opt/rocm"), { force: true });
      await symlink(`rocm-${rocmVersion}`, join(root, "opt/rocm"));
      await makeMountPoints(root);
    },
    locate: locateAmd,
  };
  const { distribution, release } = await distributionRelease(options, exec);
  const { suite } = baseFor(distribution, release);
  const tree = packageTree(`amd-${rocmVersion}-${suite}-amd64-${schema}${await otherOrigin(options)}`, recipe, options);
  // AMD's keyring lies in the cache, and a line of sources.list ends its path at a blank or a bracket.
  return { ...tree, refused: /[\s[\]]/ };
}

/** Ends the name of a tree that is not made of what lies at AMD's address and is signed by AMD's key. */
async function otherOrigin({ amdMirror, amdKeyring }: AmdOptions): Promise<string> {
  if (!amdMirror && !amdKeyring) return "";
  const mirror = amdMirror ? withoutCredentials(mirrorAddress(amdMirror)) : "";
  const keys = amdKeyring ? sha256(await readKeyring(amdKeyring)) : "";
  return `-${sha256(`${mirror}\n${keys}\n`).slice(0, 8)}`;
}

function mirrorAddress(amdMirror: string | null | undefined): string {
  return checkedMirror((amdMirror || AMD_ADDRESS).replace(/\/+$/, ""), "amd-mirror");
}

/** Names of the packages to ask for; throws a user error for a series whose packages are not known. */
export function wantedPackages(rocmVersion: string): string[] {
  const series = rocmVersion.split(".").slice(0, 2).join(".");
  const packages = AMD_PACKAGES[series];
  if (packages === undefined) {
    throw userError(
      `rocm-version: the packages of ROCm ${series} in AMD's repository are not known to this version`,
      `choose a release of ${Object.keys(AMD_PACKAGES).join(", ")}, or another toolchain`,
    );
  }
  return [...packages, ...BASE_PACKAGES].map(({ name }) => name);
}

async function sources(
  options: AmdOptions,
  dir: string,
  ports: ArchivePorts,
): Promise<{ sources: AptSource[]; hostSettings: string[] }> {
  const address = mirrorAddress(options.amdMirror);
  const host = await distributionArchive(options, ports.exec);
  const base = baseFor(host.distribution, host.release);
  ports.log.info(`toolchain: AMD's packages for ${base.amdSuite}, on ${base.distribution} ${base.suite}`);
  const keyring = join(dir, "etc/amd.gpg");
  const hostSettings = host.networkSettings;
  await configureApt({ dir, sources: [], pinned: "*", hostSettings });
  if (options.amdKeyring) await givenKey(options.amdKeyring, keyring);
  else {
    const allowed = options.amdFingerprints ?? AMD_FINGERPRINTS;
    await fetchKey(`${address}/rocm.gpg.key`, keyring, allowed, dir, ports);
  }
  return { sources: [amdSource(options, address, base, keyring), baseSource(host, base)], hostSettings };
}

function amdSource({ rocmVersion }: AmdOptions, address: string, base: Base, keyring: string): AptSource {
  const uri = releaseAddress(address, rocmVersion);
  return {
    uri,
    suites: [base.amdSuite],
    components: ["main"],
    keyring,
    keyRemedy: "start again, which fetches AMD's present key (a file of amd-keyring must be renewed by hand)",
    // AMD's key is [ROCm/legacy-rocm-build#5232, #5619]; its fingerprint is compared here.
    sha1Key: true,
    absent: (why) =>
      new NoSuchRelease(
        "user",
        `rocm-version: AMD's repository has no ROCm ${rocmVersion} for ${base.amdSuite}: ${why}`,
        "choose another rocm-version, or give another repository with the amd-mirror option",
      ),
  };
}

/** The distribution below AMD's packages: one suite, whose package files never change. */
function baseSource({ mirror, keyring, distribution }: HostArchive, base: Base): AptSource {
  return {
    uri: mirror,
    suites: [base.suite],
    components: base.components,
    keyring,
    keyRemedy: `update the package ${distribution === "debian" ? "debian-archive-keyring" : "ubuntu-keyring"}`,
    absent: (why) =>
      machineError(
        `${mirror} has no suite ${base.suite}, which AMD's packages are made for: ${why}`,
        "give an address of Debian's archive that has it with the debian-mirror option",
      ),
  };
}

/** What was asked of AMD must all be of the wanted release. */
export function checkReleases(packages: readonly { name: string; version: string }[], rocmVersion: string): void {
  const amds = new Set(Object.values(AMD_PACKAGES).flatMap((list) => list.map(({ name }) => name)));
  const wrong = packages.find(({ name, version }) => amds.has(name) && amdRelease(version) !== rocmVersion);
  if (wrong === undefined) return;
  throw machineError(
    `the repository pairs ROCm ${rocmVersion} with ${wrong.name} ${wrong.version}`,
    "choose another rocm-version, or give another repository with the amd-mirror option",
  );
}
