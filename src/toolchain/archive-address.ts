import { userError } from "../errors.ts";
import { withoutCredentials } from "../secret.ts";

/** A ROCm in an archive, with the digest that it must have. */
export interface ArchiveAddress {
  /** `http:`, `https:`, or a path */
  address: string;
  /** Lower-case hex */
  sha256: string;
}

const REMEDY = "write it as <address or file>#sha256=<64 hexadecimal digits>; sha256sum <file> prints them";

/**
 * Reads `<url or file>#sha256=…`; null for anything that is no archive (a word, a folder). Throws a user error for an
 * archive without digest: whoever serves it could otherwise put anything in its place.
 */
export function parseArchive(text: string): ArchiveAddress | null {
  const [, address = "", digest] = /^(.*?)(?:#(.*))?$/s.exec(text) ?? [];
  const remote = /^https?:/i.test(address);
  if (digest === undefined && !remote) return null;
  const sha256 = /^sha256=([0-9a-f]{64})$/i.exec(digest ?? "")?.[1]?.toLowerCase();
  if (sha256 === undefined) {
    if (!remote && !/^sha256/i.test(digest ?? "")) return null; // a folder may have a # in its name
    throw userError(`toolchain: the archive ${withoutCredentials(address)} needs a SHA-256 digest`, REMEDY);
  }
  if (remote && !URL.canParse(address))
    throw userError(`toolchain: '${withoutCredentials(address)}' is not an address`, REMEDY);
  return { address, sha256 };
}

/** The error for a file that was given without digest. */
export function withoutDigest(file: string): Error {
  return userError(`toolchain: ${file} is a file, and an archive needs a SHA-256 digest`, REMEDY);
}
