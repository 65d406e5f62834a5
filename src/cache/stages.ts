import { mkdir, readdir, readFile, rename, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  diskError,
  exists,
  filesBelow,
  readTextIfThere,
  removeTree,
  sha256,
  sha256File,
  writeWhole,
} from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { type Origin, RunRecord } from "../record.ts";
import { withLock } from "./lock.ts";
import { Tiers } from "./tiers.ts";
import { markUsed, removeUnused } from "./unused.ts";

/** A step of a build whose result is a folder of files and a small value, both fixed by `parts`. */
export interface Stage<R> {
  /** e.g. `kernels`; with `variant`, the name in logs and timings */
  name: string;
  /** e.g. a target; part of the key */
  variant?: string;
  /** Worth a place in the tiers beyond this machine: slow to make, small to carry. */
  shared?: boolean;
  /** Everything that the result depends on, as readable digests or values. */
  parts: Readonly<Record<string, string>>;
  /** Does the work in `folder`, which may hold what an interrupted run left there. Returns a JSON value. */
  run: (folder: string) => Promise<R>;
}

export interface StageOutcome<R> {
  folder: string;
  result: R;
  key: string;
  hit: boolean;
  seconds: number;
}

interface StageRecord {
  schema: 1;
  parts: Record<string, string>;
  result: unknown;
  files: Record<string, string>;
}

/** Finished stages on this machine, one folder a key. */
export class StageStore {
  readonly root: string;
  readonly #log: Log;
  readonly #record: RunRecord;
  readonly #tiers: Tiers;
  readonly #noTiers: Tiers;

  constructor(root: string, log: Log, record = new RunRecord(), tiers = new Tiers([], log, record)) {
    this.root = root;
    this.#log = log;
    this.#record = record;
    this.#tiers = tiers;
    this.#noTiers = new Tiers([], log, record);
  }

  /** Takes the finished result of the same key, or runs the stage, records it and says why it had to. */
  run<R>(stage: Stage<R>): Promise<StageOutcome<R>> {
    const label = stage.variant === undefined ? stage.name : `${stage.name} ${stage.variant}`;
    return this.#record.during(label, () => this.#run(stage, label));
  }

  async #run<R>(stage: Stage<R>, label: string): Promise<StageOutcome<R>> {
    const started = performance.now();
    const family = stage.variant === undefined ? stage.name : `${stage.name}-${stage.variant}`;
    const parts = { ...stage.parts, stage: family };
    const key = keyOf(parts);
    const home = join(this.root, "stages", family);
    const folder = join(home, key);
    const outcome = (record: StageRecord, from: Origin): StageOutcome<R> => {
      const spent = (performance.now() - started) / 1000;
      this.#record.stages.push({ name: label, from, seconds: spent, slow: stage.shared === true });
      const hit = from !== "made";
      return { folder, result: record.result as R, key, hit, seconds: hit ? 0 : spent };
    };
    for (const [name, value] of Object.entries(parts)) this.#log.debug(`${label}: ${key}: ${name}=${value}`);

    const cached = await checkRecord(folder, parts);
    if (typeof cached !== "string") {
      await markUsed(folder);
      this.#log.info(`${label}: skipped, nothing changed (cache ${key})`);
      return outcome(cached, "this machine");
    }
    await mkdir(home, { recursive: true });
    return await withLock(
      join(home, `${key}.lock`),
      async () => {
        const found = await checkRecord(folder, parts);
        if (typeof found !== "string") {
          await markUsed(folder);
          this.#log.info(`${label}: skipped, another run has just finished it (cache ${key})`);
          return outcome(found, "this machine");
        }
        await removeTree(folder);
        const tiers = stage.shared === true ? this.#tiers : this.#noTiers;
        const entry = { key: `rdna1-miopen-${family}-${key}`, folder };
        const restored = await tiers.restore(label, entry, async () => {
          const came = await checkRecord(folder, parts);
          return came === "none" ? "another folder is in it" : came;
        });
        if (restored !== null) {
          // It came with the time of its making, and another run that tidies up must not take it for forgotten
          await markUsed(folder);
          return outcome(restored.value, restored.tier);
        }
        const reason = found === "none" ? await whyMissing(home, parts) : found;
        const partial = `${folder}.partial`;
        const goesOn = await exists(partial);
        const title = `${label}: ${reason}${goesOn ? "; goes on where an interrupted run was" : ""}`;
        const record = await this.#log.group(title, () => produce(stage, parts, partial, folder));
        await tiers.save(label, entry);
        await removeUnused(home, RESULT, KEPT_DAYS);
        return outcome(record, "made");
      },
      { log: this.#log },
    );
  }
}

