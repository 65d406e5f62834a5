import { appendFileSync } from "node:fs";
import { messageOf } from "../errors.ts";
import type { Log } from "../ports/log.ts";

/** GitHub refuses a step's summary of more than 1 MiB as a whole. */
const MOST = 1 << 20;

/**
 * Appends to the job summary, at once: the process may be about to end. A runner that has none, or a full disk, never fails
 * the run.
 */
export function writeJobSummary(markdown: string, env: NodeJS.ProcessEnv, log: Log): void {
  const file = env.GITHUB_STEP_SUMMARY;
  if (!file) {
    log.debug("this runner shows no job summary");
    return;
  }
  try {
    const bytes = Buffer.from(`${markdown}\n`);
    appendFileSync(file, bytes.length <= MOST ? bytes : bytes.subarray(0, MOST));
  } catch (error) {
    log.warning(`the job summary cannot be written: ${messageOf(error)}`);
  }
}
