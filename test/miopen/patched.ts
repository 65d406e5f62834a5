import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cacheRoot } from "../../src/cache/root.ts";
import { compileEnvironment } from "../../src/device/device.ts";
import { type DeviceEvent, parseEvents } from "../../src/device/events.ts";
import { makeRocblasOverlay } from "../../src/device/rocblas-overlay.ts";
import { exists } from "../../src/ports/files.ts";
import { TARGETS } from "../../src/rdna1/targets.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { cachedDevice } from "../device/sim/harness.ts";
import { exec, hostCompiler, must, toolchainUnderTest } from "../device/support.ts";
import { patchedInCache } from "./patched-in-cache.ts";

/** What the virtual device executes: the targets and, as a control, one of the next generation. */
export const EXECUTED = ["gfx1010", "gfx1011", "gfx1012", "gfx1030"] as const;
export type Executed = (typeof EXECUTED)[number];

export function isExecuted(name: string): name is Executed {
  return (EXECUTED as readonly string[]).includes(name);
}

/** These, and a control that never executes. */
export type Card = Executed | "gfx906";

/** [LLVM AMDGPUUsage, EF_AMDGPU_MACH] */
const GFX906 = { target: "gfx906", mach: 0x2f };

/** What one MIOpenDriver run is to be, besides its command. */
export interface RunOptions {
  card?: Card;
  /** Whether kernels run; default: no */
  execute?: boolean;
  compile?: "allow" | "refuse" | "count";
  /** Name of the folder with the user's databases and cache, shared by runs that name the same; default: a new one */
  home?: string;
  /** Whether the kernel cache lies with the user's databases, as by default; else all runs share one */
  ownCache?: boolean;
  memoryBytes?: number;
  env?: Readonly<Record<string, string>>;
}

export interface Run {
  code: number | null;
  /** Both streams */
  output: string;
  events: DeviceEvent[];
  home: string;
}

/** A library with its MIOpenDriver, run on the virtual device with databases of its own. */
export class PatchedMiopen {
  readonly folder: string;
  readonly #library: string;
  readonly #driver: string;
  readonly #toolchain: Toolchain;
  readonly #device: string;
  #runs = 0;

  private constructor(prefix: string | null, toolchain: Toolchain, device: string, folder: string) {
    const { miopen, miopenDriver } = toolchain.paths;
    this.#library = prefix === null ? (miopen ?? "") : join(prefix, "lib/libMIOpen.so.1");
    this.#driver = prefix === null ? (miopenDriver ?? "") : join(prefix, "bin/MIOpenDriver");
    this.#toolchain = toolchain;
    this.#device = device;
    this.folder = folder;
  }

