import { userError } from "../errors.ts";
import { exists, filesBelow, readTextIfThere } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import { parseShard, type Shard } from "./shard.ts";

/** What the JSON of every part says: which share of what it is, and what it was made from. */
export interface PartHead<Field extends string = string> {
  schema: 1;
  name: "rdna1-miopen";
  target: Target;
  /** `2/4` */
  shard: string;
  /** Versions and digests; parts that agree in all of them belong together */
  origin: Readonly<Record<Field, string>>;
}

/** A part by its JSON; of what it says only the head has been looked at. */
export interface FoundPart<Facts extends PartHead> {
  /** Absolute */
  file: string;
  facts: Facts;
  shard: Shard;
}

export const REMEDY = "make the part again with shard, or leave parts out";

/**
 * The parts of one kind and target in a folder or below it, in the order of their shards; none where there is none. Throws
 * a user error that names the file or the shard when one is missing, there twice, or of another division.
 */
export async function findPartFiles<Facts extends PartHead>(
  folder: string,
  target: Target,
  { kind, isWhole }: { kind: "shard" | "proofs"; isWhole: (facts: Facts) => boolean },
): Promise<FoundPart<Facts>[]> {
  if (!(await exists(folder))) throw userError(`parts: there is no folder ${folder}`, REMEDY);
  const found: FoundPart<Facts>[] = [];
  for (const file of await filesBelow(folder)) {
    if (!new RegExp(`-${kind}-\\d+-of-\\d+\\.json$`).test(file)) continue;
    const part = await readPart(file, isWhole);
    if (part.facts.target === target) found.push(part);
  }
  return oneEach(found, folder, kind);
}

async function readPart<Facts extends PartHead>(
  file: string,
  isWhole: (facts: Facts) => boolean,
): Promise<FoundPart<Facts>> {
  try {
    const facts = JSON.parse((await readTextIfThere(file)) ?? "") as Facts;
    const shard = parseShard(facts.shard);
    const ours = facts.name === "rdna1-miopen" && facts.schema === 1 && typeof facts.origin === "object";
    if (ours && shard !== null && isWhole(facts)) return { file, facts, shard };
  } catch {
    // said below
  }
  throw userError(`parts: ${file} is no part that this program wrote`, REMEDY);
}

/** Each shard once, in order. */
function oneEach<Facts extends PartHead>(
  found: readonly FoundPart<Facts>[],
  folder: string,
  kind: string,
): FoundPart<Facts>[] {
  const [first] = found;
  if (first === undefined) return [];
  const { of } = first.shard;
  const { target } = first.facts;
  const other = found.find(({ shard }) => shard.of !== of);
  if (other !== undefined) {
    const both = `${first.file} is ${kind} ${first.facts.shard}, ${other.file} is ${other.facts.shard}`;
    throw userError(`parts: ${both}`, "bring the parts of one division only");
  }
  const shards = Array.from({ length: of }, (_, index) => found.filter(({ shard }) => shard.number === index + 1));
  const twice = shards.find((files) => files.length > 1);
  if (twice !== undefined) {
    const files = twice.map(({ file }) => file).join(", ");
    const what = `${kind} ${twice[0]?.facts.shard} of ${target}`;
    throw userError(`parts: more than one file has ${what}: ${files}`, "bring each part once");
  }
  const missing = shards.flatMap((files, index) => (files.length === 0 ? [`${index + 1}/${of}`] : []));
  if (missing.length > 0) {
    const what = `${kind} ${missing.join(", ")} of ${target}`;
    throw userError(`parts: ${folder} lacks ${what}`, "bring the parts of all shards");
  }
  return shards.flat();
}

/** Throws a user error when a part was made from something else; `words` says what the fields are, telling ones first. */
export function refuseOther<Field extends string>(
  { file, facts }: FoundPart<PartHead<Field>>,
  ours: Readonly<Record<Field, string>>,
  words: Readonly<Record<Field, string>>,
): void {
  for (const field of Object.keys(words) as Field[]) {
    const theirs = String(facts.origin[field]);
    if (theirs === ours[field]) continue;
    throw userError(
      `parts: ${file} was made with another ${words[field]} (${theirs.slice(0, 12)}; here ${ours[field].slice(0, 12)})`,
      "make all parts, and merge them, with the same inputs and the same version of this program",
    );
  }
}
