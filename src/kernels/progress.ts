import type { Log } from "../ports/log.ts";

/** A count with an estimate of the time that is left. */
export class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #log: Log;
  readonly #things: string;
  readonly #started = performance.now();
  #done = 0;

  /** @param things what is counted */
  constructor(what: string, total: number, log: Log, things = "commands") {
    this.#what = what;
    this.#total = total;
    this.#log = log;
    this.#things = things;
  }

  step(): void {
    this.#done += 1;
    const seconds = (performance.now() - this.#started) / 1000;
    const left = Math.ceil((seconds / this.#done) * (this.#total - this.#done));
    this.#log.progress(`${this.#what}: ${this.#done} of ${this.#total} ${this.#things}, about ${left} s left`);
  }
}
