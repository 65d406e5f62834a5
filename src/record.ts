/** A stage of this run that has ended. */
export interface StageNote {
  /** As in the log, e.g. `kernels gfx1010` */
  name: string;
  /** Where its result comes from */
  from: Origin;
  seconds: number;
  /** Slow to make: `cache-hit` speaks of these */
  slow: boolean;
}

/** `made` in this run, `this machine` (its cache), `installed` (no cache of ours), or a tier's name. */
export type Origin = "made" | "this machine" | "installed" | (string & {});

/** What a tier beyond this machine did. */
export interface TierNote {
  /** The stage, or what else was carried, e.g. `ccache` */
  what: string;
  tier: string;
  did: "restored" | "missed" | "saved" | "not saved";
  why: string;
  seconds: number;
}

/** What a run did until now, for the job summary: it is written however the run ends. */
export class RunRecord {
  /** The command that runs */
  command: string | null = null;
  readonly stages: StageNote[] = [];
  readonly tiers: TierNote[] = [];
  readonly #running: string[] = [];
  readonly #failedIn = new WeakMap<object, string>();
  readonly #logFiles = new Map<string, string>();

  /** Runs a stage; whatever it throws is known as its failure afterwards. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#running.push(name);
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && !this.#failedIn.has(error)) this.#failedIn.set(error, name);
      throw error;
    } finally {
      this.#running.splice(this.#running.lastIndexOf(name), 1);
    }
  }

  /** The stage that threw an error: the innermost; null when none did. */
  stageOf(error: unknown): string | null {
    return error instanceof Error ? (this.#failedIn.get(error) ?? null) : null;
  }

  /** The stage that runs right now. */
  get running(): string | null {
    return this.#running.at(-1) ?? null;
  }

  /** Remembers the file that gets everything that a stage's programs print. */
  keepsLog(stage: string, file: string): void {
    this.#logFiles.set(stage, file);
  }

  logOf(stage: string | null): string | null {
    return stage === null ? null : (this.#logFiles.get(stage) ?? null);
  }

  /** Whether everything that takes long came from a cache; false when nothing of that kind was needed. */
  get cacheHit(): boolean {
    const slow = this.stages.filter((note) => note.slow);
    return slow.length > 0 && slow.every(({ from }) => from !== "made");
  }
}
