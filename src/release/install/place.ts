import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, machineError, messageOf, RdnaError, userError } from "../../errors.ts";
import { asideOf } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { fetchPatiently } from "../../toolchain/debian/download.ts";
import { DamagedError, GoneError, type WantedFile } from "../../toolchain/debian/http.ts";

/** Where a file can be had from, and what the place itself says of it. */
export type Offered = Omit<WantedFile, "target">;

/** Where packages lie: a GitHub release, a folder, a mirror. */
export interface Place {
  /** In messages, e.g. `release v1.2.3 of org/kernels` */
  readonly name: string;
  /** Tag of the release; null: no release */
  readonly tag: string | null;
  /** Page for people; null: there is none */
  readonly page: string | null;
  /** Whether it lies on this machine, where SHA256SUMS is believed unless something else is asked for */
  readonly local: boolean;
  /** Names of all files; null: only SHA256SUMS tells them */
  readonly names: readonly string[] | null;
  /** How to get a file; null: it is not there, as far as the place tells */
  offered(name: string): Offered | null;
  /** Attestations of a digest that are kept apart from the files, as parsed JSON */
  attestations(sha256: string): Promise<readonly unknown[]>;
}

export interface FetchPorts {
  log: Log;
  /** Folder for what is fetched */
  folder: string;
  signal: AbortSignal;
}

/** Longest text that is read: manifests are some 100 kB. */
const LONGEST_TEXT = 64 << 20;

/** The text of a small file of a place; null when it is not there. A digest that the place or the caller knows must fit. */
export async function textAt(
  place: Place,
  name: string,
  { log, folder, signal }: FetchPorts,
  sha256: string | null = null,
): Promise<string | null> {
  const offered = place.offered(name);
  if (offered === null) return null;
  checkDigests(place, name, offered.sha256, sha256);
  await mkdir(folder, { recursive: true });
  const target = asideOf(join(folder, "text"));
  try {
    await fetchPatiently({ ...offered, sha256: sha256 ?? offered.sha256, target, most: LONGEST_TEXT }, log, signal);
    return await readFile(target, "utf8");
  } catch (error) {
    if (error instanceof GoneError) return null;
    throw fetchError(error, name, place);
  } finally {
    await rm(target, { force: true });
    await rm(`${target}.part`, { force: true });
  }
}

/** Two digests of one file from two sources must be the same. */
export function checkDigests(place: Place, name: string, a: string | null, b: string | null): void {
  if (a === null || b === null || a === b) return;
  throw machineError(
    `${name} in the ${place.name} is not the file that its SHA256SUMS and manifest.json tell of (sha256 ${a} and ${b})`,
    "do not use it; tell whoever publishes it, and take another release",
  );
}

/** Puts a failed fetch into words. */
export function fetchError(error: unknown, name: string, place: Place): unknown {
  if (error instanceof RdnaError || codeOf(error) === "ABORT_ERR") return error;
  if (error instanceof DamagedError) {
    return machineError(
      `${name} from the ${place.name} is not what was promised: ${messageOf(error)}`,
      "nothing was installed; if it happens again, do not use the file and tell whoever publishes it",
      error,
    );
  }
  if (error instanceof GoneError) {
    return userError(
      `the ${place.name} has no ${name}`,
      "check that the place is complete, or take another one",
      error,
    );
  }
  if (codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT") {
    return machineError("the disk of the cache is full", "free some space and run the same command again", error);
  }
  return machineError(
    `cannot fetch ${name} from the ${place.name}: ${messageOf(error)}`,
    "check the network and run the same command again; what was fetched is kept",
    error,
  );
}
