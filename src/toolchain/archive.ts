import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { codeOf, machineError, messageOf, RdnaError, userError } from "../errors.ts";
import { freeBytes, sha256File } from "../ports/files.ts";
import { withoutCredentials } from "../secret.ts";
import { unpackArchive } from "./archive/unpack.ts";
import type { ArchiveAddress } from "./archive-address.ts";
import { cachedToolchain, type ToolchainPorts, type TreeSource } from "./cached.ts";
import { fetchPatiently, megabytes, showProgress } from "./debian/download.ts";
import { sizeOf } from "./debian/http.ts";
import { schemaOf } from "./debian/schema.ts";
import { checkVersion } from "./debian.ts";
import { PRUNED_ARCHIVE_PATHS } from "./prune.ts";
import { rocmIn } from "./system.ts";
import type { Toolchain } from "./toolchain.ts";
import { rootOf } from "./tree.ts";

export interface ArchiveOptions {
  rocmVersion: string;
  cacheRoot: string;
  offline: boolean;
  jobs: number;
}

/** Unpacked bytes for a byte of archive; TheRock's tarballs: 2.3 GB become 13 GB (ROCm/TheRock, 7.11). */
const UNPACKED = 6;
const SCHEMA = schemaOf(1, PRUNED_ARCHIVE_PATHS);

/**
 * ROCm from a tarball such as TheRock's (tar.gz, tar.xz, tar.zst; AMD's layout, in the archive's top folder or one below it),
 * unpacked into a folder of the cache. It is checked against its digest before anything of it is unpacked.
 * The tree is `<cacheRoot>/toolchain/archive-<rocm>-<digest>-<schema>`.
 */
export async function archiveToolchain(
  archive: ArchiveAddress,
  options: ArchiveOptions,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  return cachedToolchain(archiveTree(archive, options), ports);
}

/** How that tree is made. */
export function archiveTree(archive: ArchiveAddress, options: ArchiveOptions): TreeSource {
  const { rocmVersion, cacheRoot, jobs } = options;
  checkVersion(rocmVersion);
  return {
    name: `archive-${rocmVersion}-${archive.sha256.slice(0, 16)}-${SCHEMA}`,
    cacheRoot,
    jobs,
    make: async (folder, work, ports) => {
      const file = await localFile(archive, work, options.offline, ports);
      const { size } = await stat(file);
      await checkDisk(work, size);
      const started = performance.now();
      await unpackArchive(file, rootOf(folder), PRUNED_ARCHIVE_PATHS, ports);
      ports.log.info(`unpacked ${megabytes(size)} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
      const toolchain = await rocmIn(rootOf(folder), rocmVersion, "archive").catch((error) => {
        if (!(error instanceof RdnaError)) throw error;
        const message = error.message.replaceAll(rootOf(folder), withoutCredentials(archive.address));
        throw new RdnaError(error.kind, message, error.remedy);
      });
      return described(toolchain, archive, size);
    },
  };
}

/** The same toolchain, known by its archive instead of what lies in the folder. */
function described(toolchain: Toolchain, { address, sha256 }: ArchiveAddress, bytes: number): Toolchain {
  const name = basename(address.replace(/[?#].*/, ""));
  return {
    ...toolchain,
    packages: [{ name, version: toolchain.rocmVersion, sha256, bytes, license: null }],
    digest: createHash("sha256").update(`${sha256} ${SCHEMA}\n`).digest("hex"),
  };
}

/** The archive as a file with the right digest: where it is, or fetched into `work`. */
async function localFile(
  { address, sha256 }: ArchiveAddress,
  work: string,
  offline: boolean,
  ports: ToolchainPorts,
): Promise<string> {
  if (!/^https?:/i.test(address)) {
    const actual = await sha256File(address).catch((error) => {
      throw userError(`toolchain: ${address} cannot be read (${codeOf(error)})`, "give the path of an archive");
    });
    if (actual === sha256) return address;
    throw userError(
      `toolchain: the SHA-256 of ${address} is ${actual}, not ${sha256}`,
      "give the archive that the digest is for, or its own digest if you know that it is good",
    );
  }
  const target = join(work, "archive");
  if ((await sizeOf(target)) > 0 && (await sha256File(target)) === sha256) return target;
  if (offline) {
    throw machineError(
      `offline, and ${withoutCredentials(address)} is not in the cache`,
      "run once without offline, or fetch the archive by other means and give the file",
    );
  }
  await fetched(address, sha256, target, ports);
  return target;
}

async function fetched(url: string, sha256: string, target: string, { log, signal }: ToolchainPorts): Promise<void> {
  log.info(`fetching ${withoutCredentials(url)}`);
  const file = { url, target, bytes: null, sha256 };
  const stop = showProgress([file], null, log);
  try {
    // The digest is what the user wrote: it is more likely wrong than gigabytes that came over TLS.
    await fetchPatiently(file, log, signal ?? new AbortController().signal, 1);
  } catch (error) {
    if (codeOf(error) === "ENOSPC" || codeOf(error) === "ABORT_ERR") throw error;
    throw machineError(
      `cannot fetch the toolchain: ${messageOf(error)}`,
      "check the address and its digest, and start again (what was fetched is kept); behind a proxy fetch it by other means and give the file",
      error,
    );
  } finally {
    stop();
  }
}

async function checkDisk(work: string, bytes: number): Promise<void> {
  const free = await freeBytes(work);
  if (free >= bytes * UNPACKED) return;
  throw machineError(
    `not enough space on the disk of ${work}: ${megabytes(free)} free, about ${megabytes(bytes * UNPACKED)} needed`,
    "free space there, or give another cache folder",
  );
}
