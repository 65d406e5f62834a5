/** What `patch` said of one hunk that did not go in where it expected to. */
export interface HunkOutcome {
  file: string;
  number: number;
  /** Line where it went in, or where it was tried */
  at: number;
  failed: boolean;
  offset: number;
  fuzz: number;
}

/** What GNU patch (2.7, LC_ALL=C) printed, as far as it is news. */
export interface PatchOutput {
  hunks: HunkOutcome[];
  /** Files that it did not find */
  missing: string[];
}

/** Reads what `patch --force [--dry-run]` printed. */
export function readPatchOutput(text: string): PatchOutput {
  const hunks: HunkOutcome[] = [];
  const missing: string[] = [];
  let file = "";
  for (const line of text.split("\n")) {
    const named = /^(?:checking|patching) file '?(.*?)'?(?: \((?:renamed|copied|read) from .*\))?$/.exec(line)?.[1];
    if (named !== undefined) file = named;
    const wanted = /^\|\+\+\+ ([^\t]*)/.exec(line)?.[1];
    if (wanted !== undefined) missing.push(wanted);
    const [, number, failed, at] = /^Hunk #(\d+) (?:succeeded|(FAILED)) at (\d+)/.exec(line) ?? [];
    if (number === undefined || at === undefined) continue;
    const fuzz = Number(/ with fuzz (\d+)/.exec(line)?.[1] ?? 0);
    const offset = Number(/\(offset (-?\d+) lines?\)/.exec(line)?.[1] ?? 0);
    hunks.push({ file, number: Number(number), at: Number(at), failed: failed !== undefined, offset, fuzz });
  }
  return { hunks, missing };
}
