/** Fields of every event. */
interface Common {
  pid: number;
  /** Milliseconds since the Unix epoch. */
  ms: number;
}

/** A line of the device's event log. Pointers are hexadecimal strings, hashes MD5 (as kernel_hash of a kernel database). */
export type DeviceEvent =
  | (Common & {
      event: "start";
      target: string;
      /** Of a witness before a card's runtime */
      device?: "card";
      /** Absent on a card, which says so later (`card`) */
      wgps?: number;
      memory?: number;
      compile: string;
      program: string;
    })
  | (Common & {
      /** The card that answers, before the first thing that it is given. The virtual device has no such event. */
      event: "card";
      name: string;
      /** gcnArchName, e.g. `gfx1010:xnack-` */
      architecture: string;
      wgps: number;
      memory: number;
    })
  | (Common & {
      /** A launch that begins, on a card only: the last one without its `launch` is where a card hangs. */
      event: "launching";
      kernel: string;
      /** MD5 of the module. */
      module: string;
    })
  | (Common & {
      event: "alloc";
      api: string;
      kind: "device" | "host";
      pointer: string;
      bytes: number;
      /** hipHostMalloc flags */
      flags: number;
    })
  | (Common & { event: "free"; api: string; pointer: string; bytes: number })
  | (Common & {
      event: "module";
      source: string;
      accepted: boolean;
      md5: string;
      bytes: number;
      /** ELF e_flags; absent when the object could not be read. */
      flags?: number;
      /** Code-object version. */
      version?: number;
      kernels?: number;
      problem?: string;
    })
  | (Common & { event: "unload"; md5: string })
  | (Common & { event: "function"; module: string; name: string; found: boolean })
  | (Common & {
      event: "launch";
      api: string;
      kernel: string;
      /** MD5 of the module. */
      module: string;
      /** Work-items. */
      grid: [number, number, number];
      block: [number, number, number];
      /** LDS bytes of a work-group; on a card without the static ones. */
      lds: number;
      /** Here and below what is optional is known of the virtual device only */
      argumentBytes?: number;
      /** Bytes at the end that the caller left out; zero on the device. */
      missingArgumentBytes?: number;
      /** The first 256 bytes of the explicit arguments, hexadecimal. */
      arguments?: string;
      executed: boolean;
      /** Wave-instructions executed */
      instructions?: number;
      /** Wall-clock time of the launch, its wait included; on the virtual device it tells of the simulator's speed */
      milliseconds: number;
    })
  | (Common & {
      /** A kernel did what a card must not do; its launch failed with hipErrorLaunchFailure. */
      event: "fault";
      kernel: string;
      /** MD5 of the module. */
      module: string;
      problem: string;
      /** Of the instruction, from the start of the module. */
      address: string;
      /** Its text. */
      instruction: string;
    })
  | (Common & {
      /** A kernel did what a card lets pass and its author cannot have meant; the launch went on. */
      event: "finding";
      /** e.g. `uninitialised`, `hazard` */
      kind: string;
      kernel: string;
      module: string;
      problem: string;
      address: string;
      instruction: string;
    })
  | (Common & {
      event: "compile";
      api: "hiprtc" | "comgr" | "process";
      program: string;
      action?: string;
      options: string[];
      milliseconds: number;
      result: "success" | "failure" | "refused";
      status: number;
    })
  | (Common & { event: "error"; call: string; code: number; name: string; message: string })
  | (Common & { event: "unsupported"; call: string })
  | (Common & { event: "end"; launches: number; compiles: number; liveAllocations: number; liveBytes: number });

/** The launch on a card that began and has not ended, or null: where it hangs, or what brought it down. */
export function openLaunch(events: readonly DeviceEvent[]): Extract<DeviceEvent, { event: "launching" }> | null {
  const last = events.findLast((event) => event.event === "launching" || event.event === "launch");
  return last?.event === "launching" ? last : null;
}

/**
 * Reads an event log. A last line without its newline is left out: its writer is still at it or was killed.
 * Throws a SyntaxError that names the line for anything else that is no event.
 */
export function parseEvents(text: string): DeviceEvent[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line, index) => {
    try {
      const value = JSON.parse(line) as DeviceEvent;
      if (typeof value.event !== "string" || typeof value.pid !== "number") throw new SyntaxError("no event");
      return value;
    } catch (error) {
      throw new SyntaxError(`line ${index + 1} of the event log is no event: ${line.slice(0, 80)}`, { cause: error });
    }
  });
}
