import { TARGETS, type Target } from "../rdna1/targets.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

/** What the virtual device lets a library compile at run time. */
export type CompileMode = "allow" | "refuse" | "count";

/** One virtual card. */
export interface DeviceOptions {
  target: Target;
  /** Work-group processors, 1 to 64; default: the largest card of the target. */
  wgps?: number;
  /** Device memory in bytes, up to 4 TiB; default 8 GiB. Pages are taken from the host only when they are written. */
  memoryBytes?: number;
  compile: CompileMode;
  /** Whether launches run their kernels; else memory keeps what was in it. */
  execute: boolean;
  /** Threads that one process executes work-groups with; default 1. */
  jobs?: number;
  /** Whether findings (events.ts) are faults, and reading a register that was never written is a finding. */
  strict?: boolean;
  /** Which wave of a work-group runs first; default ascending. Where the other order gives another result, waves race. */
  waves?: "ascending" | "descending";
  /** File that events are appended to (JSON lines, see events.ts); several processes may share it. */
  eventLog: string | null;
}

const DEFAULT_MEMORY = 8 * 2 ** 30;

/** What programs run on: the virtual device, or a card with a witness before it (src/card). */
export interface HipDevice {
  /** Shared libraries that a program loads first */
  preload: readonly string[];
  /** Variables that tell these what to do */
  environment(options: DeviceOptions): Record<string, string>;
}

/** The virtual device of a built library. */
export function virtualDevice(library: string): HipDevice {
  return { preload: [library], environment: deviceEnvironment };
}

/** The environment variables that tell the preloaded library what to be. Nothing else may start with RDNA1_DEVICE_. */
export function deviceEnvironment(options: DeviceOptions): Record<string, string> {
  const wgps = options.wgps ?? TARGETS[options.target].wgps[0];
  return {
    RDNA1_DEVICE_TARGET: options.target,
    RDNA1_DEVICE_WGPS: String(wgps),
    RDNA1_DEVICE_MEMORY: String(options.memoryBytes ?? DEFAULT_MEMORY),
    RDNA1_DEVICE_COMPILE: options.compile,
    RDNA1_DEVICE_EXECUTE: options.execute ? "on" : "off",
    ...(options.execute ? { RDNA1_DEVICE_JOBS: String(options.jobs ?? 1) } : {}),
    ...(options.strict === true ? { RDNA1_DEVICE_STRICT: "1" } : {}),
    ...(options.waves === "descending" ? { RDNA1_DEVICE_WAVES: "descending" } : {}),
    ...(options.eventLog === null ? {} : { RDNA1_DEVICE_LOG: options.eventLog }),
  };
}

/**
 * What run-time compilation needs besides: kernels that include <hip/…> or <rocrand/…> look in /usr/include, which in
 * an unpacked tree lies elsewhere. Clang reads this variable after the kernel's own -I options, so keys stay the same.
 */
export function compileEnvironment(toolchain: Toolchain): Record<string, string> {
  return toolchain.paths.loader === null ? {} : { CPLUS_INCLUDE_PATH: toolchain.paths.include };
}
