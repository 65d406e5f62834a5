import { type CaseResult, isBad } from "./cases.ts";
import { type Known, whyKnown } from "./known.ts";
import { casesOf, type PartResult } from "./parts.ts";

export interface Summary {
  lines: string[];
  /** Failures without an explanation, or explained as the device's, and operations that the device does not have. */
  bad: number;
}

/** What a run says in the end. `jobs`: processes at a time. */
export function summary(parts: readonly PartResult[]): Summary {
  const cases = casesOf(parts);
  const count = (outcome: CaseResult["outcome"]) => cases.filter((one) => one.outcome === outcome).length;
  const groups = new Map<Known | null, CaseResult[]>();
  for (const one of cases.filter(isBad)) {
    const known = whyKnown(one);
    groups.set(known, [...(groups.get(known) ?? []), one]);
  }
  const lines = [...groups].flatMap(([known, members]) => groupLines(known, members));
  const troubles = addedUp(parts.map((part) => part.troubles));
  lines.push(...troubles.map(([words, times]) => `${times} × ${words}`));
  const cpu = parts.reduce((sum, part) => sum + part.cpuSeconds, 0);
  lines.push(
    `${cases.length} cases: ${count("passed")} passed, ${count("failed")} failed, ${count("crashed")} crashed, ` +
      `${count("skipped")} skipped by the suite`,
    `${cpu.toFixed(0)} s of processor time: ${(cases.length / cpu).toFixed(2)} cases a second and core`,
  );
  const unexplained = groups.get(null)?.length ?? 0;
  const ours = [...groups].reduce((sum, [known, { length }]) => sum + (known?.whose === "device" ? length : 0), 0);
  const missing = troubles.filter(([words]) => words.startsWith("unsupported")).length;
  lines.push(
    `${unexplained} failures are not explained, ${ours} are the device's; the device lacks ${missing} operations that the suite uses`,
  );
  return { lines, bad: unexplained + ours + missing };
}

function groupLines(known: Known | null, members: readonly CaseResult[]): string[] {
  if (known !== null) return [`${members.length} × ${known.whose}: ${known.reason}`, `    e.g. ${members[0]?.name}`];
  return [`${members.length} × NOT EXPLAINED`, ...members.map(({ name, text }) => `    ${name}\n${quoted(text)}`)];
}

function quoted(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(0, 12)
    .map((line) => `        ${line.slice(0, 200)}`)
    .join("\n");
}

function addedUp(parts: readonly Readonly<Record<string, number>>[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const part of parts) {
    for (const [words, times] of Object.entries(part)) sums.set(words, (sums.get(words) ?? 0) + times);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}
