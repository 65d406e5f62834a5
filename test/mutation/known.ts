import type { Mutant } from "./wrong-simulator.ts";

/** What no test can notice, and why. */
const KNOWN: readonly { operation: RegExp; ways: RegExp; why: string }[] = [
  {
    operation: /^vopc\/v_cmpx_(tru?|t)_/,
    ways: /^skipped$/,
    why: "the comparison is always true: EXEC stays as it is",
  },
  {
    operation: /^vop1\/v_(rcp|rsq|sqrt|exp|log|sin|cos)_/,
    ways: /^(low-bit|one-lane)$/,
    why: "nobody defines its last bit: tests allow for it",
  },
  { operation: /^smem\/s_memrealtime$/, ways: /^low-bit$/, why: "10 ns of the host's clock" },
];

/** Why a mutant that no test noticed need not be, or null. */
export function whyUnnoticed({ operation, way }: Mutant): string | null {
  return KNOWN.find((known) => known.operation.test(operation) && known.ways.test(way))?.why ?? null;
}
