import { createHash } from "node:crypto";
import { PRUNED_PACKAGES, PRUNED_PATHS } from "../prune.ts";
import { type ArchivePackage, type Profile, wantedPackages } from "./apt.ts";

/** What a tree is made by: another list of what is left out makes another tree. Raise the number when unpacking changes. */
export function schemaOf(profile: Profile): string {
  return createHash("sha256")
    .update(JSON.stringify([1, wantedPackages(profile), PRUNED_PACKAGES, PRUNED_PATHS].map(patterns)))
    .digest("hex")
    .slice(0, 8);
}

function patterns(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => item?.pattern ?? item) : value;
}

/** Digest of what a tree holds: its package files and what was left out of them. */
export function packagesDigest(
  packages: readonly Pick<ArchivePackage, "name" | "version" | "sha256">[],
  profile: Profile,
): string {
  const lines = packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}\n`).sort();
  return createHash("sha256")
    .update(`${schemaOf(profile)}\n${lines.join("")}`)
    .digest("hex");
}
