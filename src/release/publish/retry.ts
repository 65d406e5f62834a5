import { machineError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

/** A failure that may be gone the next time: no answer, a server's own fault, a rate limit. */
export class TransientError extends Error {
  /** Milliseconds that the server asks to wait; null: it does not say */
  readonly wait: number | null;

  constructor(message: string, wait: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransientError";
    this.wait = wait;
  }
}

export const TRIES = 5;
/** Longest wait for a server that asks for one; GitHub's hourly limit may ask for almost an hour. */
const LONGEST_WAIT = 15 * 60_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

export interface RetryPorts {
  clock: Clock;
  log: Log;
}

/**
 * Runs `attempt` until it no longer throws a {@link TransientError}, at most five times. The attempt is told its number,
 * from 1, so that it can look at what the one before left. Other errors pass through at once.
 */
export async function withRetries<T>(
  what: string,
  attempt: (number: number) => Promise<T>,
  { clock, log }: RetryPorts,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      const again = "what has arrived is kept; run the same command again";
      if (number >= TRIES) throw machineError(`${what}: ${error.message} (tried ${TRIES} times)`, again, error);
      if (error.wait !== null && error.wait > LONGEST_WAIT) {
        const then = new Date(clock.now() + error.wait).toISOString().slice(0, 16).replace("T", " ");
        throw machineError(`${what}: ${error.message}`, `${again} after ${then} UTC`, error);
      }
      const pause = pauseAfter(number, error.wait, clock.random());
      log.warning(`${what}: ${error.message}; next try in ${(pause / 1000).toFixed(1)} s`);
      await clock.sleep(pause);
    }
  }
}

/**
 * Milliseconds before the try after `number`: what the server asks for and up to a second more, so that many clients do
 * not come back at once; else 1, 2, 4, … s, half to whole.
 */
export function pauseAfter(number: number, asked: number | null, random: number): number {
  if (asked !== null) return Math.max(0, asked) + random * 1000;
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (number - 1)) * (0.5 + random / 2);
}
