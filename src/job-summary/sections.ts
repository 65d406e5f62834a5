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

/** What the caches beyond this machine did: a line for each thing that was carried. */
export function cachesSection({ tiers }: RunRecord): string {
  if (tiers.length === 0) return "";
  const rows = [...Map.groupBy(tiers, ({ what, tier }) => `${what}\n${tier}`).values()].map((notes) => {
    const looked = notes.find(({ did }) => did === "restored" || did === "missed");
    const kept = notes.find(({ did }) => did === "saved" || did === "not saved");
    const seconds = notes.reduce((sum, note) => sum + note.seconds, 0);
    return [notes[0]?.what ?? "", notes[0]?.tier ?? "", outcomeOf(looked), outcomeOf(kept), duration(seconds)];
  });
  return `### Caches\n\n${table(["what", "cache", "looked for", "kept for later", " time"], rows)}`;
}

/** Keys are in the log; here a reason counts that is not the usual one. */
function outcomeOf(note: TierNote | undefined): string {
  if (note === undefined) return "";
  const { did, why } = note;
  if (did === "restored") return "✓ found";
  if (did === "saved") return why.endsWith(" is there already") ? "✓ there already" : "✓ saved";
  return /^no entry \S+$/.test(why) ? "– none yet" : `✗ ${why}`;
}
