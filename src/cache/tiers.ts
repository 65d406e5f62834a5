import { rm } from "node:fs/promises";
import type { Log } from "../ports/log.ts";
import type { RunRecord, TierNote } from "../record.ts";

/** What is carried between this machine and a tier. */
export interface CacheEntry {
  /** Exact, and never used for another content */
  key: string;
  folder: string;
  /** Where no entry has the key: the newest whose key begins with one of these will do. Absent: the key alone. */
  prefixes?: readonly string[];
}

/** A place beyond this machine where finished work may lie (the Actions cache). Faults are reported, never thrown. */
export interface CacheTier {
  readonly name: string;
  /** Puts an entry's folder in place, or says why not; then the folder may hold anything. */
  restore(entry: CacheEntry): Promise<{ found: boolean; why: string }>;
  save(entry: CacheEntry): Promise<{ saved: boolean; why: string }>;
}

/** The tiers of a run in their order; what each did goes into the log and into the run's record. */
export class Tiers {
  readonly #list: readonly CacheTier[];
  readonly #log: Log;
  readonly #record: RunRecord;

  constructor(list: readonly CacheTier[], log: Log, record: RunRecord) {
    this.#list = list;
    this.#log = log;
    this.#record = record;
  }

  get any(): boolean {
    return this.#list.length > 0;
  }

  /**
   * Puts `entry.folder` in place from the first tier that has it whole. `look` reads what came, or says in words what is
   * wrong with it: that is removed, as if it had not been there.
   */
  async restore<T extends object>(
    what: string,
    entry: CacheEntry,
    look: () => Promise<T | string>,
  ): Promise<{ tier: string; value: T } | null> {
    for (const tier of this.#list) {
      const started = performance.now();
      const { found, why } = await tier.restore(entry);
      const value = found ? await look() : why;
      if (typeof value !== "string") {
        this.#note({ what, tier: tier.name, did: "restored", why }, started);
        return { tier: tier.name, value };
      }
      const said = found ? `${entry.key} is not usable: ${value}` : why;
      this.#note({ what, tier: tier.name, did: "missed", why: said }, started);
      await rm(entry.folder, { recursive: true, force: true });
    }
    return null;
  }

  /** Puts a folder that has been checked into every tier. */
  async save(what: string, entry: CacheEntry): Promise<void> {
    for (const tier of this.#list) {
      const started = performance.now();
      const { saved, why } = await tier.save(entry);
      this.#note({ what, tier: tier.name, did: saved ? "saved" : "not saved", why }, started);
    }
  }

  #note(note: Omit<TierNote, "seconds">, started: number): void {
    this.#log.info(`${note.what}: ${note.tier}: ${note.why}`);
    this.#record.tiers.push({ ...note, seconds: (performance.now() - started) / 1000 });
  }
}
