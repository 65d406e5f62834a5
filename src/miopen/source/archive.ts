import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../../cache/lock.ts";
import { codeOf, machineError, messageOf, RdnaError, userError } from "../../errors.ts";
import { isUntrusted, UNTRUSTED_REMEDY } from "../../ports/certificates.ts";
import { diskFull, exists, readTextIfThere, sha256, writeWhole } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { withoutCredentials } from "../../secret.ts";
import { fetchPatiently, megabytes, showProgress } from "../../toolchain/debian/download.ts";
import { DamagedError, GoneError, isIntact } from "../../toolchain/debian/http.ts";
import { describeOrigin, type Origin, type SourceOption } from "./origin.ts";

export type ArchiveOrigin = Extract<Origin, { kind: "archive" }>;

export interface ArchiveOptions {
  /** Archives and what is known of them are kept here */
  folder: string;
  offline: boolean;
  /** Has named the archive */
  option: SourceOption;
}

export interface ArchivePorts {
  log: Log;
  /** For the proxy that it names */
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

/** What was recorded of an archive when it was first fetched. */
interface Recorded {
  url: string;
  sha256: string;
  bytes: number;
}

/** An archive whose digest is known: what the source stage has for a key. */
export interface KnownArchive {
  sha256: string;
  /** Brings the archive onto the disk and resolves with its file; free when it is there */
  file(): Promise<string>;
  /** Removes the archive; its digest stays known */
  forget(): Promise<void>;
}

/**
 * The digest of an archive, with as little network as possible: the one that was given, else the one that was recorded when
 * the archive was first fetched, else it is fetched now. Throws a user error when what came is not what was promised, and a
 * machine error when the network or the disk refuses.
 */
export async function knownArchive(
  origin: ArchiveOrigin,
  options: ArchiveOptions,
  ports: ArchivePorts,
): Promise<KnownArchive> {
  const name = sha256(origin.url).slice(0, 16);
  const target = join(options.folder, `${name}.archive`);
  const record = join(options.folder, `${name}.json`);
  await mkdir(options.folder, { recursive: true });
  const forget = () => rm(target, { force: true });
  const recorded = JSON.parse((await readTextIfThere(record)) ?? "null") as Recorded | null;
  const promised = origin.sha256 ?? recorded?.sha256 ?? null;
  const file = (wanted: string | null) =>
    withLock(`${target}.lock`, () => fetchInto(origin, { ...options, target, record, wanted }, ports), {
      log: ports.log,
    });
  if (promised !== null) {
    const bring = async () => {
      await file(promised);
      return target;
    };
    return { sha256: promised, file: bring, forget };
  }
  return { sha256: await file(null), file: async () => target, forget };
}

interface Place extends ArchiveOptions {
  target: string;
  record: string;
  wanted: string | null;
}

async function fetchInto(
  origin: ArchiveOrigin,
  { target, record, wanted, offline, option }: Place,
  { log, env, signal = new AbortController().signal }: ArchivePorts,
): Promise<string> {
  if (wanted !== null && (await exists(target))) {
    const { size } = await stat(target);
    if (await isIntact({ url: origin.url, target, bytes: size, sha256: wanted })) return wanted;
    log.warning(`the archive of ${describeOrigin(origin)} in the cache is damaged; it is fetched again`);
    await rm(target);
  }
  if (offline) {
    throw machineError(
      `offline, and the source ${describeOrigin(origin)} is not in the cache`,
      `run once without offline, or give a tarball or a folder with ${option}`,
    );
  }
  const bytes = origin.published?.bytes ?? null;
  log.info(`fetching ${describeOrigin(origin)}${bytes === null ? "" : `, ${megabytes(bytes)}`}`);
  const file = { url: origin.url, target, bytes, sha256: wanted, proxyEnv: env };
  const stop = showProgress([file], bytes, log);
  try {
    const digest = await fetchPatiently(file, log, signal);
    await checkPublished(origin, target);
    if (wanted === null) {
      log.warning(
        `no digest of ${describeOrigin(origin)} is known; its SHA-256 ${digest} is recorded and every later run checks it (give ${option} ${describeOrigin(origin)}#sha256=${digest} to pin it)`,
      );
    }
    const recorded: Recorded = { url: describeOrigin(origin), sha256: digest, bytes: (await stat(target)).size };
    await writeWhole(record, `${JSON.stringify(recorded)}\n`);
    return digest;
  } catch (error) {
    throw explained(error, origin, { target, option });
  } finally {
    stop();
  }
}

async function checkPublished({ url, published }: ArchiveOrigin, file: string): Promise<void> {
  if (published?.sha512 === undefined) return;
  const hash = createHash("sha512");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const digest = hash.digest("hex");
  if (digest.startsWith(published.sha512)) return;
  await rm(file, { force: true });
  throw new DamagedError(
    `${withoutCredentials(url)} is damaged: its SHA-512 begins with ${digest.slice(0, 16)}, not ${published.sha512}`,
  );
}

function explained(
  error: unknown,
  origin: ArchiveOrigin,
  { target, option }: Pick<Place, "target" | "option">,
): unknown {
  if (error instanceof RdnaError) return error;
  if (codeOf(error) === "ENOSPC") return diskFull(target, error);
  if (error instanceof DamagedError) {
    const remedy = `check the address and its #sha256=, or give the source as a tarball or a folder with ${option}`;
    return userError(messageOf(error), remedy, error);
  }
  if (error instanceof GoneError) {
    return userError(`${option}: ${messageOf(error)}`, `check the address, or give another with ${option}`, error);
  }
  const message = `cannot fetch MIOpen's source from ${describeOrigin(origin)}: ${messageOf(error)}`;
  if (isUntrusted(codeOf(error))) return machineError(message, UNTRUSTED_REMEDY, error);
  return machineError(
    message,
    `check the network and start again, or give a tarball or a folder with ${option}`,
    error,
  );
}
