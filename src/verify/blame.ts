import { type DeviceEvent, openLaunch } from "../device/events.ts";
import { keyOf } from "../kernels/database.ts";
import { expectedChecks, readChecks } from "./checks.ts";
import type { Observation } from "./observe.ts";
import type { KernelUse } from "./proofs.ts";
import type { Expectation, KernelNames } from "./verdict.ts";

/**
 * Objects of the set that may be why a run failed. A launch is logged when it is over, so one that was refused, or that
 * brought the run down, is not among the launches: what the run is for and what it asked for counts like what it launched.
 * Where one object ended the run for certain, only it and what was launched afterwards may be the cause.
 */
export function suspects(observation: Observation, kernels: KernelNames, expected: Expectation): KernelUse[] {
  const asked = [...expected.keys, ...observation.log.requests.map(keyOf)];
  const launched = usesOf(observation.events.filter(isLaunch), kernels.names);
  const seen = new Set(launched.map(({ hash }) => hash));
  const unseen = new Set(asked.flatMap((key) => kernels.hashes.get(key) ?? []).filter((hash) => !seen.has(hash)));
  const all = [
    ...launched,
    ...[...unseen].map((hash): KernelUse => ({ name: kernels.names.get(hash) ?? "", hash, functions: [] })),
  ];
  const certain = certainly(observation, kernels, expected);
  const few = all.filter(({ hash }) => certain.has(hash));
  return few.length === 0 ? all : few;
}

/** The set's objects among the launches, each once, with the functions that ran to their end. */
export function usesOf(launches: readonly Launch[], names: ReadonlyMap<string, string>): KernelUse[] {
  const functions = new Map<string, Set<string>>();
  for (const { module, kernel, executed } of launches) {
    if (!names.has(module)) continue;
    const set = functions.get(module) ?? new Set();
    functions.set(module, executed ? set.add(kernel) : set);
  }
  return [...functions].map(([hash, set]) => ({ name: names.get(hash) ?? "", hash, functions: [...set].sort() }));
}

type Launch = Extract<DeviceEvent, { event: "launch" }>;

function isLaunch(event: DeviceEvent): event is Launch {
  return event.event === "launch";
}

/** Objects to which the failure can be narrowed; none where it cannot: of several comparisons another may have failed too. */
function certainly(observation: Observation, kernels: KernelNames, expected: Expectation): Set<string> {
  const { events } = observation;
  const running = openLaunch(events);
  if (running !== null && kernels.names.has(running.module)) return new Set([running.module]);
  if (expectedChecks(expected.args).length !== 1) return new Set();
  const stop = events.findIndex((event) => stopping(event, events).length > 0);
  if (stop === -1) return pending(observation, kernels, expected);
  const own = stopping(events[stop] as DeviceEvent, events).filter((hash) => kernels.names.has(hash));
  const later = events.slice(stop).filter(isLaunch);
  return new Set(own.length === 0 ? [] : [...own, ...later.map(({ module }) => module)]);
}

/** Objects that an event shows to have ended a run: not loaded, not launched, or not executed to the end. */
function stopping(event: DeviceEvent, events: readonly DeviceEvent[]): string[] {
  if (event.event === "fault") return [event.module];
  if (event.event === "module") return event.accepted ? [] : [event.md5];
  if (event.event !== "error" || !event.call.includes("Launch")) return [];
  // The device says `<function>: <why>` [launch_api.cpp]; what the function belongs to was logged when it was looked up.
  const name = event.message.split(": ", 1)[0];
  return events.flatMap((one) => (one.event === "function" && one.name === name ? [one.module] : []));
}

/**
 * Objects that a run was still to launch when it was ended: each kernel of a predicted run has ended before the next one
 * begins. None where the launches themselves took most of the time, or where results were there to be compared.
 */
function pending({ result, events }: Observation, { hashes }: KernelNames, { keys }: Expectation): Set<string> {
  if ((!result.timedOut && result.signal === null) || readChecks(result.stdout).length > 0) return new Set();
  const launches = events.filter(isLaunch);
  const spent = launches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  if (launches.some(({ executed }) => !executed) || spent > result.seconds * 500) return new Set();
  const modules = new Set(launches.map(({ module }) => module));
  return new Set(keys.flatMap((key) => hashes.get(key) ?? []).filter((hash) => !modules.has(hash)));
}
