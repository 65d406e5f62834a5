import * as cache from "@actions/cache";
import { messageOf } from "../errors.ts";
import { RESULT, type Transfer, type Transferred } from "./transfer.ts";

/**
 * The work of a carrier: one restore or save by GitHub's client, which cannot be told to stop. It is a process of its own
 * so that one that hangs can be ended with its sockets and its tar, and writes nothing afterwards.
 */
export async function carry(text: string): Promise<void> {
  const transfer = JSON.parse(text) as Transfer;
  const result = await (transfer.what === "restore" ? restore(transfer) : save(transfer)).catch((error: unknown) => ({
    done: false,
    why: messageOf(error),
  }));
  process.stdout.write(`\n${RESULT}${JSON.stringify(result)}\n`);
}

/** Looks before it fetches: a server may offer any key that begins like the one asked for (v1 does so). */
async function restore({ key, folder, prefixes = [] }: Transfer): Promise<Transferred> {
  const there = await cache.restoreCache([folder], key, [...prefixes], { lookupOnly: true });
  if (there === undefined) return { done: false, why: `no entry ${key}` };
  if (there !== key && !prefixes.some((prefix) => there.startsWith(prefix))) {
    return { done: false, why: `no entry ${key}, only ${there}` };
  }
  const found = await cache.restoreCache([folder], there);
  return found === there ? { done: true, why: `restored ${there}` } : { done: false, why: `${there} is not usable` };
}

/** Looks before it packs: another job may have been faster, and packing takes longer than everything else. */
async function save({ key, folder }: Transfer): Promise<Transferred> {
  const there = await cache.restoreCache([folder], key, [], { lookupOnly: true });
  if (there === key) return { done: true, why: `${key} is there already` };
  const id = await cache.saveCache([folder], key);
  return id === -1 ? { done: false, why: `not saved as ${key}` } : { done: true, why: `saved as ${key}` };
}
