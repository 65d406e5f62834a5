import type { Mutant } from "./wrong-simulator.ts";

/** What no test can notice, and why. */
const KNOWN: readonly { operation: RegExp; ways: RegExp; why: string }[] = [];

/** Why a mutant that no test noticed need not be, or null. */
export function whyUnnoticed({ operation, way }: Mutant): string | null {
  return KNOWN.find((known) => known.operation.test(operation) && known.ways.test(way))?.why ?? null;
}
