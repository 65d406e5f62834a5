import * as core from "@actions/core";
import { messageOf } from "../errors.ts";
import { type Exec, NodeExec } from "../ports/exec.ts";
import { bytesBelow, freeBytes } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { endingWithUs } from "../ports/setpriv.ts";
import { size } from "../units.ts";
import type { CacheEntry, CacheTier } from "./tiers.ts";
import { RESULT, TRANSFER, type Transfer, type Transferred } from "./transfer.ts";

/** Bounds of one transfer. */
export interface TransferLimits {
  /** Milliseconds after which a restore is ended and the stage runs instead */
  restoreMs: number;
  /** Milliseconds after which a save is ended and the run goes on */
  saveMs: number;
  /** Bytes of files; what is larger is not saved. A repository has 10 GB for all its entries. */
  entryBytes: number;
}

const LIMITS: TransferLimits = { restoreMs: 5 * 60_000, saveMs: 10 * 60_000, entryBytes: 4e9 };

/**
 * The Actions cache as a tier, where the policy wants it: `auto` on hosted runners only, whose disk is new every time; a
 * self-hosted runner keeps its tool cache, which is faster than any network. `actions` wants it anywhere. Says which way it
 * decided.
 */
export async function actionsTiers(
  policy: "auto" | "actions",
  env: NodeJS.ProcessEnv,
  log: Log,
  exec: Exec = new NodeExec(),
): Promise<CacheTier[]> {
  if (policy === "auto" && env.RUNNER_ENVIRONMENT === "self-hosted") {
    log.info("Actions cache: off on a self-hosted runner; its tool cache is used (cache: actions adds it)");
    return [];
  }
  // GitHub's client takes longer to load than everything else of this program
  const { isFeatureAvailable } = await import("@actions/cache");
  if (!isFeatureAvailable()) {
    log.info("Actions cache: this runner offers none");
    return [];
  }
  return [actionsTier(env, log, { exec })];
}

/** What GitHub says where a run may read the cache and not write it, as for many pull requests. */
const DENIED = /cache write denied|does not permit writes/;

/**
 * Node's exit code when nothing is left that could end what the program waits for: GitHub's client (6.3) does not notice when
 * the service's answer breaks off.
 */
const UNSETTLED = 13;

/**
 * One transfer a time, each by a process of its own (carrier.ts) that is ended when its time is up. After the first denied
 * write no other is tried in this run: the archive would be packed for nothing.
 */
export function actionsTier(
  env: NodeJS.ProcessEnv,
  log: Log,
  options: { program?: string; limits?: Partial<TransferLimits>; exec?: Exec } = {},
): CacheTier {
  const { program = process.argv[1] ?? "", exec = new NodeExec() } = options;
  const limits = { ...LIMITS, ...options.limits };
  let denied = /^(none|read)$/i.test(env.ACTIONS_CACHE_MODE?.trim() ?? "")
    ? `this run may not write it (cache mode ${env.ACTIONS_CACHE_MODE})`
    : null;
  const carry = async (transfer: Transfer, timeoutMs: number): Promise<Transferred> => {
    const lines: string[] = [];
    const command = endingWithUs({
      file: process.execPath,
      args: [program, TRANSFER, JSON.stringify(transfer)],
      env: Object.fromEntries(Object.entries(env).filter((one): one is [string, string] => one[1] !== undefined)),
    });
    const onLine = (line: string) => {
      const mask = /^::add-mask::(.*)/.exec(line)?.[1];
      if (mask !== undefined) return core.setSecret(unescaped(mask));
      if (line.startsWith(RESULT) || line === "") return;
      lines.push(line);
      log.debug(`Actions cache: ${unescaped(line.replace(/^::\w+::/, ""))}`);
    };
    const { stdout, stderr, timedOut, code } = await exec.run(command, { timeoutMs, onLine });
    if (timedOut) return { done: false, why: `given up after ${timeoutMs / 1000} s` };
    const result = stdout.split("\n").findLast((line) => line.startsWith(RESULT));
    if (result === undefined && code === UNSETTLED) {
      return { done: false, why: "its client lost the connection in the middle of an answer" };
    }
    if (result === undefined) {
      return { done: false, why: `its client ended with ${code} (${stderr.trim().split("\n").at(-1) ?? ""})` };
    }
    const { done, why } = JSON.parse(result.slice(RESULT.length)) as Transferred;
    const reason = done ? null : reasonIn(lines);
    return { done, why: reason === null ? why : `${why} (${reason})` };
  };
  const attempt = (transfer: Transfer, timeoutMs: number) =>
    carry(transfer, timeoutMs).catch((error: unknown) => ({ done: false, why: messageOf(error) }));
  const save = async (entry: CacheEntry) => {
    if (denied !== null) return { saved: false, why: `not saved: ${denied}` };
    const tooMuch = await whyTooLarge(entry, env, limits.entryBytes);
    if (tooMuch !== null) return { saved: false, why: `not saved: ${tooMuch}` };
    const { done, why } = await attempt({ ...entry, what: "save" }, limits.saveMs);
    if (DENIED.test(why)) denied = "this run may not write it";
    return { saved: done, why };
  };
  return {
    name: "Actions cache",
    restore: async (entry) => {
      const { done, why } = await attempt({ ...entry, what: "restore" }, limits.restoreMs);
      return { found: done, why };
    },
    // What was to be saved is made and good, whatever happens here
    save: (entry) => save(entry).catch((error: unknown) => ({ saved: false, why: `not saved: ${messageOf(error)}` })),
  };
}

async function whyTooLarge(entry: CacheEntry, env: NodeJS.ProcessEnv, limit: number): Promise<string | null> {
  const bytes = await bytesBelow(entry.folder);
  if (bytes > limit) return `${size(bytes)} are more than the ${size(limit)} that an entry may have`;
  const free = await freeBytes(env.RUNNER_TEMP || "/tmp");
  return free < bytes ? `packing may take ${size(bytes)}, the disk has ${size(free)}` : null;
}

/** What the client says of a failure; it hands back nothing but "no". */
function reasonIn(lines: readonly string[]): string | null {
  const said = /(Failed to (?:restore|save): .*|Cache (?:restore|save) skipped: .*|Cache reservation failed: .*)$/;
  const found = lines.findLast((line) => said.test(line));
  return found === undefined ? null : unescaped(said.exec(found)?.[1] ?? "");
}

/** Undoes what workflow commands do to a text. */
function unescaped(text: string): string {
  return text.replaceAll("%0A", "\n").replaceAll("%0D", "\r").replaceAll("%25", "%");
}
