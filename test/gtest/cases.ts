/** How one case of a GoogleTest program ended. */
export interface CaseResult {
  name: string;
  outcome: "passed" | "failed" | "skipped" | "crashed";
  seconds: number;
  /** Failure messages and what the case printed; empty for one that passed */
  text: string;
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

const LINE = /^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^ ,\n]+)(?:[^\n]*\((\d+) ms\))?/;

/**
 * Results out of a program's output (standard output and error in one). A case that began and did not end crashed, if the
 * program ended at all.
 */
export function readCases(output: string): CaseResult[] {
  const results: CaseResult[] = [];
  let running: { name: string; lines: string[] } | null = null;
  for (const line of output.split("\n")) {
    const found = LINE.exec(line);
    const name = found?.[2] ?? "";
    if (found?.[1] === "RUN") running = { name, lines: [] };
    else if (found !== null && running !== null && running.name === name) {
      const outcome = found[1] === "OK" ? "passed" : found[1] === "FAILED" ? "failed" : "skipped";
      const text = outcome === "passed" ? "" : running.lines.join("\n");
      results.push({ name, outcome, seconds: Number(found[3] ?? 0) / 1000, text });
      running = null;
    } else running?.lines.push(line);
  }
  if (running !== null) {
    results.push({ name: running.name, outcome: "crashed", seconds: 0, text: running.lines.join("\n") });
  }
  return results;
}
