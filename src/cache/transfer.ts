import type { CacheEntry } from "./tiers.ts";

/** The first argument that makes this program a carrier (carrier.ts): `<program> cache-transfer <JSON of a Transfer>`. */
export const TRANSFER = "cache-transfer";

/** What a carrier is to do. */
export interface Transfer extends CacheEntry {
  what: "restore" | "save";
}

/** What came of it. */
export interface Transferred {
  done: boolean;
  why: string;
}

/** Begins the line of standard output that holds the {@link Transferred}; the client prints lines of its own. */
export const RESULT = "rdna1-miopen-transferred ";
