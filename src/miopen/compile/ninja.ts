import type { Place } from "../../errors.ts";

/** How far ninja is: `[120/407]` at the start of a line (NINJA_STATUS). */
export interface NinjaProgress {
  done: number;
  total: number;
}

/** What ninja puts before each line; {@link readProgress} reads it back. */
export const NINJA_STATUS = "[%f/%t] ";

/** The progress in a line of ninja's output, or null. */
export function readProgress(line: string): NinjaProgress | null {
  const [, done, total] = /^\[(\d+)\/(\d+)\] /.exec(line) ?? [];
  return done === undefined || total === undefined ? null : { done: Number(done), total: Number(total) };
}

/** `compiled 120 of 407 (29 %), about 12 min to go`; the guess begins when a tenth is done. */
export function progressLine({ done, total }: NinjaProgress, seconds: number): string {
  const share = total === 0 ? 1 : done / total;
  const left = (seconds / share) * (1 - share);
  const guess =
    share < 0.1 ? "" : left < 90 ? `, about ${Math.ceil(left)} s to go` : `, about ${Math.round(left / 60)} min to go`;
  return `compiled ${done} of ${total} (${Math.floor(share * 100)} %)${guess}`;
}

/** An error of a compiler, an assembler, a linker or cmake; its file is below the source folder where it lies there. */
export type Diagnostic = Place;

/** Why a build ended, as far as its output tells. */
export type Cause = "memory" | "disk" | "other";

const LOCATED = /^(\/?[^\s:][^:]*):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$/;
const CMAKE = /^CMake Error at (\S+):(\d+) \((\w+)\):/;

/** Errors with a place, each once, in order. `source` is the source folder as the programs see it. */
export function readDiagnostics(output: string, source: string): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const lines = output.split("\n");
  for (const [index, text] of lines.entries()) {
    const cmake = CMAKE.exec(text);
    const [, path, line, message] = cmake ?? LOCATED.exec(text) ?? [];
    if (path === undefined) continue;
    const file = path.startsWith(`${source}/`) ? path.slice(source.length + 1) : path;
    const next = lines.slice(index + 1).find((later) => later.trim() !== "");
    const said = cmake === null ? message : `${message}: ${next?.trim() ?? ""}`;
    const key = `${file}:${line}:${said}`;
    found.set(key, { file, line: Number(line), message: said ?? "" });
  }
  return [...found.values()];
}

const MEMORY = [
  /\bKilled\b|code=137\b|signal 9\b/,
  /out of memory|virtual memory exhausted/i,
  /(?:throwing an instance of|uncaught exception of type|what\(\):) +'?std::bad_alloc/,
];

/**
 * What ended a build. A kernel that is out of memory kills a compiler: its shell or driver says `Killed`, or only the exit
 * code 137 remains.
 */
export function readCause(output: string): Cause {
  if (/No space left on device|Disk quota exceeded|LLVM ERROR: IO failure on output stream/i.test(output))
    return "disk";
  const said = withoutSource(output);
  return MEMORY.some((sign) => sign.test(said)) ? "memory" : "other";
}

/** The output without messages about a place in the source and without the lines that they quote, in which any word may be. */
function withoutSource(output: string): string {
  const about = /^\/?[^\s:][^:]*:\d+:(?:\d+:)? (?:(?:fatal )?error|warning|note|remark): /;
  const lines = output.split("\n");
  return lines
    .filter((line, index) => {
      const marked = /^[\s~]*\^[\s~^]*$/.test(lines[index + 1] ?? ""); // clang before 17 quotes without a number and a bar
      return !(about.test(line) || /^\s*\d* \|/.test(line) || marked);
    })
    .join("\n");
}

/** The lines of the first failed step: its command left out, what it printed kept. */
export function firstFailure(output: string, most = 30): string {
  const lines = output.split("\n");
  const start = lines.findIndex((line) => line.startsWith("FAILED: ") || line.startsWith("CMake Error"));
  if (start < 0) return lines.slice(-most).join("\n").trim();
  const rest = lines.slice(start).filter((_, index) => index !== 1 || !lines[start]?.startsWith("FAILED: "));
  const end = rest.findIndex((line, index) => index > 0 && (readProgress(line) !== null || /^ninja: /.test(line)));
  return rest
    .slice(0, Math.min(most, end < 0 ? rest.length : end))
    .join("\n")
    .trim();
}

/** Whether the first failed step printed nothing: under ccache on a full disk the compiler's words are lost with its files. */
export function failedSilently(output: string): boolean {
  return /^FAILED: [^\n]*$/.test(firstFailure(output));
}
