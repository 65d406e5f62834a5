import { mkdir, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join, relative } from "node:path";
import { diskError, exists, readTextIfThere, sha256, sha256File, writeWhole } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import { withLock } from "./lock.ts";

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

/** A further place where finished stages may lie (the Actions cache). Faults are reported, never thrown. */
export interface StageTier {
  readonly name: string;
  /** Puts the stage's folder in place, or says why not. */
  restore(key: string, folder: string): Promise<{ found: boolean; why: string }>;
  save(key: string, folder: string): Promise<string>;
}

/** Finished stages on this machine, one folder a key. */
export class StageStore {
  readonly root: string;
  readonly #log: Log;
  readonly #tiers: readonly StageTier[];

  constructor(root: string, log: Log, tiers: readonly StageTier[] = []) {
    this.root = root;
    this.#log = log;
    this.#tiers = tiers;
  }

  /** Takes the finished result of the same key, or runs the stage, records it and says why it had to. */
  async run<R>(stage: Stage<R>): Promise<StageOutcome<R>> {
    const started = performance.now();
    const label = stage.variant === undefined ? stage.name : `${stage.name} ${stage.variant}`;
    const family = stage.variant === undefined ? stage.name : `${stage.name}-${stage.variant}`;
    const parts = { ...stage.parts, stage: family };
    const key = sha256(JSON.stringify(Object.entries(parts).sort())).slice(0, 24);
    const home = join(this.root, "stages", family);
    const folder = join(home, key);
    const outcome = (record: StageRecord, hit: boolean): StageOutcome<R> => {
      const seconds = hit ? 0 : (performance.now() - started) / 1000;
      return { folder, result: record.result as R, key, hit, seconds };
    };

    const cached = await checkRecord(folder);
    if (typeof cached !== "string") {
      await markUsed(folder);
      this.#log.info(`${label}: skipped, nothing changed (cache ${key})`);
      return outcome(cached, true);
    }
    await mkdir(home, { recursive: true });
    return await withLock(
      join(home, `${key}.lock`),
      async () => {
        const found = await checkRecord(folder);
        if (typeof found !== "string") {
          this.#log.info(`${label}: skipped, another run has just finished it (cache ${key})`);
          return outcome(found, true);
        }
        await rm(folder, { recursive: true, force: true });
        const tiers = stage.shared === true ? this.#tiers : [];
        for (const tier of tiers) {
          const { why } = await tier.restore(`rdna1-miopen-${family}-${key}`, folder);
          const restored = await checkRecord(folder);
          this.#log.info(`${label}: ${tier.name}: ${why}`);
          if (typeof restored !== "string") return outcome(restored, true);
          await rm(folder, { recursive: true, force: true });
        }
        const reason = found === "none" ? await whyMissing(home, parts) : found;
        const partial = `${folder}.partial`;
        const goesOn = await exists(partial);
        const title = `${label}: ${reason}${goesOn ? "; goes on where an interrupted run was" : ""}`;
        const record = await this.#log.group(title, () => produce(stage, parts, partial, folder));
        for (const tier of tiers) {
          this.#log.info(`${label}: ${tier.name}: ${await tier.save(`rdna1-miopen-${family}-${key}`, folder)}`);
        }
        await removeUnused(home);
        return outcome(record, false);
      },
      { log: this.#log },
    );
  }
}

async function produce<R>(
  stage: Stage<R>,
  parts: Record<string, string>,
  partial: string,
  folder: string,
): Promise<StageRecord> {
  try {
    await mkdir(partial, { recursive: true });
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

/** The record of a finished stage whose files are all as they were written; else `none` or what is wrong. */
async function checkRecord(folder: string): Promise<StageRecord | string> {
  const text = await readTextIfThere(join(folder, "stage.json"));
  if (text === null) return (await exists(folder)) ? "the cached result is not complete" : "none";
  let record: StageRecord;
  try {
    record = JSON.parse(text) as StageRecord;
  } catch {
    return "the cached result is damaged (stage.json)";
  }
  for (const [file, digest] of Object.entries(record.files)) {
    const actual = await sha256File(join(folder, file)).catch(() => null);
    if (actual !== digest) return `the cached result is damaged (${file})`;
  }
  return record;
}

/** Days after which a result that no run has used goes away. */
const KEPT_DAYS = 30;

/** A hit is a use: the folder's time says when it was. */
async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  // A cache that belongs to another user can be read all the same.
  await utimes(folder, now, now).catch(() => {});
}

async function removeUnused(home: string): Promise<void> {
  const limit = Date.now() - KEPT_DAYS * 24 * 3600 * 1000;
  for (const name of await readdir(home)) {
    const path = join(home, name);
    const used = await stat(path).then(
      (s) => (s.isDirectory() ? s.mtimeMs : Number.POSITIVE_INFINITY),
      () => Number.POSITIVE_INFINITY,
    );
    if (used < limit) await rm(path, { recursive: true, force: true });
  }
}

/** What differs from the newest finished result of the same stage. */
async function whyMissing(home: string, parts: Record<string, string>): Promise<string> {
  let newest: { time: number; record: StageRecord } | null = null;
  for (const name of await readdir(home)) {
    const file = join(home, name, "stage.json");
    const time = await stat(file).then(
      (s) => s.mtimeMs,
      () => 0,
    );
    if (time === 0 || name.endsWith(".partial") || (newest !== null && time <= newest.time)) continue;
    newest = { time, record: JSON.parse(await readFile(file, "utf8")) as StageRecord };
  }
  if (newest === null) return "no earlier result";
  const before = newest.record.parts;
  const changed = Object.keys({ ...before, ...parts }).filter((name) => before[name] !== parts[name]);
  const words = changed.map((name) => `${name} ${shorten(before[name])} -> ${shorten(parts[name])}`);
  return `changed since the last result: ${words.join(", ")}`;
}

function shorten(value: string | undefined): string {
  if (value === undefined) return "(none)";
  return value.length > 24 ? `${value.slice(0, 12)}…` : value;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
