import type { CaseResult } from "./cases.ts";

/** Why cases of stock MIOpen's suite fail on an RDNA1 card, and whose fault that is. */
export interface Known {
  whose: "MIOpen" | "suite" | "distribution" | "device";
  reason: string;
  /** Matches the name of the case */
  name: RegExp;
  /** Matches what it printed */
  text: RegExp;
}

/** The first that fits wins. */
export const KNOWN: readonly Known[] = [];

/** The explanation of a failure, or null. */
export function whyKnown({ name, text }: CaseResult): Known | null {
  return KNOWN.find((known) => known.name.test(name) && known.text.test(text)) ?? null;
}
