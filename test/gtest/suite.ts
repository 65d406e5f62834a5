import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compileEnvironment, deviceEnvironment } from "../../src/device/device.ts";
import { type DeviceEvent, parseEvents } from "../../src/device/events.ts";
import type { Command, ExecResult } from "../../src/ports/exec.ts";
import { readTextIfThere, sha256, sha256File } from "../../src/ports/files.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { cachedDevice } from "../device/sim/harness.ts";
import { exec } from "../device/support.ts";
import type { Executed } from "../miopen/patched.ts";
import { type CaseResult, isBad, listedCases, readCases } from "./cases.ts";
import { ALONE, RACES, whyKnown } from "./known.ts";
import type { Part, PartResult } from "./parts.ts";

/** Seconds of user time in one process: a case that hangs ends, however slow the machine is. */
const CPU_LIMIT = 3600;
/** Milliseconds for one process; only for what hangs without using the processor. */
const WATCHDOG = 4 * 3_600_000;

type WaveOrder = "ascending" | "descending";

/** A test program and what it runs with. */
export interface Tested {
  toolchain: Toolchain;
  /** `miopen_gtest` */
  program: string;
  /** Environment variables of MIOpen */
  settings: Readonly<Record<string, string>>;
}

/** The tests that a toolchain brings for its own MIOpen, or in words why it has none. */
export function testsOf(toolchain: Toolchain): Tested | string {
  if (toolchain.paths.miopenDriver === null) return "the toolchain has no MIOpen tests";
  const program = join(dirname(toolchain.paths.miopenDriver), "miopen_gtest");
  return { toolchain, program, settings: NO_WINOGRAD };
}

/** MIOpen's own test program (`miopen_gtest`) of a toolchain, on the virtual device. */
export class Suite {
  readonly #toolchain: Toolchain;
  readonly #program: string;
  readonly #card: Executed;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #device: string;
  readonly #folder: string;
  /** Digest of what results depend on. */
  readonly state: string;

  private constructor(tested: Tested, card: Executed, device: string, folder: string, state: string) {
    this.#toolchain = tested.toolchain;
    this.#program = tested.program;
    this.#settings = tested.settings;
    this.#card = card;
    this.#device = device;
    this.#folder = folder;
    this.state = state;
  }

  /** `folder` holds compiled kernels and databases; the next run finds them there. */
  static async open(tested: Tested, card: Executed, folder: string): Promise<Suite> {
    const { toolchain, program, settings } = tested;
    const device = await cachedDevice(toolchain);
    const parts = [toolchain.digest, await sha256File(device), await sha256File(program), card, settings];
    return new Suite(tested, card, device, folder, sha256(JSON.stringify(parts)));
  }

