import type { Log, Where } from "./log.ts";

/** Log for a terminal, and for a plain file: headings, one changing line where the stream is a terminal. */
export class TerminalLog implements Log {
  readonly #out: NodeJS.WriteStream;
  readonly #debug: boolean;
  readonly #live: boolean;
  #open = false;
  #lastProgress = 0;

  constructor(out: NodeJS.WriteStream = process.stderr, debug = process.env.RUNNER_DEBUG === "1") {
    this.#out = out;
    this.#debug = debug;
    this.#live = out.isTTY === true;
  }

  debug(message: string): void {
    if (this.#debug) this.#line(message);
  }

  info(message: string): void {
    this.#line(message);
  }

  warning(message: string, where?: Where): void {
    this.#line(`warning: ${place(where)}${message}`);
  }

  error(message: string, where?: Where): void {
    this.#line(`error: ${place(where)}${message}`);
  }

  async group<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#line(`== ${title}`);
    return await work();
  }

  progress(message: string): void {
    const now = performance.now();
    if (now - this.#lastProgress < (this.#live ? 100 : 5000)) return;
    this.#lastProgress = now;
    if (!this.#live) {
      this.#out.write(`   ${message}\n`);
      return;
    }
    const width = Math.max(20, (this.#out.columns ?? 80) - 1);
    this.#out.write(`\r\u001b[K   ${message.slice(0, width - 3)}`);
    this.#open = true;
  }

  #line(message: string): void {
    if (this.#open) this.#out.write("\r\u001b[K");
    this.#open = false;
    this.#out.write(`${message}\n`);
  }
}

function place(where: Where | undefined): string {
  if (where === undefined) return "";
  return where.line === undefined ? `${where.file}: ` : `${where.file}:${where.line}: `;
}
