import { join } from "node:path";
import { type DeviceEvent, openLaunch } from "../device/events.ts";
import { machineError, type RdnaError } from "../errors.ts";
import { type Clock, SYSTEM_CLOCK } from "../ports/clock.ts";
import type { Exec, ExecResult } from "../ports/exec.ts";
import { type NumericalInput, runOnce } from "../verify/numerical.ts";
import { type ProofRow, rowText } from "../verify/proofs.ts";
import type { TableRow } from "../verify/table.ts";
import { cardFault } from "../verify/verdict.ts";

/** A run on a card, as far as the card's state is to be told from it. */
export interface CardRun {
  result: ExecResult;
  events: readonly DeviceEvent[];
}

/** What the card calls itself; null when the run did not come so far. */
export function nameIn(events: readonly DeviceEvent[]): string | null {
  return events.find((event) => event.event === "card")?.name ?? null;
}

/** Whether a kernel is to blame for how a run ended: it began and did not end, or HIP says that its launch failed. */
export function brokeIn(events: readonly DeviceEvent[]): boolean {
  return openLaunch(events) !== null || events.some(({ event }) => event === "error");
}

/**
 * Throws a machine error for a run that no card has answered, in HIP's own words: nothing was given to it, so nothing is to
 * blame but the machine.
 */
export function refuseUnanswered({ result, events }: CardRun): void {
  if (nameIn(events) !== null) return;
  const text = `${result.stdout}\n${result.stderr}`;
  const words = /^.*(?:no ROCm-capable device|hipError\w+|HSA_STATUS_ERROR\w*|rdna1-witness: ).*$/m.exec(text)?.[0];
  if (words === undefined && !result.timedOut && result.signal === null) return; // it ended before it asked for one
  const last = words ?? text.trim().split("\n").at(-1) ?? "";
  throw machineError(
    `the card does not answer: ${last.trim().slice(0, 300) || `nothing was said within ${Math.round(result.seconds)} s`}`,
    "run the command doctor; in a container see that /dev/kfd and the card's render node are passed into it",
  );
}

/** How long the driver may take to reset a card [Linux, amdgpu: a reset and the release of its lock take some seconds]. */
const RESET_MS = 60_000;
const PAUSE_MS = 5_000;

/** Whether a card still answers. */
export class CardHealth {
  readonly #input: NumericalInput;
  readonly #exec: Exec;
  readonly #clock: Clock;
  #good: TableRow | null = null;

  /** @param input whose rows are tried until one is known that the card can do */
  constructor(input: NumericalInput, exec: Exec, clock: Clock = SYSTEM_CLOCK) {
    this.#input = input;
    this.#exec = exec;
    this.#clock = clock;
  }

  /** Remembers a row that the card can do. */
  passed(row: TableRow): void {
    this.#good = row;
  }

  /** After a run that did not end by itself: throws a machine error unless the card does a row that it can do. */
  async check(failed: ProofRow, result: ExecResult): Promise<void> {
    const what = rowText(failed);
    if (result.stuck === true) throw lost(`the card hangs: a process that waits for it cannot be ended, after ${what}`);
    const row = this.#good ?? this.#input.rows.find(({ args }) => args.join(" ") !== failed.command);
    if (row === undefined) throw lost(`whether the card still works cannot be told, after ${what}`);
    const proof = await this.#tryFor(RESET_MS, row);
    if (proof.result === "passed") this.#good = row;
    else throw lost(`the card no longer does what it should (${proof.reason}), after ${what}`);
  }

  /** A card that is being reset answers nobody: then once more, for a while. */
  async #tryFor(milliseconds: number, row: TableRow): Promise<ProofRow> {
    const folder = join(this.#input.folder, "run-health");
    const until = this.#clock.now() + milliseconds;
    for (;;) {
      const { proof, observed } = await runOnce({ ...this.#input, isCard: true }, row, folder, this.#exec);
      const answered = nameIn(observed.events) !== null;
      if (answered || observed.result.stuck === true || this.#clock.now() + PAUSE_MS > until) return proof;
      await this.#clock.sleep(PAUSE_MS);
    }
  }
}

function lost(message: string): RdnaError {
  return machineError(
    message,
    "look at the kernel's messages (dmesg), restart the machine, and run the same command again: it goes on behind this row",
  );
}

/** What the runtime said of a fault, for a reason that does not have it yet. */
export function withFault(reason: string, { stdout, stderr }: ExecResult): string {
  const words = cardFault(`${stdout}\n${stderr}`);
  return words === null || reason.includes(words) ? reason : `${reason}: ${words}`;
}
