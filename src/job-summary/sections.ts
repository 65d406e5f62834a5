import type { RunRecord, TierNote } from "../record.ts";
import { duration } from "../units.ts";
import { table } from "./markdown.ts";

/** What each stage took and where its result came from; nothing when no stage has ended. */
export function stagesSection({ stages }: RunRecord, seconds: number | null): string {
  if (stages.length === 0) return "";
  const rows = stages.map(({ name, from, seconds: own }) => [name, resultOf(from), duration(own)]);
  if (seconds !== null) rows.push(["total", "", duration(seconds)]);
  return `### Stages\n\n${table(["stage", "result", " time"], rows)}`;
}

function resultOf(from: string): string {
  if (from === "made") return "made";
  return from === "installed"
    ? "installed already"
    : `reused from ${from === "this machine" ? "this machine's cache" : `the ${from}`}`;
}

const DID: Readonly<Record<TierNote["did"], string>> = {
  restored: "✓ restored",
  missed: "– not found",
  saved: "✓ saved",
  "not saved": "– not saved",
};

/** What the caches beyond this machine did, and why. */
export function cachesSection({ tiers }: RunRecord): string {
  if (tiers.length === 0) return "";
  const rows = tiers.map(({ what, tier, did, why, seconds }) => [what, tier, DID[did], why, duration(seconds)]);
  return `### Caches\n\n${table(["what", "cache", "outcome", "why", " time"], rows)}`;
}
