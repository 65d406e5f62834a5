import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, machineError, messageOf, type RdnaError } from "../../errors.ts";
import { isUntrusted, UNTRUSTED_REMEDY } from "../../ports/certificates.ts";
import type { Log } from "../../ports/log.ts";
import type { ArchivePackage } from "./apt.ts";
import { type ArchivePorts, aptCommand } from "./archive.ts";
import {
  DamagedError,
  type FetchedFile,
  fetchFile,
  GoneError,
  isIntact,
  isTransient,
  sizeOf,
  type WantedFile,
} from "./http.ts";
import { eachLimit } from "./limit.ts";

export interface DownloadPlan {
  packages: readonly ArchivePackage[];
  /** Folder for the package files; what is there already and intact is not fetched again. */
  folder: string;
  /** Folder of the isolated apt. */
  apt: string;
  /** Fetch directly; false: through apt, because the host's configuration has a proxy or the like. */
  direct: boolean;
  offline: boolean;
  /** The options that give other addresses. */
  mirrorOptions: string;
}

/** Connections at once. The largest file comes first and is half of all, so more would not be faster. */
const CONNECTIONS = 4;
const TRIES = 4;

/** Fetches what is missing. Resolves with the bytes that were; throws GoneError when the archive has moved on. */
export async function downloadPackages(plan: DownloadPlan, ports: ArchivePorts): Promise<number> {
  await mkdir(plan.folder, { recursive: true });
  const missing = await missingFiles(plan, ports);
  const bytes = missing.reduce((sum, file) => sum + file.bytes, 0);
  if (missing.length === 0) return 0;
  if (plan.offline) {
    const names = missing.slice(0, 3).map(({ target }) => target.slice(plan.folder.length + 1));
    throw machineError(
      `offline, and ${missing.length} package files (${megabytes(bytes)}) of the toolchain are not in the cache: ${names.join(", ")} …`,
      "run once without offline, or bring the cache folder from a machine that has",
    );
  }
  ports.log.info(`fetching ${missing.length} package files, ${megabytes(bytes)}`);
  const stop = showProgress(missing, bytes, ports.log);
  try {
    if (plan.direct) await fetchAll(missing, ports);
    else await fetchThroughApt(plan, missing, ports);
  } catch (error) {
    throw explained(error, plan);
  } finally {
    stop();
  }
  return bytes;
}

/** Package files that are not there, or not as the archive lists them, largest first. */
async function missingFiles(plan: DownloadPlan, { log }: ArchivePorts): Promise<FetchedFile[]> {
  const missing: FetchedFile[] = [];
  for (const { file, url, bytes, sha256 } of plan.packages) {
    const wanted = { url, bytes, sha256, target: join(plan.folder, file) };
    const size = await sizeOf(wanted.target);
    if (size > 0 && (await isIntact(wanted))) continue;
    if (size > 0) {
      log.warning(`${file} in the cache is damaged (${size} of ${bytes} bytes); it is fetched again`);
      await rm(wanted.target);
    }
    missing.push(wanted);
  }
  return missing.sort((a, b) => b.bytes - a.bytes);
}

async function fetchAll(files: readonly FetchedFile[], { log, signal }: ArchivePorts): Promise<void> {
  await eachLimit(files, CONNECTIONS, signal, async (file, stop) => {
    await fetchPatiently(file, log, stop);
  });
}

/**
 * `fetchFile`, tried again where that may help. Resolves with the file's SHA-256. Wrong bytes may be the line's fault once;
 * `wholeTries` 1 takes a whole file with another digest for another file at once.
 */
export async function fetchPatiently(
  file: WantedFile,
  log: Log,
  signal: AbortSignal,
  wholeTries: 1 | 2 = 2,
): Promise<string> {
  let damaged = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchFile(file, signal);
    } catch (error) {
      // Wrong bytes once may be the line's fault, twice they are the server's
      if (error instanceof DamagedError && ++damaged >= (error.continued ? 2 : wholeTries)) throw error;
      if (signal.aborted || !isTransient(error) || attempt >= TRIES) throw error;
      log.warning(`${messageOf(error)}; trying again (${attempt} of ${TRIES - 1})`);
      await sleep(250 * 4 ** attempt, undefined, { signal });
    }
  }
}

/** As `fetchAll`, by apt's own downloader: it knows every proxy, certificate and password that the host's apt knows. */
async function fetchThroughApt(plan: DownloadPlan, files: readonly FetchedFile[], ports: ArchivePorts): Promise<void> {
  const open: FetchedFile[] = [];
  for (const file of files) {
    // Complete, but its share was not when a run before this one ended.
    if (await isIntact({ ...file, target: `${file.target}.part` })) await rename(`${file.target}.part`, file.target);
    else open.push(file);
  }
  const shares = Array.from({ length: CONNECTIONS }, (_, i) => open.filter((_, at) => at % CONNECTIONS === i));
  await eachLimit(shares, CONNECTIONS, ports.signal, async (share, signal) => {
    const args = share.flatMap(({ url, target, sha256 }) => [url, `${target}.part`, `SHA256:${sha256}`]);
    if (args.length === 0) return;
    const command = aptCommand({ dir: plan.apt }, ports.env, "/usr/lib/apt/apt-helper", "download-file", ...args);
    const result = await ports.exec.run(command, { signal });
    signal.throwIfAborted();
    if (result.code === 0) {
      for (const { target } of share) await rename(`${target}.part`, target);
      return;
    }
    const why =
      result.stderr.split("\n").find((line) => line.startsWith("E: ")) ?? `apt-helper ended with ${result.code}`;
    for (const { target } of share) await rm(`${target}.part.FAILED`, { force: true });
    throw /404 +Not Found/.test(result.stderr) ? new GoneError(why) : new Error(why);
  });
}

/** Says every second how much of the files is there; `bytes` is null where nobody knows their size. */
export function showProgress(files: readonly WantedFile[], bytes: number | null, log: Log): () => void {
  const count = async () => {
    let sum = 0;
    for (const { target } of files) sum += (await sizeOf(target)) || (await sizeOf(`${target}.part`));
    return sum;
  };
  let last = 0;
  let at = performance.now();
  void count().then((sum) => {
    last = sum;
  });
  const timer = setInterval(async () => {
    const sum = await count();
    const now = performance.now();
    const rate = (Math.max(0, sum - last) / (now - at)) * 1000;
    last = sum;
    at = now;
    const share = bytes === null ? megabytes(sum) : `${Math.floor((sum / bytes) * 100)} % of ${megabytes(bytes)}`;
    log.progress(`fetched ${share}, ${megabytes(rate)}/s`);
  }, 1000);
  return () => clearInterval(timer);
}

/** `545 MB` */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function explained(error: unknown, plan: DownloadPlan): unknown {
  if (error instanceof GoneError || (error as RdnaError).name === "RdnaError" || codeOf(error) === "ABORT_ERR")
    return error;
  if (codeOf(error) === "ENOSPC" || /No space left/.test(messageOf(error))) {
    return machineError(`the disk of ${plan.folder} is full`, "free space there, or give another cache folder", error);
  }
  const message = `cannot fetch the toolchain: ${messageOf(error)}`;
  if (isUntrusted(codeOf(error))) return machineError(message, UNTRUSTED_REMEDY, error);
  return machineError(
    message,
    `check the network and start again (what was fetched is kept), or give another mirror (${plan.mirrorOptions})`,
    error,
  );
}
