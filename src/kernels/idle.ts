import type { DeviceEvent } from "../device/events.ts";
import type { DriverLog } from "../miopen/log.ts";
import type { ExecResult } from "../ports/exec.ts";

/** What MIOpenDriver says before it leaves out what it was asked for, and ends with 0 [3.5.1, measured]. */
const WORDS = /Not Found !|not supported|Incorrect/;

/**
 * Why a run that came to its end did nothing, or null: no kernel was asked for or launched, rocBLAS's included. There are
 * lines that MIOpenDriver takes and does nothing for.
 */
export function whyIdle({
  result,
  log,
  events,
}: {
  result: ExecResult;
  log: DriverLog;
  events: readonly DeviceEvent[];
}): string | null {
  if (result.code !== 0 || log.errors.length > 0 || log.requests.length + log.misses.length > 0) return null;
  if (events.some(({ event }) => event === "launch" || event === "launching" || event === "compile")) return null;
  const said = `${result.stdout}\n${result.stderr}`.split("\n").find((line) => WORDS.test(line));
  return `MIOpenDriver does nothing for it${said === undefined ? "" : ` (${said.trim().slice(0, 200)})`}`;
}
