import { basename } from "node:path";
import type { Command, Exec, ExecOptions, ExecResult } from "./exec.ts";
import type { Log } from "./log.ts";

/** Says of every program what was started, how it ended and how long it took: detail under `RUNNER_DEBUG=1`. */
export class DebuggingExec implements Exec {
  readonly #exec: Exec;
  readonly #log: Log;

  constructor(exec: Exec, log: Log) {
    this.#exec = exec;
    this.#log = log;
  }

  async run(command: Command, options?: ExecOptions): Promise<ExecResult> {
    const words = [command.file, ...command.args].map((word) => (/[\s'"]/.test(word) ? JSON.stringify(word) : word));
    this.#log.debug(
      `start: ${words.join(" ").slice(0, MOST)}${command.cwd === undefined ? "" : ` (in ${command.cwd})`}`,
    );
    const result = await this.#exec.run(command, options);
    const how = result.timedOut ? "killed by its time limit" : `ended with ${result.code ?? result.signal}`;
    this.#log.debug(`${basename(command.file)} ${how} after ${result.seconds.toFixed(1)} s`);
    return result;
  }
}

/** Characters of a command line; some name thousands of files. */
const MOST = 2000;
