import { optionsOf } from "../kernels/commands.ts";

/** One comparison that MIOpenDriver made with `-V 1`. */
export interface Check {
  /** e.g. `Forward Convolution`, as the driver names it */
  what: string;
  passed: boolean;
  reference: "CPU" | "GPU";
  /** Root mean square of the differences over the largest value [MIOpen test/verify.hpp rms_range], where it is printed */
  error: number | null;
}

/**
 * `… Verifies OK on CPU reference (0 < 1.5e-06)`, `… Verifies on CPU and GPU (err=0.000000)`, and the same bare [driver,
 * every *_driver.hpp]. "CPU and GPU" means that the results of the card were compared with the host's.
 */
const AGREES =
  /^(.+?) verifies(?: OK)? on (CPU and GPU|CPU reference|GPU reference|CPU)\b\.?(?: \((?:err=)?([^\s,<)]+))?/i;
/** The parts of batch normalisation, which are followed by a line for the whole. */
const PART = /^(.+?) verification passed on (.+?) \((.+)\)$/;
const DIFFERS = /^(.+?)(?: verification)? FAILED\b(?: on [\w ]+)?:?\s*([-+.\w]*)/;

/** How activation and tensor operations say it, and whose comparison it is [activ_driver.hpp, tensorop_driver.hpp]. */
const DIFFERENCE = /^Difference in (neuron layer|neuron back-propagation|Tensor Op result):/;
const COMPARED: Readonly<Record<string, string>> = {
  "neuron layer": "Forward Activation",
  "neuron back-propagation": "Backward Activation",
  "Tensor Op result": "Tensor Op",
};

/** The comparisons that a run printed. */
export function readChecks(output: string): Check[] {
  return output.split("\n").flatMap((line): Check[] => {
    const [, what, where = "", error] = AGREES.exec(line) ?? [];
    if (what !== undefined) {
      const reference = where.startsWith("CPU") ? "CPU" : "GPU";
      return [{ what, passed: true, reference, error: numberOrNull(error) }];
    }
    const [, whole, part, partError] = PART.exec(line) ?? [];
    if (whole !== undefined) {
      return [{ what: `${whole} ${part}`, passed: true, reference: "CPU", error: numberOrNull(partError) }];
    }
    const compared = COMPARED[DIFFERENCE.exec(line)?.[1] ?? ""];
    if (compared !== undefined) return [{ what: compared, passed: false, reference: "CPU", error: null }];
    const [, failed, failedError] = /^[A-Z]\w*\(/.test(line) ? [] : (DIFFERS.exec(line) ?? []);
    if (failed === undefined) return [];
    return [{ what: failed, passed: false, reference: "CPU", error: numberOrNull(failedError) }];
  });
}

function numberOrNull(text: string | undefined): number | null {
  const value = Number.parseFloat(text ?? "");
  return Number.isNaN(value) ? null : value;
}

/** What the driver calls the comparison of each direction. `null`: it makes none. */
const NAMES: Readonly<Record<string, { forward: string | null; backward: string | null }>> = {
  pool: { forward: "Forward Pooling", backward: "Backward Pooling" },
  activ: { forward: "Forward Activation", backward: "Backward Activation" },
  softmax: { forward: "Forward Softmax", backward: "Backward Softmax" },
  lrn: { forward: "Forward LRN", backward: "Backward LRN" },
  dropout: { forward: "Forward Dropout", backward: "Backward Dropout" },
  layernorm: { forward: "Forward LayerNorm", backward: "Backward LayerNorm" },
  groupnorm: { forward: "Forward GroupNorm", backward: null },
  bnorm: { forward: "Forward Batch Norm", backward: "Backwards Prop Batch Norm" },
  tensorop: { forward: "Tensor Op", backward: null },
  gemm: { forward: "Forward GEMM", backward: null },
  cat: { forward: "Forward Cat", backward: null },
  CBAInfer: { forward: "Forward Activation", backward: null },
  CAInfer: { forward: "Forward Activation", backward: null },
};

/**
 * The comparisons that must be among those of a command, by name; a string when the driver compares nothing of what
 * the command does. Which directions a run has is the driver's own rule [driver/main.cpp; conv_driver.hpp].
 */
export function expectedChecks(args: readonly string[]): readonly string[] | string {
  const operation = (args[0] ?? "").replace(/(bfp16fp32|fp16fp32|bfp16|fp16|int8)$/, "");
  const options = optionsOf(args);
  const forw = Number(options.get("F") ?? 0);
  if (operation === "conv") return convChecks(forw, options, args[0] ?? "");
  const names = NAMES[operation];
  if (names === undefined) return `MIOpenDriver's output for ${operation} is not known to this program`;
  const always = /^C?B?AInfer/.test(operation) || operation === "tensorop";
  const forward = always || forw % 2 === 1 || forw === 0 || (operation === "bnorm" && forw === 2);
  const expected =
    operation === "bnorm" ? bnormDirections(forw, options) : { forward, backward: !always && forw !== 1 };
  const checks: string[] = [];
  for (const direction of ["forward", "backward"] as const) {
    if (!expected[direction]) continue;
    const name = names[direction];
    if (name === null) return `MIOpenDriver does not compare the ${direction} pass of ${operation}`;
    checks.push(name);
  }
  return checks;
}

/** Bits of `-F`: 1 forward, 2 backward data, 4 backward weights; 0 all. Bias has a comparison of its own going back. */
function convChecks(forw: number, options: ReadonlyMap<string, string>, operation: string): readonly string[] | string {
  const has = (bit: number) => forw === 0 || (forw & bit) !== 0;
  if (operation.endsWith("int8")) {
    return "MIOpenDriver takes the bytes of int8 results for 32-bit numbers, so its comparison says nothing";
  }
  return [
    ...(has(1) ? ["Forward Convolution"] : []),
    ...(has(2) ? ["Backward Convolution Data"] : []),
    ...(has(4) ? ["Backward Convolution Weights"] : []),
    ...((has(2) || has(4)) && (options.get("b") ?? "0") !== "0" ? ["Backward Convolution Bias"] : []),
  ];
}

/** `-b 1` switches forward off; `-F 1` trains, `-F 2` infers [driver/bn_driver.hpp SetBNParametersFromCmdLineArgs]. */
function bnormDirections(forw: number, options: ReadonlyMap<string, string>): { forward: boolean; backward: boolean } {
  const back = (options.get("b") ?? "0") === "1";
  return { forward: forw !== 0 || !back, backward: back };
}

/** Why the comparisons do not prove the command, or null: each expected one is there, all agree, all with the host. */
export function whyUnproven(args: readonly string[], checks: readonly Check[]): string | null {
  const expected = expectedChecks(args);
  if (typeof expected === "string") return expected;
  const differs = checks.find(({ passed }) => !passed);
  if (differs !== undefined) {
    return `${differs.what} differs from the CPU reference${differs.error === null ? "" : ` (error ${differs.error})`}`;
  }
  const onCard = checks.find(({ reference }) => reference === "GPU");
  if (onCard !== undefined) return `${onCard.what} was compared with the device's own reference, not the host's`;
  const missing = expected.find((name) => !checks.some(({ what }) => what === name));
  return missing === undefined ? null : `MIOpenDriver said nothing about ${missing}`;
}

/** The largest error that was printed, or null when there was none. */
export function largestError(checks: readonly Check[]): number | null {
  const errors = checks.flatMap(({ error }) => (error === null ? [] : [error]));
  return errors.length === 0 ? null : Math.max(...errors);
}
