import { type DeviceEvent, openLaunch } from "../device/events.ts";
import { optionsOf } from "../kernels/commands.ts";
import { keyOf } from "../kernels/database.ts";
import { whyFailed } from "../kernels/harvest.ts";
import { suspects, usesOf } from "./blame.ts";
import { largestError, readChecks, whyUnproven } from "./checks.ts";
import type { Observation } from "./observe.ts";
import type { KernelUse } from "./proofs.ts";

/** What a numerical run must have done. */
export interface Expectation {
  args: readonly string[];
  /** Keys (name and options, with target) that must be launched from the set */
  keys: readonly string[];
  /** The solver that must have run, or null */
  solver: string | null;
}

/** Names and md5s of a kernel set. */
export interface KernelNames {
  /** md5 of each key */
  hashes: ReadonlyMap<string, string>;
  /** `kernel_name` of each md5 */
  names: ReadonlyMap<string, string>;
}

export interface Verdict {
  /** Why the run proves nothing, or null */
  reason: string | null;
  /** The watchdog ended the run, and nothing until then speaks against a kernel */
  unfinished: boolean;
  /** What was launched; of a run that failed, what may be the cause */
  kernels: KernelUse[];
  findings: string[];
  instructions: number;
  error: number | null;
}

/**
 * Largest error that passes, by MIOpenDriver's operation. The driver's own limits let a single wrong element of a few
 * hundred through in bf16; these are two to twelve times what the kernels of gfx1010 reach at most [measured on the
 * table: fp32 8e-8, weights 3e-7; fp16 4e-4; bf16 2.3e-3].
 */
const LIMITS: readonly (readonly [operation: RegExp, limit: number])[] = [
  [/^conv$/, 1e-6],
  [/^convfp16$/, 1e-3],
  [/^convbfp16$/, 8e-3],
];

/** Whether a run proves its kernels: compared with the host, executed, from the set by md5, with the solver forced. */
export function judge(observation: Observation, kernels: KernelNames, expected: Expectation): Verdict {
  const { result, events } = observation;
  const checks = readChecks(result.stdout);
  const error = largestError(checks);
  const launches = events.filter((event) => event.event === "launch");
  const findings = findingsOf(events);
  const notOurs = whyNotOurs(observation, kernels, launches);
  const broken = notOurs ?? faultOf(events) ?? refusalOf(events);
  const reason = whyNot();
  return {
    // What the device saw often tells why.
    reason: reason === null || findings[0] === undefined ? reason : `${reason}; ${findings[0]}`,
    unfinished: result.timedOut && broken === null && checks.every(({ passed }) => passed),
    // A run without the device, or with a set that lacks something, says nothing against what it did not launch.
    kernels:
      reason === null || notOurs !== null ? usesOf(launches, kernels.names) : suspects(observation, kernels, expected),
    findings,
    instructions: launches.reduce((sum, launch) => sum + (launch.instructions ?? 0), 0),
    error,
  };

  function whyNot(): string | null {
    return (
      broken ??
      (result.timedOut || result.signal !== null ? whyEnded(observation) : null) ??
      // MIOpenDriver compares all the same, and what differs then is memory that nothing was written to
      (launches.length === 0 ? observation.log.errors.find((line) => !/\bFAILED\b/.test(line)) : null) ??
      whyUnproven(expected.args, checks) ??
      whyFailed(result, observation.log) ??
      whyInaccurate(expected.args, error) ??
      whyOther(observation, kernels, expected, launches)
    );
  }
}

type Launch = Extract<DeviceEvent, { event: "launch" }>;

/** Why a run was ended from outside, and on a card in which kernel and with what last words. */
function whyEnded({ result, log, events }: Observation): string | null {
  const running = openLaunch(events);
  const where = running !== null ? ` in ${short(running.kernel)} (${running.module || "rocBLAS"})` : "";
  const words = cardFault(`${result.stdout}\n${result.stderr}`);
  return `${whyFailed(result, log)}${where}${words === null ? "" : `: ${words}`}`;
}

/** What the HSA runtime says before it ends a process whose card failed [ROCR-Runtime, runtime.cpp VMFaultHandler, HwExceptionHandler]. */
export function cardFault(output: string): string | null {
  return (
    /^.*(?:Memory access fault by GPU|HW Exception by GPU|HSA_STATUS_ERROR_\w+).*$/m.exec(output)?.[0].trim() ?? null
  );
}

