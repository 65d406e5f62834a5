import { userError } from "../errors.ts";
import { sha256 } from "../ports/files.ts";
import type { DriverCommand } from "./commands.ts";
import { commandId } from "./harvest.ts";

/** One of so many parts that work is divided into; `2/4` is the second of four. */
export interface Shard {
  /** From 1 */
  readonly number: number;
  readonly of: number;
}

/** Jobs that one matrix of a workflow may have [GitHub: Usage limits]. */
const MOST_SHARDS = 256;

/** Reads `2/4`; null for nothing. */
export function parseShard(text: string): Shard | null {
  if (text === "") return null;
  const [number = 0, of = 0] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  const wrong = (why: string) => userError(`shard: ${why}`, "write which one of how many, as in 2/4");
  if (`${number}/${of}` !== text) throw wrong(`'${text}' is not a shard`);
  if (of > MOST_SHARDS) throw wrong(`'${text}' are more than the ${MOST_SHARDS} shards that are allowed`);
  if (of === 0) throw wrong(`'${text}' divides by 0`);
  if (number === 0) throw wrong(`'${text}' is not there: shards are counted from 1`);
  if (number > of) throw wrong(`'${text}' is not there: of ${of} the last one is ${of}/${of}`);
  return { number, of };
}

/** `2/4` */
export function shardText({ number, of }: Shard): string {
  return `${number}/${of}`;
}

/**
 * The commands of one shard. All shards of a list together have each command once, and their sizes differ by one at the
 * most. Commands of an operation stay together as far as that allows, since the first of them compiles what the others
 * find; among these their digests decide, for neighbours in a list cost about the same. The order of the list does not
 * matter.
 */
export function shareOf(commands: readonly DriverCommand[], { number, of }: Shard): DriverCommand[] {
  const sorted = commands
    .map((command) => ({ command, place: `${command.args[0] ?? ""} ${commandId(command)}` }))
    .sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  const border = (shards: number) => Math.floor((sorted.length * shards) / of);
  return sorted.slice(border(number - 1), border(number)).map(({ command }) => command);
}

/** Whether a piece of work is a shard's; without one everything is. */
export function isIn(shard: Shard | undefined, index: number): boolean {
  return shard === undefined || index % shard.of === shard.number - 1;
}

/** Changes with every command of a share. */
export function shareDigest(share: readonly DriverCommand[]): string {
  return sha256(share.map(commandId).join("\n"));
}
