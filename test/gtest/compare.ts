import { type CaseResult, isBad } from "./cases.ts";
import { whyKnown } from "./known.ts";

/** Whether a kernel did not compile in this case. */
export function isBuildError({ text }: CaseResult): boolean {
  return /Code object build failed|Failed to load kernel source/.test(text);
}

/** What did not pass on a card and could elsewhere; `aside`: how many more are of Winograd solvers, off on RDNA1 (patch 0008). */
export function toCompare(cases: readonly CaseResult[]): { left: CaseResult[]; aside: number } {
  const all = cases.filter(({ outcome }) => outcome !== "passed");
  const left = all.filter(({ name }) => !/Winograd/.test(name));
  return { left, aside: all.length - left.length };
}

/**
 * What a patched MIOpen owes a card: whatever passes on the control passes on the card, and no kernel fails to compile.
 * `card` are the cases that did not pass on the card, `control` what became of them on the control. `bad` counts the cases
 * that break the promise without an explanation of known.ts.
 */
export function comparison(
  card: readonly CaseResult[],
  control: readonly CaseResult[],
): { lines: string[]; bad: number } {
  const passedThere = new Set(control.filter(({ outcome }) => outcome === "passed").map(({ name }) => name));
  const worse = card.filter((one) => one.outcome !== "passed" && passedThere.has(one.name));
  const builds = card.filter((one) => isBad(one) && isBuildError(one));
  const bad = [...new Set([...worse, ...builds])];
  const unexplained = bad.filter((one) => whyKnown(one) === null);
  const reasons = new Set(bad.flatMap((one) => whyKnown(one)?.reason ?? []));
  return {
    lines: [
      `${card.filter(({ outcome }) => outcome !== "passed").length} cases do not pass on the card, ${worse.length} of them pass on the control; ${builds.length} end in a build error`,
      ...[...reasons].map((reason) => `    ${reason}`),
      ...unexplained.map(({ name, outcome }) => `NOT EXPLAINED: ${name} (${outcome})`),
    ],
    bad: unexplained.length,
  };
}
