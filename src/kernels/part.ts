import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { userError } from "../errors.ts";
import { sha256File, writeWhole } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { DriverCommand } from "./commands.ts";
import type { Merge } from "./database.ts";
import { type FoundPart, findPartFiles, type PartHead, REMEDY, refuseOther } from "./part-files.ts";
import { type Shard, shareDigest, shareOf } from "./shard.ts";

/** What a kernel set is made from, in words; those first that explain the others. */
export const ORIGIN = {
  schema: "version of this program",
  miopen: "MIOpen",
  toolchain: "toolchain",
  library: "build of MIOpen",
  device: "virtual device",
  "kernel-set": "list of commands",
} as const;

export type PartOrigin = Readonly<Record<keyof typeof ORIGIN, string>>;

/** What one shard compiled for one target; lies as JSON beside its database. */
export interface PartFacts extends PartHead<keyof typeof ORIGIN> {
  /** How many commands there are in the share and in all, and the share's digest */
  commands: { share: number; all: number; sha256: string };
  kernels: { rows: number; bytes: number; sha256: string };
  refused: Merge["refused"];
}

/** A part whose files are there and right. */
export interface Part extends PartFacts {
  /** Its kernel database, absolute */
  path: string;
}

/** Name of a part's files without `.kdb` and `.json`. */
export function partName(target: Target, { number, of }: Shard): string {
  return `${target}-shard-${number}-of-${of}`;
}

/** Copies a part's two files into a folder, the facts last: what has facts is whole. */
export async function copyPart(name: string, from: string, to: string): Promise<void> {
  for (const file of [`${name}.kdb`, `${name}.json`])
    await writeWhole(join(to, file), await readFile(join(from, file)));
}

/**
 * The parts of one target in a folder or below it, in the order of their shards. Throws a user error that names the file or
 * the shard when one is missing, there twice, or of another division.
 */
export async function findParts(folder: string, target: Target): Promise<FoundPart<PartFacts>[]> {
  const isWhole = ({ commands, kernels, refused }: PartFacts) =>
    [commands.sha256, kernels.sha256].every((digest) => typeof digest === "string") && Array.isArray(refused);
  const found = await findPartFiles(folder, target, { kind: "shard", isWhole });
  if (found.length === 0) throw userError(`parts: ${folder} has no part for ${target}`, REMEDY);
  return found;
}

/** Throws a user error that names the file when a part was made from something else, of other commands, or is damaged. */
export async function checkParts(
  found: readonly FoundPart<PartFacts>[],
  wanted: { origin: PartOrigin; commands: readonly DriverCommand[] },
): Promise<Part[]> {
  for (const part of found) {
    refuseOther(part, wanted.origin, ORIGIN);
    if (part.facts.commands.sha256 !== shareDigest(shareOf(wanted.commands, part.shard))) {
      throw userError(`parts: ${part.file} is of other commands than shard ${part.facts.shard} has here`, REMEDY);
    }
  }
  const parts = found.map(({ file, facts }) => ({ ...facts, path: file.replace(/\.json$/, ".kdb") }));
  for (const { path, kernels } of parts) {
    const digest = await sha256File(path).catch(() => null);
    if (digest === null) throw userError(`parts: ${path} cannot be read`, "bring both files of a part");
    if (digest !== kernels.sha256) {
      throw userError(`parts: ${path} is damaged: it is not the file that the .json beside it tells of`, REMEDY);
    }
  }
  return parts;
}
