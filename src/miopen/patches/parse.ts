/** A hunk of a unified diff. Lines count from 1. */
export interface Hunk {
  /** The file it changes, below the tree */
  file: string;
  /** Its number in that file, as `patch` counts */
  number: number;
  /** Line of its `@@` in the patch */
  line: number;
  /** Line of the file where it expects to be */
  at: number;
  /** Unchanged lines around the change: the larger of those before and those after it */
  context: number;
}

/** What a patch says of itself. */
export interface ParsedPatch {
  /** Every file that it reads, makes, renames or removes, below the tree; sorted */
  touched: string[];
  hunks: Hunk[];
  /** Why it cannot be used, or null */
  fault: string | null;
}

const FILE = /^(?:---|\+\+\+) ("?)([^\t\n]*?)\1(?:\t.*)?$/;
const RENAME = /^(?:rename|copy) (?:from|to) (.+)$/;

/** Reads a unified diff; `strip` is the number of leading folders that file names lose (`-p1`). */
export function parsePatch(text: string, strip: number): ParsedPatch {
  const touched = new Set<string>();
  const hunks: Hunk[] = [];
  let fault: string | null = null;
  let pair: string[] = [];
  let left = { old: 0, new: 0 };
  let context = { lead: 0, trail: 0, changed: false };
  const name = (raw: string, parts = strip) => {
    const path = raw.split("/").slice(parts).join("/");
    if (raw === "/dev/null") return null;
    if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
      fault ??= `'${raw}' leads out of the tree`;
      return null;
    }
    touched.add(path);
    return path;
  };
  for (const [index, line] of text.split("\n").entries()) {
    if (left.old > 0 || left.new > 0) {
      const kind = line[0] ?? " ";
      if (kind !== "+") left.old -= kind === "\\" ? 0 : 1;
      if (kind !== "-") left.new -= kind === "\\" ? 0 : 1;
      if (kind === "+" || kind === "-") context = { lead: context.lead, trail: 0, changed: true };
      else if (kind !== "\\") context[context.changed ? "trail" : "lead"] += 1;
      const hunk = hunks.at(-1);
      if (hunk !== undefined) hunk.context = Math.max(context.lead, context.trail);
      continue;
    }
    if (line.startsWith("GIT binary patch") || /^Binary files .* differ$/.test(line)) fault ??= "it has binary parts";
    const renamed = RENAME.exec(line)?.[1];
    if (renamed !== undefined) name(renamed, 0);
    const file = FILE.exec(line)?.[2];
    if (file !== undefined) pair = line.startsWith("---") ? [file] : [...pair, file];
    const [, at, oldCount = "1", newCount = "1"] = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line) ?? [];
    if (at === undefined) continue;
    const [before = "", after = before] = pair;
    const target = name(after) ?? name(before);
    if (target === null) fault ??= `line ${index + 1}: a hunk without a file`;
    if (after !== "/dev/null") name(before);
    const number = hunks.filter((hunk) => hunk.file === target).length + 1;
    hunks.push({ file: target ?? "", number, line: index + 1, at: Number(at), context: 0 });
    left = { old: Number(oldCount), new: Number(newCount) };
    context = { lead: 0, trail: 0, changed: false };
  }
  if (left.old > 0 || left.new > 0) fault ??= "its last hunk is cut off";
  if (hunks.length === 0 && touched.size === 0) fault ??= "it has no hunk";
  return { touched: [...touched].sort(), hunks, fault };
}

/**
 * How many lines of context `patch` may ignore: never all that a hunk has, or a hunk of pure additions would go anywhere.
 */
export function allowedFuzz({ hunks }: ParsedPatch): number {
  const least = Math.min(3, ...hunks.filter(({ context }) => context > 0).map(({ context }) => context));
  return Math.max(0, least - 1);
}
