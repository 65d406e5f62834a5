/** How one case of a GoogleTest program ended. */
export interface CaseResult {
  name: string;
  outcome: "passed" | "failed" | "skipped" | "crashed";
  seconds: number;
  /** Failure messages and what the case printed; empty for one that passed */
  text: string;
}

/** Whether a case calls for an explanation. */
export function isBad({ outcome }: CaseResult): boolean {
  return outcome === "failed" || outcome === "crashed";
}

/** Full names out of `--gtest_list_tests`, without disabled ones. */
export function listedCases(listing: string): string[] {
  const names: string[] = [];
  let suite = "";
  for (const line of listing.split("\n")) {
    const name = /^( *)([^ #]+)/.exec(line);
    if (name === null) continue;
    if (name[1] === "" && line.split(" ")[0]?.endsWith(".")) suite = name[2] ?? "";
    else if (name[1] !== "" && suite !== "") names.push(`${suite}${name[2]}`);
  }
  return names.filter((name) => !/(^|[/.])DISABLED_/.test(name));
}

/** Not at the line's beginning: a case may print text without a newline before it ends. */
const LINE = /\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^ ,\n]+)(?:.*\((\d+) ms\))?/;
const ENDS = { OK: "passed", FAILED: "failed", SKIPPED: "skipped" } as const;
const KEPT = 16_384; // characters of a case's text

/**
 * Results out of a program's output (standard output and error in one). A case that began and did not end crashed, if the
 * program ended at all.
 */
export function readCases(output: string): CaseResult[] {
  const results: CaseResult[] = [];
  let running: { name: string; lines: string[] } | null = null;
  for (const line of output.split("\n")) {
    const [, state, name = "", milliseconds = "0"] = LINE.exec(line) ?? [];
    if (state === "RUN") running = { name, lines: [] };
    else if (state !== undefined && running !== null && running.name === name) {
      const outcome = ENDS[state as keyof typeof ENDS];
      const text = outcome === "passed" ? "" : shortened(running.lines.join("\n"));
      results.push({ name, outcome, seconds: Number(milliseconds) / 1000, text });
      running = null;
    } else running?.lines.push(line);
  }
  if (running !== null) {
    results.push({ name: running.name, outcome: "crashed", seconds: 0, text: shortened(running.lines.join("\n")) });
  }
  return results;
}

/** Beginning and end of a long text: compilers repeat one error hundreds of times. */
function shortened(text: string): string {
  if (text.length <= KEPT) return text;
  return `${text.slice(0, KEPT / 2)}\n… ${text.length - KEPT} characters …\n${text.slice(-KEPT / 2)}`;
}
