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
  /** Address of that service */
  mirror?: string;
}

/**
 * The roots that attestations are checked against: the user's file, else those of Sigstore's public good instance, which
 * signs for public repositories. These come with the program and are brought up to date by TUF, whose own signatures
 * are checked from the root that comes with the program on; without a network the newest known ones count.
 */
export async function trustedRoots(options: TrustOptions, log: Log): Promise<readonly TrustedRoot[]> {
  const { file, cache, offline, mirror = DEFAULT_MIRROR_URL } = options;
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
      return [await getTrustedRoot({ cachePath: cache, mirrorURL: mirror, timeout: 5000, retry: { retries: 1 } })];
    } catch (error) {
      log.warning(
        `Sigstore's roots could not be brought up to date (${messageOf(error)}); the newest known ones are used`,
      );
    }
  }
  return [await knownRoot(cache, mirror)];
}

/** What TUF has fetched last, else what comes with the program. */
async function knownRoot(cache: string, mirror: string): Promise<TrustedRoot> {
  const { host, pathname } = new URL(mirror);
  const folder = encodeURIComponent(host + pathname.replace(/\/$/, ""));
  const target = "trusted_root.json";
  const text = await readFile(join(cache, folder, "targets", target), "utf8").catch(() =>
    Buffer.from(seeds[DEFAULT_MIRROR_URL as keyof typeof seeds].targets[target], "base64").toString("utf8"),
  );
  return TrustedRoot.fromJSON(JSON.parse(text));
}
