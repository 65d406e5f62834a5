import { createHash } from "node:crypto";
import { join } from "node:path";
import { readTextIfThere, writeWhole } from "../../src/ports/files.ts";
import type { CaseResult } from "./cases.ts";

/** Cases that one process runs one after the other. */
export interface Part {
  names: readonly string[];
  /**
   * Whether the first exception ends the process (`--gtest_catch_exceptions=0`). GoogleTest goes on to TearDown after one,
   * and the convolution fixtures compute their reference there: minutes for a case whose kernel could not be loaded.
   */
  stopAtException: boolean;
}

/** What a part left. `cpuSeconds`: user and system time of its processes, which other load on the machine changes little. */
export interface PartResult {
  cases: CaseResult[];
  seconds: number;
  cpuSeconds: number;
  /** Each `fault`, `finding` and `unsupported` of the device's event log, in words, and how often. */
  troubles: Record<string, number>;
}

export function casesOf(parts: readonly PartResult[]): CaseResult[] {
  return parts.flatMap(({ cases }) => cases);
}

/** Their kernels are missing in Debian's MIOpen, so each throws. Elsewhere they are ordinary cases. */
const FUSED_WINOGRAD = /ConvBiasActivInfer_FP(32|16)\.ConvBinWinograd\w*Fused\//;

/**
 * Neighbours stay together, because they use the same kernels; parts are small enough that little is lost when one is
 * interrupted, and large enough that starting the program (0.4 s) does not count.
 */
export function plannedParts(names: readonly string[], size: number): Part[] {
  const throwing = names.filter((name) => FUSED_WINOGRAD.test(name));
  const usual = names.filter((name) => !FUSED_WINOGRAD.test(name));
  const cut = (list: readonly string[], stopAtException: boolean): Part[] =>
    Array.from({ length: Math.ceil(list.length / size) }, (_, index) => ({
      names: list.slice(index * size, (index + 1) * size),
      stopAtException,
    }));
  return [...cut(throwing, true), ...cut(usual, false)];
}

/** Each n-th name, as many suites as can be among them. */
export function eachNth(names: readonly string[], every: number): string[] {
  if (!Number.isInteger(every) || every < 1) throw new RangeError(`--every takes a whole number from 1, not ${every}`);
  return names.filter((_, index) => index % every === 0);
}

/** Finished parts in a folder: a run that was interrupted goes on with what is missing. */
export class PartStore {
  readonly #folder: string;
  readonly #state: string;

  /** `state`: digest of all that a result depends on besides the cases (device, toolchain, settings). */
  constructor(folder: string, state: string) {
    this.#folder = folder;
    this.#state = state;
  }

  async find(part: Part): Promise<PartResult | null> {
    const text = await readTextIfThere(this.#path(part));
    return text === null ? null : (JSON.parse(text) as PartResult);
  }

  /** Written aside and renamed: an interrupted run leaves a whole result or none. */
  async keep(part: Part, result: PartResult): Promise<void> {
    await writeWhole(this.#path(part), JSON.stringify(result, null, 1));
  }

  #path(part: Part): string {
    const digest = createHash("sha256")
      .update(JSON.stringify([this.#state, part]))
      .digest("hex");
    return join(this.#folder, `${digest.slice(0, 24)}.json`);
  }
}
