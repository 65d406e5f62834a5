import { spawn } from "node:child_process";
import { machineError } from "../errors.ts";

/** A program to start: everything needed, nothing implied. */
export interface Command {
  file: string;
  args: readonly string[];
  /** The whole environment of the child; nothing is inherited unless it is put here. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** Numeric user and group to run as (only root may set them). */
  uid?: number;
  gid?: number;
}

export interface ExecOptions {
  /** Watchdog in milliseconds: the whole process group is killed when it passes. */
  timeoutMs?: number;
  /** Called for each line of standard output and standard error as it arrives. */
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Ends the process group when aborted. */
  signal?: AbortSignal;
  input?: string | Uint8Array;
  /** Bytes of each stream that are kept (the newest); default 4 MiB. */
  keep?: number;
}

export interface ExecResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** The watchdog's kill did not end it: it waits in the kernel, for a card that hangs, say */
  stuck?: true;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Starts programs. */
export interface Exec {
  /** Resolves when the program has ended, however it ended; rejects only when it could not be started. */
  run(command: Command, options?: ExecOptions): Promise<ExecResult>;
}

/** Children run in a process group of their own, so that a watchdog or an interrupt ends their children too. */
export class NodeExec implements Exec {
  readonly #groups = new Set<number>();
  readonly #killMs: number;

  /** @param killMs milliseconds that a killed program may take to be gone */
  constructor(killMs = 30_000) {
    this.#killMs = killMs;
  }

  run(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn(command.file, [...command.args], {
        env: { ...command.env },
        cwd: command.cwd,
        uid: command.uid,
        gid: command.gid,
        detached: true,
        stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
      const group = child.pid;
      if (group !== undefined) this.#groups.add(group);
      const stdout = new Tail("stdout", options);
      const stderr = new Tail("stderr", options);
      child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
      child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
      let timedOut = false;
      let stuck: NodeJS.Timeout | undefined;
      const kill = () => {
        if (group !== undefined) endGroup(group);
      };
      const ended = (code: number | null, signal: NodeJS.Signals | null) => {
        const seconds = (performance.now() - started) / 1000;
        return { code, signal, timedOut, stdout: stdout.end(), stderr: stderr.end(), seconds };
      };
      const giveUp = () => {
        done();
        child.stdout?.destroy();
        child.stderr?.destroy();
        child.unref();
        resolve({ ...ended(null, null), stuck: true });
      };
      const timer =
        options.timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              timedOut = true;
              kill();
              stuck = setTimeout(giveUp, this.#killMs);
            }, options.timeoutMs);
      options.signal?.addEventListener("abort", kill, { once: true });
      if (options.signal?.aborted) kill();
      const done = () => {
        clearTimeout(timer);
        clearTimeout(stuck);
        options.signal?.removeEventListener("abort", kill);
        if (group !== undefined) this.#groups.delete(group);
      };
      child.on("error", (error) => {
        done();
        reject(
          machineError(`cannot start ${command.file}: ${error.message}`, "check that the program is installed", error),
        );
      });
      child.on("close", (code, signal) => {
        done();
        resolve(ended(code, signal));
      });
      if (options.input !== undefined) {
        child.stdin?.on("error", () => {}); // the program may close its input early; its exit code tells
        child.stdin?.end(options.input);
      }
    });
  }

  /** Ends every process group that is still running; for interrupts. */
  endAll(): void {
    for (const group of this.#groups) endGroup(group);
  }
}

function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // the group has ended already
  }
}

/** The newest `keep` bytes of a stream, and its lines as they come. */
class Tail {
  readonly #chunks: Buffer[] = [];
  readonly #keep: number;
  readonly #onLine: ((line: string) => void) | undefined;
  #size = 0;
  #rest = "";

  constructor(stream: "stdout" | "stderr", options: ExecOptions) {
    this.#keep = options.keep ?? 4 << 20;
    const onLine = options.onLine;
    this.#onLine = onLine === undefined ? undefined : (line) => onLine(line, stream);
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= this.#keep) {
      this.#size -= this.#chunks.shift()?.length ?? 0;
    }
    if (this.#onLine === undefined) return;
    const lines = (this.#rest + chunk.toString("utf8")).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
  }

  end(): string {
    if (this.#rest !== "") this.#onLine?.(this.#rest);
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}
