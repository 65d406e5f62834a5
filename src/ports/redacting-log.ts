import type { Log, Where } from "./log.ts";

/** Any log, with everything that is said put through `redact` first. */
export class RedactingLog implements Log {
  readonly #log: Log;
  readonly #redact: (text: string) => string;

  constructor(log: Log, redact: (text: string) => string) {
    this.#log = log;
    this.#redact = redact;
  }

  debug(message: string): void {
    this.#log.debug(this.#redact(message));
  }

  info(message: string): void {
    this.#log.info(this.#redact(message));
  }

  warning(message: string, where?: Where): void {
    this.#log.warning(this.#redact(message), where);
  }

  error(message: string, where?: Where): void {
    this.#log.error(this.#redact(message), where);
  }

  group<T>(title: string, work: () => Promise<T>): Promise<T> {
    return this.#log.group(this.#redact(title), work);
  }

  progress(message: string): void {
    this.#log.progress(this.#redact(message));
  }
}
