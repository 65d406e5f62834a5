import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, get as httpsGet } from "node:https";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { codeOf } from "../../errors.ts";
import { isUntrusted, trustSystem } from "../../ports/certificates.ts";
import { sha256File } from "../../ports/files.ts";
import { withoutCredentials } from "../../secret.ts";

/** A file of the network, and where it goes. */
export interface WantedFile {
  url: string;
  target: string;
  /** null where nobody has said how long the file is */
  bytes: number | null;
  /** More bytes than these are refused, whatever the server says of its file */
  most?: number;
  /** null where nobody has said; then what an earlier try left is never continued */
  sha256: string | null;
  /** Sent to the address's own origin, and to no other that it leads to: a token may be among them */
  headers?: Readonly<Record<string, string>>;
  /** Environment whose `HTTPS_PROXY` and `NO_PROXY` are obeyed; without it there is no proxy */
  proxyEnv?: NodeJS.ProcessEnv;
}

/** A file that is known before it is fetched, as an archive's lists have it. */
export interface FetchedFile extends WantedFile {
  bytes: number;
  sha256: string;
}

/** The server does not have the file (any more). */
export class GoneError extends Error {}

/** The bytes that came are not those that were promised. */
export class DamagedError extends Error {
  /** They were added to what an earlier try had left: the fault may be in that, and is gone with it */
  readonly continued: boolean;

  constructor(message: string, continued = false) {
    super(message);
    this.continued = continued;
  }
}

/** Milliseconds without a byte after which a connection counts as dead. */
const SILENCE = 30_000;

/**
 * Fetches a file over http, https or from a folder and resolves with its SHA-256; it appears under its name only when the
 * size and the digest that it was wanted with are right. What an earlier try left in `<target>.part` is kept and continued
 * where the digest over the whole can be checked (apt itself resumes only where a server sends Last-Modified, which
 * proxies drop).
 */
export async function fetchFile(file: WantedFile, signal: AbortSignal): Promise<string> {
  const part = `${file.target}.part`;
  let have = await sizeOf(part);
  if (have > (file.bytes ?? Number.POSITIVE_INFINITY) || file.sha256 === null) {
    await rm(part, { force: true });
    have = 0;
  }
  const hash = createHash("sha256");
  let bytes = file.bytes;
  if (have !== bytes) {
    const source = await open(file, have, signal);
    if (source === null) {
      // Nothing comes after what is there: it is the whole file, which its digest decides, or no part of it.
      if ((await sha256File(part)) === file.sha256) {
        await rename(part, file.target);
        return file.sha256;
      }
      await rm(part);
      return fetchFile(file, signal);
    }
    bytes ??= source.total;
    if (source.offset === 0) have = 0;
    else await hashFile(part, hash);
    const meter = measured(
      hash,
      Math.min(bytes ?? Number.POSITIVE_INFINITY, file.most ?? Number.POSITIVE_INFINITY) - have,
    );
    await pipeline(source.stream, meter, createWriteStream(part, { flags: have === 0 ? "w" : "a" }), { signal });
  } else {
    await hashFile(part, hash);
  }
  if (bytes !== null && (await sizeOf(part)) < bytes) throw new Error("the connection ended early");
  const sha256 = hash.digest("hex");
  if (file.sha256 !== null && sha256 !== file.sha256) {
    await rm(part, { force: true });
    throw new DamagedError(
      `${withoutCredentials(file.url)} is damaged: its SHA-256 is ${sha256}, not ${file.sha256}`,
      have > 0,
    );
  }
  await rename(part, file.target);
  return sha256;
}

/** Whether a file is there with this size and digest. */
export async function isIntact(file: FetchedFile): Promise<boolean> {
  if ((await sizeOf(file.target)) !== file.bytes) return false;
  const hash = createHash("sha256");
  await hashFile(file.target, hash);
  return hash.digest("hex") === file.sha256;
}

/** Bytes of a file; 0 when there is none. */
export async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function hashFile(file: string, hash: Hash): Promise<void> {
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
}

/** Hashes what passes and refuses more bytes than were promised. */
function measured(hash: Hash, limit: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed > limit) return done(new DamagedError("the server sends more bytes than were promised"));
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

interface Source {
  stream: NodeJS.ReadableStream;
  /** Where the stream begins in the file: what was asked for, or 0 when the server does not continue files. */
  offset: number;
  /** Bytes of the whole file, where the server tells. */
  total: number | null;
}

/** The file from `offset` on; null when the server says that it has nothing there. */
async function open(file: WantedFile, offset: number, signal: AbortSignal): Promise<Source | null> {
  if (file.url.startsWith("file:")) {
    const path = fileURLToPath(file.url.replace(/^file:\/*/, "file:///"));
    if ((await sizeOf(path)) === 0) throw new GoneError(`${path} does not exist`);
    return { stream: createReadStream(path, { start: offset }), offset, total: await sizeOf(path) };
  }
  const response = await request(file, file.url, offset, signal);
  if (response.statusCode === 416) {
    response.destroy();
    return null;
  }
  const [, begins, whole] = /^bytes (\d+)-\d+\/(\d+)/.exec(response.headers["content-range"] ?? "") ?? [];
  const continued = response.statusCode === 206 && Number(begins) === offset;
  if (response.statusCode === 206 && !continued) {
    response.destroy();
    throw new Error("the server answered with another part of the file than was asked for");
  }
  const total = Number(continued ? whole : (response.headers["content-length"] ?? Number.NaN));
  return { stream: response, offset: continued ? offset : 0, total: Number.isNaN(total) ? null : total };
}

async function request(
  file: WantedFile,
  url: string,
  offset: number,
  signal: AbortSignal,
  hops = 5,
): Promise<IncomingMessage> {
  const own = new URL(url).origin === new URL(file.url).origin ? file.headers : {};
  const headers = { "user-agent": "rdna1-miopen", ...own, ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const options = { headers, signal, timeout: SILENCE };
  if (url.startsWith("https:")) trustSystem();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = url.startsWith("https:")
      ? httpsGet(
          url,
          { ...options, ...(file.proxyEnv && { agent: new HttpsAgent({ proxyEnv: file.proxyEnv }) }) },
          resolve,
        )
      : httpGet(
          url,
          { ...options, ...(file.proxyEnv && { agent: new HttpAgent({ proxyEnv: file.proxyEnv }) }) },
          resolve,
        );
    call.on("timeout", () => call.destroy(new Error(`no byte from ${new URL(url).host} in ${SILENCE / 1000} s`)));
    call.on("error", reject);
  });
  const status = response.statusCode ?? 0;
  if (status === 200 || status === 206 || (status === 416 && offset > 0)) return response;
  response.resume();
  const location = response.headers.location;
  if (status >= 300 && status < 400 && location !== undefined && hops > 0) {
    const next = new URL(location, url);
    if (url.startsWith("https:") && next.protocol !== "https:")
      throw new Error(`${withoutCredentials(url)} leads away from https`);
    return request(file, next.href, offset, signal, hops - 1);
  }
  if (status === 404 || status === 410) throw new GoneError(`${withoutCredentials(url)}: the server answers ${status}`);
  throw new Error(`${withoutCredentials(url)}: the server answers ${status}`);
}

/** Whether trying again may help. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  const lasting = code === "ENOSPC" || code === "EACCES" || code === "ABORT_ERR" || isUntrusted(code);
  return !(error instanceof GoneError || lasting);
}
