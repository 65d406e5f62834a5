import { setTimeout as sleep } from "node:timers/promises";

/** Time and chance, handed in so that waits can be tested without waiting. */
export interface Clock {
  /** Milliseconds since 1970 */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
  /** At least 0, below 1 */
  random(): number;
}

/** The machine's own. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds) => {
    await sleep(milliseconds);
  },
  random: () => Math.random(),
};