/** Digest of everything that a result depends on. */
function keyOf(parts: Record<string, string>): string {
  return sha256(JSON.stringify(Object.entries(parts).sort())).slice(0, 24);
}

async function produce<R>(
  stage: Stage<R>,
  parts: Record<string, string>,
  partial: string,
  folder: string,
): Promise<StageRecord> {
  try {
    await mkdir(partial, { recursive: true });
    await markUsed(partial);
    const result = await stage.run(partial);
    const files: Record<string, string> = {};
    for (const file of await filesBelow(partial)) files[relative(partial, file)] = await sha256File(file);
    const record: StageRecord = { schema: 1, parts, result, files };
    await writeWhole(join(partial, "stage.json"), `${JSON.stringify(record)}\n`);
    await rename(partial, folder);
    return record;
  } catch (error) {
    throw diskError(error, partial);
  }
}

/**
 * The record of a finished stage that was made from `parts` and whose files are all as they were written; else `none` or
 * what is wrong.
 */
async function checkRecord(folder: string, parts: Record<string, string>): Promise<StageRecord | string> {
  const text = await readTextIfThere(join(folder, "stage.json"));
  if (text === null) return (await exists(folder)) ? "the cached result is not complete" : "none";
  const record = parsed(text);
  if (record === null) return "the cached result is damaged (stage.json)";
  if (keyOf(record.parts) !== keyOf(parts)) return "the cached result is another one's";
  for (const [file, digest] of Object.entries(record.files)) {
    const actual = await sha256File(join(folder, file)).catch(() => null);
    if (actual !== digest) return `the cached result is damaged (${file})`;
  }
  return record;
}

/** A record in a text; null where that is none. */
function parsed(text: string): StageRecord | null {
  try {
    const record = JSON.parse(text) as StageRecord | null;
    return isObject(record?.parts) && isObject(record?.files) ? record : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown) => typeof value === "object" && value !== null;

/** Days after which a result that no run has used goes away. */
const KEPT_DAYS = 30;

/** Results, finished or not; not their locks. */
const RESULT = /^[0-9a-f]+(\.partial)?$/;

/** What differs from the newest finished result of the same stage. */
async function whyMissing(home: string, parts: Record<string, string>): Promise<string> {
  let newest: { time: number; before: Record<string, string> } | null = null;
  for (const name of await readdir(home)) {
    if (name.endsWith(".partial")) continue;
    const file = join(home, name, "stage.json");
    const time = await stat(file).then(
      (s) => s.mtimeMs,
      () => 0,
    );
    if (time === 0 || (newest !== null && time <= newest.time)) continue;
    // A record that cannot be read is no fault of this result
    const before = parsed(await readFile(file, "utf8").catch(() => ""))?.parts;
    if (before !== undefined) newest = { time, before };
  }
  if (newest === null) return "no earlier result";
  const { before } = newest;
  const changed = Object.keys({ ...before, ...parts }).filter((name) => before[name] !== parts[name]);
  const words = changed.map((name) => `${name} ${shorten(before[name])} -> ${shorten(parts[name])}`);
  return `changed since the last result: ${words.join(", ")}`;
}

function shorten(value: string | undefined): string {
  if (value === undefined) return "(none)";
  return value.length > 24 ? `${value.slice(0, 12)}…` : value;
}
