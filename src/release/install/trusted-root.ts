import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { DEFAULT_MIRROR_URL, getTrustedRoot } from "@sigstore/tuf";
import seeds from "@sigstore/tuf/seeds.json" with { type: "json" };
import { messageOf, userError } from "../../errors.ts";
import type { Log } from "../../ports/log.ts";
import { readJsonOrLines } from "./bundles.ts";

export interface TrustOptions {
  /** Absolute path of the user's own roots; null: Sigstore's */
  file: string | null;
  /** Folder for what Sigstore's update service (TUF) sends */
  cache: string;
  offline: boolean;
}

/**
 * The roots that attestations are checked against: the user's file, else those of Sigstore's public good instance, which
 * signs for public repositories. These come with the program and are brought up to date by TUF, whose own signatures
 * are checked from the root that comes with the program on; without a network the newest known ones count.
 */
export async function trustedRoots(options: TrustOptions, log: Log): Promise<readonly TrustedRoot[]> {
  const { file, cache, offline } = options;
  if (file !== null) {
    const texts = await readJsonOrLines(file, "trusted-root");
    const roots = texts.map((json) => TrustedRoot.fromJSON(json));
    if (roots.some(({ certificateAuthorities }) => certificateAuthorities.length === 0)) {
      throw userError(
        `trusted-root: ${file} has no certificate authority`,
        "write it with gh attestation trusted-root",
      );
    }
    return roots;
  }
  if (!offline) {
    try {
      return [await getTrustedRoot({ cachePath: cache, timeout: 5000, retry: { retries: 1 } })];
    } catch (error) {
      log.warning(
        `Sigstore's roots could not be brought up to date (${reasonOf(error)}); the newest known ones are used`,
      );
    }
  }
  return [await knownRoot(cache)];
}

/** What TUF has fetched last, else what comes with the program. */
async function knownRoot(cache: string): Promise<TrustedRoot> {
  const folder = encodeURIComponent(new URL(DEFAULT_MIRROR_URL).host);
  const target = "trusted_root.json";
  try {
    return TrustedRoot.fromJSON(JSON.parse(await readFile(join(cache, folder, "targets", target), "utf8")));
  } catch {
    // Not there, or another process is just writing it
    const { targets } = seeds[DEFAULT_MIRROR_URL as keyof typeof seeds];
    return TrustedRoot.fromJSON(JSON.parse(Buffer.from(targets[target], "base64").toString("utf8")));
  }
}

/** The library says little, the error behind it more. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
