import { rmSync } from "node:fs";
import { lstat, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "../../cache/lock.ts";
import { removeUnused } from "../../cache/unused.ts";
import { codeOf, machineError, messageOf } from "../../errors.ts";
import { asideOf, diskError, freeBytes, sha256 } from "../../ports/files.ts";
import { fetchPatiently, showProgress } from "../../toolchain/debian/download.ts";
import { size } from "../../units.ts";
import type { Attested } from "./attestation.ts";
import type { ExpectedFiles } from "./entries.ts";
import { refuseUnfit } from "./machine.ts";
import { overlayHome } from "./names.ts";
import type { Offer, Piece } from "./offer.ts";
import { keepOrigin, originOf, originsOf, withOrigin } from "./origins.ts";
import { type FetchPorts, fetchError } from "./place.ts";
import { type InstallRecord, readRecord, writeRecord } from "./record.ts";
import { unpackTarball } from "./unpack.ts";

/** A package in the cache. */
export interface Stored {
  folder: string;
  record: InstallRecord;
  /** Whether it was there already */
  hit: boolean;
}

/** Digests of all pieces as the name of a folder. */
export function keyOf({ tarball, overlays }: Pick<Offer, "tarball" | "overlays">): string {
  if (overlays.length === 0) return tarball.sha256.slice(0, 32);
  return sha256([tarball, ...overlays].map((piece) => piece.sha256).join(" ")).slice(0, 32);
}

/** The folder of all installed packages. */
export function storeFolder(cacheRoot: string): string {
  return join(cacheRoot, "installed");
}

/**
 * The package in the cache: as it lies there when it is whole, else fetched, unpacked aside and renamed. Several
 * processes that want the same one share the work of one. `prove` is called before anything is fetched, and only when what
 * lies there has not been proven yet.
 */
export async function storedPackage(offer: Offer, cacheRoot: string, prove: Prove, ports: FetchPorts): Promise<Stored> {
  const folder = join(storeFolder(cacheRoot), keyOf(offer));
  const lock = <T>(work: () => Promise<T>) =>
    withLock(`${folder}.lock`, work, { log: ports.log, signal: ports.signal });
  const found = await readRecord(folder);
  const stored =
    typeof found !== "string"
      ? await reused(folder, found, offer, prove, ports)
      : await lock(async () => {
          const made = await readRecord(folder);
          if (typeof made !== "string") return await reused(folder, made, offer, prove, ports);
          if (made !== "none") ports.log.warning(`the package in ${folder} is damaged (${made}); it is installed anew`);
          const attested = await prove([]);
          const record = await makeStored(offer, folder, attested, ports);
          return { folder, record, hit: false };
        });
  if (stored.hit) await keepOrigin(folder, originOf(stored.record), lock, ports.log);
  return stored;
}

/** Proves where a package comes from, by what earlier runs have proven of its bytes or by asking. */
export type Prove = (proven: readonly Attested[]) => Promise<Attested | null>;

async function reused(
  folder: string,
  record: InstallRecord,
  { machine, place }: Offer,
  prove: Prove,
  { log }: FetchPorts,
): Promise<Stored> {
  await refuseUnfit(record, machine);
  const proofs = originsOf(record).flatMap((origin) => origin.attested ?? []);
  const attested = await prove(proofs);
  log.info(`${record.name} is installed already: ${folder}`);
  const { name: from, tag, page } = place;
  return { folder, record: withOrigin(record, { from, tag, page, attested }), hit: true };
}

/** Days after which nobody comes back for a download that was cut. */
const FORGOTTEN_DAYS = 30;

/** The caller holds the lock. What was fetched stays for the next run when this one is stopped. */
async function makeStored(
  offer: Offer,
  folder: string,
  attested: Attested | null,
  ports: FetchPorts,
): Promise<InstallRecord> {
  const { place, tarball, overlays, manifest } = offer;
  const aside = besideName(folder);
  const atExit = () => rmSync(aside, { recursive: true, force: true });
  process.once("exit", atExit);
  try {
    await removeLeftovers(folder);
    await removeUnused(ports.folder, /./, FORGOTTEN_DAYS);
    await checkDisk(folder, offer);
    const pieces: { piece: Piece; file: string }[] = [];
    for (const piece of [tarball, ...overlays]) pieces.push({ piece, file: await localFile(piece, offer, ports) });
    await mkdir(aside, { recursive: true });
    for (const { piece, file } of pieces) {
      const isMain = piece === tarball;
      const expected: ExpectedFiles =
        isMain && manifest !== null ? new Map(manifest.files.map(({ file, bytes }) => [file, bytes])) : null;
      const below = isMain ? null : overlayHome(piece.file);
      ports.log.info(`unpacking ${piece.file}`);
      try {
        await unpackTarball({ file, sha256: piece.sha256, folder: aside, expected, below });
      } finally {
        // Damaged or not, it is of no more use
        await rm(downloadOf(piece, offer, ports), { force: true });
      }
    }
    const record = await writeRecord(aside, {
      key: keyOf(offer),
      name: tarball.file.replace(/\.tar\.zst$/, ""),
      sha256: tarball.sha256,
      from: place.name,
      tag: place.tag,
      page: place.page,
      attested,
    });
    await refuseUnfit(record, offer.machine);
    await replaceFolder(aside, folder);
    return record;
  } catch (error) {
    throw diskError(error, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
    process.removeListener("exit", atExit);
  }
}

/** Marks the folders beside a package that are this program's own. */
const OWN = ".rdna1-miopen";

/** Ends the names that `besideName` makes; a folder that a user has moved away has no such name. */
const BESIDE = /^\.rdna1-miopen\.\d+-[0-9a-f]{8}\.tmp$/;

/** Where a folder lies while it is unfinished, or on its way out. `removeLeftovers` knows it by its name. */
export function besideName(folder: string): string {
  return asideOf(`${folder}${OWN}`);
}

/** Puts a finished folder in another's place; what lay there goes away. */
export async function replaceFolder(finished: string, folder: string): Promise<void> {
  const old = besideName(folder);
  const before = await rename(folder, old).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    },
  );
  try {
    await rename(finished, folder);
  } catch (error) {
    if (before) await rename(old, folder);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/** Folders that a killed run of this program left beside `folder`, and nothing else. The caller holds the lock. */
export async function removeLeftovers(folder: string): Promise<void> {
  const [home, name] = [dirname(folder), basename(folder)];
  for (const other of await readdir(home).catch(() => [])) {
    if (!other.startsWith(name) || !BESIDE.test(other.slice(name.length))) continue;
    const path = join(home, other);
    const isFolder = await lstat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    // One that cannot be removed is another user's, and in nobody's way
    if (isFolder) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * Named by its digest, so that the next run goes on with a download that was cut, and by what it is for: only the holder of
 * that lock touches it, while others may fetch the same tarball for another set of overlays.
 */
function downloadOf({ sha256: digest }: Piece, offer: Offer, { folder }: FetchPorts): string {
  return join(folder, `${keyOf(offer)}-${digest.slice(0, 16)}.tar.zst`);
}

async function localFile(piece: Piece, offer: Offer, ports: FetchPorts): Promise<string> {
  const { log, signal } = ports;
  const { url } = piece.offered;
  if (url.startsWith("file:")) return fileURLToPath(url);
  const target = downloadOf(piece, offer, ports);
  await mkdir(dirname(target), { recursive: true });
  if ((await stat(target).catch(() => null)) !== null) return target;
  log.info(`fetching ${piece.file}${piece.bytes === null ? "" : `, ${size(piece.bytes)}`}`);
  const stop = showProgress([{ ...piece.offered, target }], piece.bytes, log);
  try {
    await fetchPatiently({ ...piece.offered, target }, log, signal);
  } catch (error) {
    throw fetchError(error, piece.file, offer.place);
  } finally {
    stop();
  }
  return target;
}

async function checkDisk(folder: string, { tarball, manifest }: Offer): Promise<void> {
  if (manifest === null) return;
  const needed = manifest.files.reduce((sum, { bytes }) => sum + bytes, tarball.bytes ?? 0);
  const free = await freeBytes(folder);
  if (free >= needed) return;
  throw machineError(
    `not enough space on the disk of ${dirname(folder)}: ${size(free)} free, ${size(needed)} needed`,
    "free space there, or name another cache folder with RDNA1_MIOPEN_CACHE",
  );
}

/** Packages that lie whole in the cache, newest first; for runs without a network. */
export async function allStored(cacheRoot: string, log: FetchPorts["log"]): Promise<Stored[]> {
  const all: { stored: Stored; time: number }[] = [];
  const home = storeFolder(cacheRoot);
  for (const name of await readdir(home).catch(() => [])) {
    if (!/^[0-9a-f]{32}$/.test(name)) continue;
    const folder = join(home, name);
    const record = await readRecord(folder).catch(messageOf);
    if (typeof record === "string") log.info(`${folder}: ${record}`);
    else all.push({ stored: { folder, record, hit: true }, time: (await stat(folder)).mtimeMs });
  }
  return all.sort((a, b) => b.time - a.time).map(({ stored }) => stored);
}
