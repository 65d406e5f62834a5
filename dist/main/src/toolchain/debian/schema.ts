import { createHash } from "node:crypto";
import type { ArchivePackage } from "./apt.ts";

/**
 * What a tree is made by: another list of what is taken or left out makes another tree. The first number is raised when
 * unpacking changes.
 */
export function schemaOf(...parts: readonly unknown[]): string {
  return createHash("sha256")
    .update(JSON.stringify(parts.map(patterns)))
    .digest("hex")
    .slice(0, 8);
}

function patterns(value: unknown): unknown {
  return Array.isArray(value) ? value.map((item) => item?.pattern ?? item) : value;
}

/** Digest of what a tree holds: its package files and what was left out of them. */
export function packagesDigest(
  schema: string,
  packages: readonly Pick<ArchivePackage, "name" | "version" | "sha256">[],
): string {
  const lines = packages.map(({ name, version, sha256 }) => `${name} ${version} ${sha256}\n`).sort();
  return createHash("sha256")
    .update(`${schema}\n${lines.join("")}`)
    .digest("hex");
}
