import { readFile } from "node:fs/promises";
import type { Environment } from "./mirror.ts";

/**
 * Where apt's method sqv looks for the policy by which it judges keys, the first that is there; names without a slash are
 * environment variables [apt, methods/sqv.cc]. apt with gpgv knows no policy.
 */
const PLACES = [
  "/etc/crypto-policies/back-ends/apt-sequoia.config",
  "/var/lib/crypto-config/profiles/current/apt-sequoia.config",
  "SEQUOIA_CRYPTO_POLICY",
  "/etc/crypto-policies/back-ends/sequoia.config",
  "/var/lib/crypto-config/profiles/current/sequoia.config",
  "/usr/share/apt/default-sequoia.config",
];

/** The variable that names apt's policy before all {@link PLACES}. */
export const POLICY = "APT_SEQUOIA_CRYPTO_POLICY";

/** The text of the policy that apt would use on this host; empty where there is none. */
export async function hostPolicy(env: Environment): Promise<string> {
  for (const place of PLACES) {
    const file = place.includes("/") ? place : env[place];
    const text = file && (await readFile(file, "utf8").catch(() => null));
    if (typeof text === "string") return text;
  }
  return "";
}

/**
 * The same policy [sequoia-policy-config], but a key may be bound by signatures of its own that are made with SHA-1.
 * Signatures of the archive, where a collision would help an attacker, are judged as before.
 */
export function withSha1Keys(policy: string): string {
  const allowed = 'sha1.second_preimage_resistance = "always"';
  const others = policy.split("\n").filter((line) => !/^\s*sha1(\.second_preimage_resistance)?\s*=/.test(line));
  const section = others.findIndex((line) => /^\s*\[\s*hash_algorithms\s*\]/.test(line));
  if (section < 0) return [...others, "[hash_algorithms]", allowed, ""].join("\n");
  return [...others.slice(0, section + 1), allowed, ...others.slice(section + 1)].join("\n");
}