  /** `prefix` null: the toolchain's own MIOpen, which has no patches of ours. */
  static async start({ prefix, toolchain }: { prefix: string | null; toolchain: Toolchain }): Promise<PatchedMiopen> {
    const folder = await mkdtemp(join(tmpdir(), "rdna1-patched-test-"));
    await mkdir(join(folder, "databases"));
    return new PatchedMiopen(prefix, toolchain, await cachedDevice(toolchain), folder);
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Folder of the system databases. */
  get systemDatabases(): string {
    return join(this.folder, "databases");
  }

  drive(command: string, options: RunOptions = {}): Promise<Run> {
    return this.#run(this.#driver, command.split(" "), options);
  }

  /** A forward convolution through the C interface (find-client.cpp); `workspace` is what Find and the run are given. */
  async find(problem: string, workspace: "asked" | "none", mode = "-", options: RunOptions = {}): Promise<Run> {
    const client = join(this.folder, "find-client");
    if (!(await exists(client))) {
      const compiler = await hostCompiler();
      if (compiler === null) throw new Error("no g++ or clang++ on this host");
      await must(compiler, ["-std=c++20", "-O1", join(import.meta.dirname, "find-client.cpp"), "-o", client, "-ldl"]);
    }
    return this.#run(client, [this.#library, ...problem.split(" "), workspace, mode], options);
  }

  /** A run of MIOpenDriver that has to end with 0. */
  async succeed(command: string, options: RunOptions = {}): Promise<Run> {
    const run = await this.drive(command, options);
    if (run.code === 0) return run;
    throw new Error(`${command} (${options.card ?? "gfx1010"}) ended with ${run.code}\n${run.output.slice(-4000)}`);
  }

  async #run(program: string, args: readonly string[], options: RunOptions): Promise<Run> {
    const { card = "gfx1010", compile = "allow", execute = false, ownCache = false } = options;
    const home = join(this.folder, options.home ?? `run-${this.#runs}`);
    const eventLog = join(this.folder, `events-${this.#runs++}.jsonl`);
    await mkdir(home, { recursive: true });
    const env = {
      HOME: home,
      TMPDIR: home,
      MIOPEN_SYSTEM_DB_PATH: this.systemDatabases,
      ROCBLAS_TENSILE_LIBPATH: await this.#rocblas(card),
      AMD_COMGR_CACHE: "0",
      ...(ownCache ? {} : { MIOPEN_CUSTOM_CACHE_DIR: join(this.folder, "kernels") }),
      MIOPEN_LOG_LEVEL: "6",
      MIOPEN_DRIVER_USE_GPU_REFERENCE: "0",
      // The machine of the test may have a card of its own.
      MIOPEN_RDNA1_PCI_ROOT: join(this.folder, "none"),
      MIOPEN_RDNA1_KFD_ROOT: join(this.folder, "none"),
      ...compileEnvironment(this.#toolchain),
      RDNA1_DEVICE_TARGET: card,
      RDNA1_DEVICE_WGPS: card === "gfx906" ? "60" : "20",
      RDNA1_DEVICE_MEMORY: String(options.memoryBytes ?? 8 * 2 ** 30),
      RDNA1_DEVICE_COMPILE: compile,
      RDNA1_DEVICE_EXECUTE: execute ? "on" : "off",
      RDNA1_DEVICE_LOG: eventLog,
      ...options.env,
    };
    const more = { preload: [this.#device], env, libraryPath: [dirname(this.#library)], cwd: home };
    const result = await exec.run(programCommand(this.#toolchain, program, args, more), {
      timeoutMs: 600_000,
      keep: 32 << 20,
    });
    if (result.timedOut) throw new Error(`${args.join(" ")}: ${TOO_SLOW}`); // which says nothing of the library
    const events = parseEvents(await readFile(eventLog, "utf8").catch(() => ""));
    return { code: result.code, output: result.stdout + result.stderr, events, home };
  }

  /** rocBLAS's kernels for a card: those of gfx1010 relabelled, for gfx906 too, which loads them and executes nothing. */
  async #rocblas(card: Card): Promise<string> {
    const own = this.#toolchain.paths.rocblasLibrary ?? "";
    if (card === "gfx1010" || card === "gfx1030") return own;
    const overlay = join(this.folder, `rocblas-${card}`);
    if (!(await exists(overlay))) await makeRocblasOverlay(own, card === "gfx906" ? GFX906 : TARGETS[card], overlay);
    return overlay;
  }

  /** Folders as the kernel shows them in sysfs, with one AMD card where the virtual device says it is. */
  async sysfs(name: string, pciId: string | null, gfxTargetVersion: number | null): Promise<Record<string, string>> {
    const root = join(this.folder, `sysfs-${name}`);
    if (pciId !== null) {
      const slot = join(root, "pci/0000:03:00.0");
      await mkdir(slot, { recursive: true });
      await writeFile(join(slot, "vendor"), "0x1002\n");
      await writeFile(join(slot, "device"), `${pciId}\n`);
    }
    const node = join(root, "kfd/1");
    await mkdir(node, { recursive: true });
    const version = gfxTargetVersion === null ? "" : `gfx_target_version ${gfxTargetVersion}\n`;
    await writeFile(join(node, "properties"), `simd_count 80\n${version}vendor_id 4098\nlocation_id 768\ndomain 0\n`);
    return { MIOPEN_RDNA1_PCI_ROOT: join(root, "pci"), MIOPEN_RDNA1_KFD_ROOT: join(root, "kfd") };
  }
}

/**
 * The patched MIOpen at hand: the one in RDNA1_PATCHED_MIOPEN (a prefix with lib/libMIOpen.so.1 and bin/MIOpenDriver), else
 * one that `build` left in the cache (patched-in-cache.ts). In words why there is none.
 */
export async function patchedMiopen(): Promise<{ prefix: string; toolchain: Toolchain } | string> {
  const prefix = process.env.RDNA1_PATCHED_MIOPEN ?? (await patchedInCache(cacheRoot(process.env)));
  if (prefix === null) return "no patched MIOpen: RDNA1_PATCHED_MIOPEN names none, and the cache has none";
  if (!(await exists(join(prefix, "bin/MIOpenDriver")))) return `no bin/MIOpenDriver in ${prefix}`;
  const toolchain = await toolchainUnderTest();
  return typeof toolchain === "string" ? toolchain : { prefix, toolchain };
}

/** What a run that never ended says of itself; control.real.test.ts takes it for no failure of a row. */
export const TOO_SLOW = "stopped after ten minutes";

export const RDNA1: readonly Card[] = ["gfx1010", "gfx1011", "gfx1012"];
export const QUICK = "-V 0 -t 1 -i 1";
/** A 3x3 convolution that GEMM and naive can do. */
export const SMALL = `-n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3 -p 1 -q 1 -F 1 ${QUICK}`;

/** Whether Find timed solvers. */
export function searched(run: Run): boolean {
  return /\[EvaluateInvokers\]/.test(run.output);
}

/** Launches of the naive convolution. */
export function naive(run: Run): number {
  return launches(run).filter((kernel) => kernel.startsWith("naive_conv")).length;
}

/** Launches of rocBLAS's Tensile kernels. */
export function gemm(run: Run): number {
  return launches(run).filter((kernel) => kernel.startsWith("Cijk_")).length;
}

/** Names of launched kernels, in order. */
export function launches(run: Run): string[] {
  return run.events.flatMap((event) => (event.event === "launch" ? [event.kernel] : []));
}

/** Sources of the kernels that MIOpen asked its databases for, in order. */
export function asked(run: Run): string[] {
  return [...run.output.matchAll(/\[LoadBinary\] Loading binary for: "?(.+?)\.o"?;/g)].map(
    ([, source]) => source ?? "",
  );
}

/** Options of kernels that MIOpen asked its databases for, each once. */
export function keys(run: Run, program: string): string[] {
  const asked = new RegExp(`\\[LoadBinary\\] Loading binary for: "?${program}\\.o"?; args: (.*)$`);
  return [...new Set(run.output.split("\n").flatMap((line) => asked.exec(line)?.[1] ?? []))];
}
