import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { userError } from "../errors.ts";
import { exists, filesBelow, readTextIfThere, sha256File, writeWhole } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { DriverCommand } from "./commands.ts";
import type { Merge } from "./database.ts";
import { parseShard, type Shard, shareDigest, shareOf } from "./shard.ts";

/** What a kernel set is made from, as versions and digests: parts that agree in all of it belong together. */
export type PartOrigin = Readonly<
  Record<"miopen" | "library" | "toolchain" | "device" | "kernel-set" | "schema", string>
>;

/** The origin's fields in words, those first that explain the others. */
const ORIGIN: Readonly<Record<keyof PartOrigin, string>> = {
  schema: "version of this program",
  miopen: "MIOpen",
  toolchain: "toolchain",
  library: "build of MIOpen",
  device: "virtual device",
  "kernel-set": "list of commands",
};

/** What one shard compiled for one target; lies as JSON beside its database. */
export interface PartFacts {
  schema: 1;
  name: "rdna1-miopen";
  target: Target;
  /** `2/4` */
  shard: string;
  origin: PartOrigin;
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

/** A part by its facts; what they say of origin and database has not been checked. */
export interface FoundPart {
  /** The facts' file, absolute */
  file: string;
  facts: PartFacts;
  shard: Shard;
}

/**
 * The parts of one target in a folder or below it, in the order of their shards. Throws a user error that names the file or
 * the shard when one is missing, there twice, or of another division.
 */
export async function findParts(folder: string, target: Target): Promise<FoundPart[]> {
  if (!(await exists(folder))) throw userError(`parts: there is no folder ${folder}`, REMEDY);
  const found: FoundPart[] = [];
  for (const file of await filesBelow(folder)) {
    if (!/-shard-\d+-of-\d+\.json$/.test(file)) continue;
    const part = await readFacts(file);
    if (part.facts.target === target) found.push(part);
  }
  return oneEach(found, folder, target);
}

/** Throws a user error that names the file when a part was made from something else, of other commands, or is damaged. */
export async function checkParts(
  found: readonly FoundPart[],
  wanted: { origin: PartOrigin; commands: readonly DriverCommand[] },
): Promise<Part[]> {
  for (const { file, facts, shard } of found) {
    refuseOther(file, facts.origin, wanted.origin);
    if (facts.commands.sha256 !== shareDigest(shareOf(wanted.commands, shard))) {
      throw userError(`parts: ${file} is of other commands than shard ${facts.shard} has here`, REMEDY);
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

const REMEDY = "make the part again with shard, or leave parts out";

async function readFacts(file: string): Promise<FoundPart> {
  try {
    const facts = JSON.parse((await readTextIfThere(file)) ?? "") as PartFacts;
    const shard = parseShard(facts.shard);
    const whole = facts.name === "rdna1-miopen" && facts.schema === 1 && Array.isArray(facts.refused);
    const digests = [
      facts.commands.sha256,
      facts.kernels.sha256,
      ...Object.keys(ORIGIN).map((key) => facts.origin[key as keyof PartOrigin]),
    ];
    if (shard !== null && whole && digests.every((digest) => typeof digest === "string")) return { file, facts, shard };
  } catch {
    // said below
  }
  throw userError(`parts: ${file} is no part that this program wrote`, REMEDY);
}

function refuseOther(file: string, theirs: PartOrigin, ours: PartOrigin): void {
  for (const [field, words] of Object.entries(ORIGIN) as [keyof PartOrigin, string][]) {
    if (theirs[field] === ours[field]) continue;
    throw userError(
      `parts: ${file} was made with another ${words} (${theirs[field].slice(0, 12)}; here ${ours[field].slice(0, 12)})`,
      "make all parts, and merge them, with the same inputs and the same version of this program",
    );
  }
}

/** Each shard once, in order. */
function oneEach(found: readonly FoundPart[], folder: string, target: Target): FoundPart[] {
  const [first] = found;
  if (first === undefined) throw userError(`parts: ${folder} has no part for ${target}`, REMEDY);
  const { of } = first.shard;
  const other = found.find(({ shard }) => shard.of !== of);
  if (other !== undefined) {
    const both = `${first.file} is shard ${first.facts.shard}, ${other.file} is ${other.facts.shard}`;
    throw userError(`parts: ${both}`, "bring the parts of one division only");
  }
  const shards = Array.from({ length: of }, (_, index) => found.filter(({ shard }) => shard.number === index + 1));
  const twice = shards.find((files) => files.length > 1);
  if (twice !== undefined) {
    const files = twice.map(({ file }) => file).join(", ");
    throw userError(
      `parts: shard ${twice[0]?.facts.shard} of ${target} is there twice: ${files}`,
      "bring each part once",
    );
  }
  const missing = shards.flatMap((files, index) => (files.length === 0 ? [`${index + 1}/${of}`] : []));
  if (missing.length > 0) {
    throw userError(`parts: ${folder} lacks shard ${missing.join(", ")} of ${target}`, "bring the parts of all shards");
  }
  return shards.flat();
}
