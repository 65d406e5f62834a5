import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, machineError } from "../errors.ts";
import type { Log } from "../ports/log.ts";
import { ensureFolder } from "./folder.ts";

export interface LockOptions {
  log: Log;
  signal?: AbortSignal;
  /** What to do when the lock file cannot be written; without it, about the cache folder */
  remedy?: string;
  /** The file is there and not ours, a device say: nothing is written to it */
  foreign?: true;
}

/**
 * Runs `work` while this process is the only one on the machine that holds `file`.
 *
 * The lock is flock(2), held by a child (`flock` of util-linux, which every Debian has) that reads from a pipe of ours:
 * when this process ends, however it ends, the pipe closes, the child ends and the kernel drops the lock. So a lock is
 * never stale. The text in the file only tells a waiting process who it waits for.
 *
 * Throws a machine error when the file cannot be locked; an abort by `signal` while waiting throws its reason.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, options: LockOptions): Promise<T> {
  if (options.foreign !== true) await prepare(file, options.remedy);
  const holder = await acquire(file, options);
  try {
    const since = new Date().toISOString();
    if (options.foreign !== true)
      await writeFile(file, JSON.stringify({ pid: process.pid, since }), { flag: OVERWRITE });
    return await work();
  } finally {
    await holder.release();
  }
}

/** Never through a link: a lock may lie in a folder where others can put one that leads to a file of ours. */
const OVERWRITE = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
const MAKE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

async function prepare(file: string, remedy: string | undefined): Promise<void> {
  try {
    await ensureFolder(dirname(file));
    await writeFile(file, "", { flag: MAKE });
  } catch (error) {
    throw machineError(
      `cannot write the lock file ${file}: ${codeOf(error) ?? error}`,
      remedy ?? "give a cache folder that this user may write, or free space on its disk",
      error,
    );
  }
}

interface Holder {
  release(): Promise<void>;
}

async function acquire(file: string, { log, signal, foreign }: LockOptions): Promise<Holder> {
  const now = await hold(file, ["--nonblock"], signal);
  if (now !== null) return now;
  const started = performance.now();
  const who = () => (foreign === true ? "another process" : holderOf(file)); // reading a device may wait forever
  log.info(`waiting for ${await who()}, which holds ${file}`);
  const reminder = setInterval(async () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    log.progress(`still waiting for ${await who()} (${seconds} s)`);
  }, 5000);
  try {
    const later = await hold(file, [], signal);
    if (later === null) throw machineError(`cannot lock ${file}`, "check that its file system supports flock(2)");
    return later;
  } finally {
    clearInterval(reminder);
  }
}

async function holderOf(file: string): Promise<string> {
  try {
    const { pid, since } = JSON.parse(await readFile(file, "utf8")) as { pid: number; since: string };
    return `process ${pid} (since ${since})`;
  } catch {
    return "another process";
  }
}

/** Resolves with the holder, or with null when `--nonblock` found the lock taken. */
function hold(file: string, flags: readonly string[], signal: AbortSignal | undefined): Promise<Holder | null> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A session of its own: an interrupt from the keyboard must not drop the lock while this process still cleans up.
    const child = spawn("flock", [...flags, "--conflict-exit-code", "75", file, "sh", "-c", "echo; exec cat"], {
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: "/usr/bin:/bin" },
    });
    const ended = new Promise<void>((done) => child.once("close", () => done()));
    const abort = () => {
      child.kill("SIGKILL");
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    const settled = () => signal?.removeEventListener("abort", abort);
    child.stdin.on("error", () => {}); // the child may have been killed; the lock is free then
    child.stdout.once("data", () => {
      settled();
      resolve({
        async release() {
          child.stdin.end();
          await ended;
        },
      });
    });
    child.once("exit", (code) => {
      settled();
      if (code === 75) resolve(null);
      else reject(machineError(`flock ended with ${code} on ${file}`, "check that its file system supports flock(2)"));
    });
    child.once("error", (error) => {
      settled();
      reject(machineError(`cannot start flock: ${error.message}`, "install util-linux", error));
    });
  });
}
