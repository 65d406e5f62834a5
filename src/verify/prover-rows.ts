import type { DeviceEvent } from "../device/events.ts";
import type { Target } from "../rdna1/targets.ts";
import { usesOf } from "./blame.ts";
import type { ProofRow } from "./proofs.ts";
import type { ObjectPlan } from "./prover-plan.ts";
import { faultOf, findingsOf, whyOtherCard } from "./verdict.ts";

/** A line that the prover wrote for a case. */
export type CaseResult =
  | {
      id: number;
      elements: number;
      wrong: number;
      /** Index of the first wrong element, and its bits in hexadecimal */
      first: number;
      expected: string;
      found: string;
    }
  /** A HIP operation failed; `code` is hipError_t */
  | { id: number; call: string; code: number };

/** The whole lines of the prover's output, by the number of the case. */
export function readResults(output: string): Map<number, CaseResult> {
  const results = new Map<number, CaseResult>();
  for (const line of output.split("\n")) {
    if (!line.startsWith("{") || !line.endsWith("}")) continue;
    const result = JSON.parse(line) as CaseResult;
    results.set(result.id, result);
  }
  return results;
}

/** What the rows call each kind of case, and the functions that it runs. */
const KINDS = {
  im2d2col: { family: "im2col 2d", functions: /^Im2d2Col_v2$/, layout: "NCHW", direction: "all" },
  col2im3d: {
    family: "col2im 3d, wide indices",
    functions: /^Col2Im3dU$/,
    layout: "NCDHW",
    direction: "backward-data",
  },
  setTensor: { family: "cleared gradient", functions: /^SubTensorOpWithScalar1d$/, layout: "NCHW", direction: "all" },
  naiveInt8: {
    family: "2d int8",
    functions: /_fwd_n\w+_int8_t_int32_t_int8_t$/,
    layout: "NCHW, NHWC",
    direction: "forward",
  },
} as const;

/**
 * The row of one object. It passes if every case of it came out bit by bit, every launch was executed, and the device
 * saw no fault. `results` are those of its cases, null for one that the prover did not reach.
 */
export function proverRow(
  target: Target,
  plan: ObjectPlan,
  results: readonly (CaseResult | null)[],
  events: readonly DeviceEvent[],
  { seconds, ended }: { seconds: number; ended: string | null },
): ProofRow {
  const own = events.filter((event) => "module" in event && event.module === plan.hash);
  const launches = own.filter((event) => event.event === "launch");
  const first = plan.cases[0];
  if (first === undefined) throw new RangeError(`no case for ${plan.hash}`);
  const kind = KINDS[first.kind];
  const findings = findingsOf(own);
  const reason = whyNot();
  const used = usesOf(launches, new Map([[plan.hash, plan.name]]));
  const types = new Set(plan.cases.map(({ type }) => type));
  return {
    ...{ kind: "numerical", target, command: plan.cases.map(({ text }) => text).join("; ") },
    ...{ operation: "conv", type: first.type, direction: kind.direction },
    ...{ family: kind.family, layout: kind.layout },
    result: reason === null ? "passed" : "failed",
    reason,
    ...(types.size > 1 ? { note: `the same object for ${[...types].join(" and ")}` } : {}),
    solver: null,
    // An object that did not load or was never launched is no less to blame.
    kernels: reason !== null && used.length === 0 ? [{ name: plan.name, hash: plan.hash, functions: [] }] : used,
    keys: plan.keys.length,
    reference: "ours",
    error: reason === null ? 0 : null,
    ...(findings.length === 0 ? {} : { findings }),
    instructions: launches.reduce((sum, { instructions }) => sum + (instructions ?? 0), 0),
    seconds: Math.round(seconds * 1000) / 1000,
  };

  function whyNot(): string | null {
    const other = ended === null ? whyOtherCard(events) : null;
    if (other !== null) return other;
    const fault = faultOf(own);
    for (const [index, result] of results.entries()) {
      const text = plan.cases[index]?.text ?? "";
      if (result === null) return `${ended ?? "the prover said nothing"}, at ${text}`;
      if ("call" in result) return `${fault ?? `${result.call} failed with ${result.code}`}, at ${text}`;
      if (result.wrong > 0) {
        const { wrong, elements, first, expected, found } = result;
        return `${wrong} of ${elements} elements are wrong, the first at ${first} (${found} instead of ${expected}), at ${text}`;
      }
    }
    if (fault !== null) return fault;
    const compiled = events.filter(({ event }) => event === "compile").length;
    if (compiled > 0) return `${compiled} compilations were asked for`;
    const executed = launches.filter((launch) => launch.executed && kind.functions.test(launch.kernel)).length;
    return executed === plan.cases.length ? null : `${executed} of ${plan.cases.length} launches were executed`;
  }
}