  /** Names of the enabled cases that a GoogleTest filter takes. */
  async list(filter: string): Promise<string[]> {
    const home = join(this.#folder, "worker-0");
    const result = await exec.run(
      this.#command(home, ["--gtest_list_tests", `--gtest_filter=${filter}`], "ascending", null),
    );
    const names = listedCases(result.stdout);
    if (names.length === 0)
      throw new Error(`no case matches ${filter} (${how(result)})\n${result.stderr.slice(-2000)}`);
    return names;
  }

  /**
   * Runs a part, and again what is behind a case that crashed, until each has a result. What fails without an explanation
   * runs once more in a process of its own, and then with the waves of a work-group in the other order. Workers may run at
   * the same time.
   */
  async run(part: Part, worker: number): Promise<PartResult> {
    const home = join(this.#folder, `worker-${worker}`);
    const total: PartResult = { cases: [], seconds: 0, cpuSeconds: 0, troubles: {} };
    await this.#all(part, home, "ascending", total);
    const again: PartResult = { cases: [], seconds: 0, cpuSeconds: 0, troubles: {} };
    const passes = async (one: CaseResult, waves: WaveOrder) => {
      const found = await this.#once({ ...part, names: [one.name] }, home, waves, again);
      return found.every(({ outcome }) => outcome === "passed");
    };
    for (const one of total.cases.filter((one) => isBad(one) && whyKnown(one) === null)) {
      if (await passes(one, "ascending")) one.text += `\n${ALONE}`;
      else if (await passes(one, "descending")) one.text += `\n${RACES}`;
    }
    return {
      ...total,
      seconds: total.seconds + again.seconds,
      cpuSeconds: total.cpuSeconds + again.cpuSeconds,
    };
  }

  async #all(part: Part, home: string, waves: WaveOrder, total: PartResult): Promise<void> {
    for (let rest = part.names; rest.length > 0; ) {
      const found = await this.#once({ ...part, names: rest }, home, waves, total);
      const seen = new Set(found.map(({ name }) => name));
      total.cases.push(...found);
      rest = rest.filter((name) => !seen.has(name));
    }
  }

  /** Results of those cases that one process came to; at least one. */
  async #once({ names, stopAtException }: Part, home: string, waves: WaveOrder, total: PartResult) {
    const flags = join(home, "flags");
    const events = join(home, "events.jsonl");
    await mkdir(home, { recursive: true });
    await writeFile(flags, `--gtest_filter=${names.join(":")}\n--gtest_catch_exceptions=${stopAtException ? 0 : 1}\n`);
    await rm(events, { force: true });
    await lastWords();
    const command = measured(this.#command(home, [`--gtest_flagfile=${flags}`], waves, events));
    const result = await exec.run(command, { timeoutMs: WATCHDOG, keep: 1 << 28 });
    total.seconds += result.seconds;
    total.cpuSeconds += childSeconds(result.stdout);
    for (const event of parseEvents((await readTextIfThere(events)) ?? "")) {
      const words = trouble(event);
      if (words !== null) total.troubles[words] = (total.troubles[words] ?? 0) + 1;
    }
    const captured = await lastWords();
    const found = readCases(result.stdout).map((one) => ended(one, result, captured));
    if (found.length > 0) return found;
    const text = `no case began; ${how(result)}\n${result.stdout.slice(-2000)}`;
    return [{ name: names[0] ?? "", outcome: "crashed", seconds: 0, text }] satisfies CaseResult[];
  }

  #command(home: string, args: string[], waves: WaveOrder, eventLog: string | null): Command {
    return programCommand(this.#toolchain, this.#program, args, {
      preload: [this.#device],
      env: {
        ...this.#settings,
        ...KEEPING_MEMORY,
        HOME: home,
        TMPDIR: tmpdir(),
        MIOPEN_USER_DB_PATH: join(home, "databases"),
        // Compiled kernels are shared by the workers: SQLite keeps their writes apart, as for a user's processes.
        MIOPEN_CUSTOM_CACHE_DIR: join(this.#folder, "kernels"),
        MIOPEN_SYSTEM_DB_PATH: join(home, "system"),
        ROCBLAS_TENSILE_LIBPATH: this.#toolchain.paths.rocblasLibrary ?? "",
        ...compileEnvironment(this.#toolchain),
        ...deviceEnvironment({
          target: "gfx1010",
          compile: "allow",
          execute: true,
          jobs: 1,
          waves,
          eventLog,
        }),
        RDNA1_DEVICE_TARGET: this.#card,
        // The machine may have a card of its own, which a patched MIOpen would recognise.
        MIOPEN_RDNA1_PCI_ROOT: join(this.#folder, "none"),
        MIOPEN_RDNA1_KFD_ROOT: join(this.#folder, "none"),
      },
    });
  }
}

/** Debian's MIOpen has no Winograd sources, and one that cannot be loaded ends every Find (docs/gtest.md). */
const NO_WINOGRAD = { MIOPEN_DEBUG_CONV_WINOGRAD: "0" };

/**
 * glibc gives large blocks back to the kernel, which clears each page anew: 40 % of the time of large batch norm. Here freed
 * memory is kept up to 16 GB.
 */
const KEEPING_MEMORY = { GLIBC_TUNABLES: "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184" };

/** Standard output and error in one, in order; at the end the shell's `times`. */
function measured(command: Command): Command {
  const script = `ulimit -c 0; ulimit -S -t ${CPU_LIMIT}; "$0" "$@" 2>&1; code=$?; echo; times; exit $code`;
  return { ...command, file: "/bin/sh", args: ["-c", script, command.file, ...command.args] };
}

/** User and system time of the shell's children, from the last line that `times` prints. */
export function childSeconds(output: string): number {
  const [, userMinutes = 0, user = 0, systemMinutes = 0, system = 0] =
    /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(output.slice(-200)) ?? [];
  return 60 * (Number(userMinutes) + Number(systemMinutes)) + Number(user) + Number(system);
}

/**
 * Why GoogleTest has ended programs, as they left it behind: what it captures lies in /tmp, wherever TMPDIR points, and stays
 * when it ends the process. Taken away, so that the next one finds its own.
 */
async function lastWords(): Promise<string> {
  const texts: string[] = [];
  for (const name of await readdir("/tmp")) {
    if (!name.startsWith("gtest_captured_stream.")) continue;
    const file = join("/tmp", name);
    const text = await readTextIfThere(file).catch(() => null);
    if (!text?.includes("[ FATAL ]")) continue;
    await rm(file, { force: true });
    texts.push(text.trim());
  }
  return texts.join("\n");
}

/** A crash with what ended the program; an exception that was let through is the case's failure. */
export function ended(one: CaseResult, result: ExecResult, captured = ""): CaseResult {
  if (one.outcome !== "crashed") return one;
  const thrown = one.text.includes("terminate called after throwing an instance of");
  return { ...one, outcome: thrown ? "failed" : "crashed", text: `${one.text}\n${captured}\n${how(result)}` };
}

function how({ code, signal, timedOut }: ExecResult): string {
  if (timedOut) return "the watchdog ended the program";
  if (signal !== null) return `the program was ended by ${signal}`;
  const byShell = Object.entries(constants.signals).find(([, number]) => number + 128 === code);
  return byShell === undefined ? `the program ended with ${code}` : `the program was ended by ${byShell[0]}`;
}

/** What of an event calls for an explanation, without numbers that differ from case to case; null for the others. */
export function trouble(event: DeviceEvent): string | null {
  const plain = (text: string) => text.replace(/0x[0-9a-f]+|\d+/g, "#");
  if (event.event === "unsupported") return `unsupported: ${event.call}`;
  if (event.event === "fault") return `fault: ${event.kernel}: ${plain(event.problem)}`;
  if (event.event === "finding") return `finding: ${event.kernel}: ${event.kind}: ${plain(event.problem)}`;
  return null;
}