/** Kernels that were not from the set. */
function whyNotOurs({ log, events }: Observation, { hashes, names }: KernelNames, launches: Launch[]): string | null {
  const start = events.find((event) => event.event === "start");
  if (start === undefined) return "the device was not loaded";
  const other = whyOtherCard(events);
  if (other !== null) return other;
  const missing = log.misses[0] ?? log.requests.find((request) => !hashes.has(keyOf(request)));
  if (missing !== undefined) return `the set lacks ${keyOf(missing)}`;
  const compiled = events.filter(({ event }) => event === "compile").length;
  if (compiled > 0) return `${compiled} compilations were asked for`;
  // rocBLAS names its kernels Cijk_… (Tensile) or mangled; MIOpen's come from its kernel database.
  const foreign = launches.find(({ module, kernel }) => !names.has(module) && !/^(Cijk_|_Z)/.test(kernel));
  return foreign === undefined ? null : `${foreign.kernel} was launched from an object that is not in the set`;
}

/** Why a run on a card says nothing of the target, or null: it must have said which card it is. */
export function whyOtherCard(events: readonly DeviceEvent[]): string | null {
  const start = events.find((event) => event.event === "start");
  if (start?.device !== "card") return null;
  const card = events.find((event) => event.event === "card");
  if (card === undefined) return "no card answered";
  const is = card.architecture.split(":")[0];
  return is === start.target ? null : `it ran on ${card.name}, which is ${card.architecture} and not ${start.target}`;
}

/** The first thing that a kernel must not do. */
export function faultOf(events: readonly DeviceEvent[]): string | null {
  const fault = events.find((event) => event.event === "fault");
  if (fault === undefined) return null;
  return `${short(fault.kernel)}: ${fault.problem} (${fault.instruction} at ${fault.address})`;
}

/** The first kernel that was not loaded or not launched: MIOpenDriver compares all the same, and says that results differ. */
function refusalOf(events: readonly DeviceEvent[]): string | null {
  const refused = events.find((event) => event.event === "error" && /Launch|hipModule/.test(event.call));
  return refused?.event === "error" ? `${refused.call}: ${refused.message}` : null;
}

/** A kernel's name, or the beginning of one of rocBLAS's, which have some 700 letters. */
function short(kernel: string): string {
  return kernel.length > 60 ? `${kernel.slice(0, 60)}…` : kernel;
}

/** Doubtful things, each once, by kernel. */
export function findingsOf(events: readonly DeviceEvent[]): string[] {
  const findings = events.flatMap((event) =>
    event.event === "finding"
      ? [`${event.kind}: ${short(event.kernel)}: ${event.instruction} at ${event.address}`]
      : [],
  );
  return [...new Set(findings)];
}

/** Why an error that the driver accepts is too large, or null. */
function whyInaccurate(args: readonly string[], error: number | null): string | null {
  const limit = LIMITS.find(([operation]) => operation.test(args[0] ?? ""))?.[1];
  if (limit === undefined) return null;
  if (error === null) return "MIOpenDriver printed no error";
  // Weight gradients sum over the whole batch and image: twice the error [driver/conv_driver.hpp VerifyBackward].
  const allowed = optionsOf(args).get("F") === "4" ? 2 * limit : limit;
  return error > allowed ? `the error is ${error}, more than ${allowed}, although MIOpenDriver accepts it` : null;
}

/** Another solver or another kernel than the row is for. */
function whyOther(
  { log, events }: Observation,
  { hashes }: KernelNames,
  { keys, solver }: Expectation,
  launches: readonly Launch[],
): string | null {
  if (launches.length === 0) return "no kernel was launched";
  const idle = launches.find(({ executed }) => !executed);
  if (idle !== undefined) return `${idle.kernel} was launched, but not executed`;
  const refused = events.find((event) => event.event === "error");
  if (refused !== undefined) return `${refused.call}: ${refused.message}`;
  const other = solver === null ? undefined : log.solvers.find((name) => name !== solver);
  if (other !== undefined) return `${other} ran instead of ${solver}`;
  if (solver !== null && log.solvers.length === 0) return `nothing shows that ${solver} ran`;
  const modules = new Set(launches.map(({ module }) => module));
  const unused = keys.find((key) => !modules.has(hashes.get(key) ?? ""));
  return unused === undefined ? null : `${unused} was not launched`;
}
