import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { type DeviceEvent, parseEvents } from "../../../src/device/events.ts";
import type { Command } from "../../../src/ports/exec.ts";
import { readTextIfThere } from "../../../src/ports/files.ts";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec, hostCompiler, toolchainUnderTest } from "../support.ts";
import { cachedDevice, cachedRunner } from "./builds.ts";

export { cachedDevice } from "./builds.ts";
export { type KernelSource, objectText } from "./kernel-text.ts";

/** An architecture that the simulator executes; gfx1030 is a control. */
export type Architecture = "gfx1010" | "gfx1011" | "gfx1012" | "gfx1030";

export type Argument =
  | { in: Uint8Array }
  | { new: number }
  /** A buffer that was given back before the launch; not among Launched.buffers */
  | { freed: number }
  /** A buffer of this run, counted over all launches */
  | { same: number }
  | { word: number }
  | { long: bigint };

export interface Launch {
  kernel: string;
  /** Work-items; default: one block */
  grid?: number | readonly [number, number, number];
  /** Default 32 */
  block?: number | readonly [number, number, number];
  /** Dynamic LDS bytes */
  lds?: number;
  args: readonly Argument[];
}

export interface Launched {
  /** hipSuccess, hipErrorLaunchFailure, … */
  result: string;
  /** Contents afterwards, one for each buffer among the arguments */
  buffers: Buffer[];
}

export interface Ran {
  launches: Launched[];
  faults: (DeviceEvent & { event: "fault" })[];
  findings: (DeviceEvent & { event: "finding" })[];
  events: DeviceEvent[];
  stderr: string;
}

/** What a simulator runs with. */
export interface SimulatorParts {
  toolchain: Toolchain;
  folder: string;
  /** run-kernels.cpp */
  program: string;
  /** The virtual device that is preloaded, or null when the program holds it */
  device: string | null;
}

let substitute: Simulator | null = null;

/** Assembles, compiles and runs kernels on the virtual device. Folders go with the test. */
export class Simulator {
  readonly toolchain: Toolchain;
  readonly folder: string;
  private readonly program: string;
  private readonly device: string | null;

  protected constructor({ toolchain, folder, program, device }: SimulatorParts) {
    this.toolchain = toolchain;
    this.folder = folder;
    this.program = program;
    this.device = device;
  }

  /** In words why there is none here. With RDNA1_TEST_SANITIZED=1 the device is part of a sanitized program. */
  static async start(t: TestContext): Promise<Simulator | string> {
    if (substitute !== null) return substitute;
    const folder = await mkdtemp(join(tmpdir(), "rdna1-sim-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const sanitized = process.env.RDNA1_TEST_SANITIZED === "1";
    const parts = await Simulator.parts(folder, sanitized ? async () => null : cachedDevice, sanitized);
    return typeof parts === "string" ? parts : new Simulator(parts);
  }

  /** Has `start` give this simulator from now on: test/mutation runs the tests with one that is wrong. */
  static substitute(simulator: Simulator): void {
    substitute = simulator;
  }

  protected static async parts(
    folder: string,
    device: (toolchain: Toolchain) => Promise<string | null>,
    sanitized = false,
  ): Promise<SimulatorParts | string> {
    const toolchain = await toolchainUnderTest();
    if (typeof toolchain === "string") return toolchain;
    const compiler = await hostCompiler();
    if (compiler === null) return "no g++ or clang++ on this host";
    const library = await device(toolchain);
    return { toolchain, folder, program: await cachedRunner(toolchain, compiler, sanitized), device: library };
  }

  /** Runs a program of the toolchain that has to succeed; its standard output. */
  async tool(name: string, args: readonly string[]): Promise<string> {
    const command = programCommand(this.toolchain, join(this.toolchain.paths.llvmBin, name), args);
    const result = await exec.run(command, { timeoutMs: 120_000 });
    if (result.code !== 0) throw new Error(`${name} ended with ${result.code}\n${result.stderr}`);
    return result.stdout;
  }

  /** A code object from assembly text. */
  async assemble(text: string, architecture: Architecture = "gfx1010", waveSize: 32 | 64 = 32): Promise<string> {
    const name = join(
      this.folder,
      createHash("sha256").update(architecture).update(`${waveSize}`).update(text).digest("hex"),
    );
    await writeFile(`${name}.s`, text);
    const wave = waveSize === 64 ? ["-mattr=+wavefrontsize64"] : [];
    const target = ["-triple=amdgcn-amd-amdhsa", `-mcpu=${architecture}`, ...wave];
    await this.tool("llvm-mc", [...target, "-filetype=obj", `${name}.s`, "-o", `${name}.o`]);
    await this.tool("ld.lld", ["-shared", `${name}.o`, "-o", `${name}.co`]);
    return `${name}.co`;
  }

  /** A code object from OpenCL C or HIP (`language`; what HIPRTC declares by itself has to be in the source). */
  async compile(
    source: string,
    language: "cl" | "hip",
    architecture: Architecture,
    flags: readonly string[] = [],
  ): Promise<string> {
    const { llvmBin } = this.toolchain.paths;
    const name = join(
      this.folder,
      createHash("sha256")
        .update(JSON.stringify([architecture, flags, source]))
        .digest("hex"),
    );
    await writeFile(`${name}.${language}`, source);
    const resources = (await this.tool("clang", ["-print-resource-dir"])).trim();
    const include = ["-resource-dir", join(llvmBin, "../lib/clang", basename(resources))];
    const common = [...include, "-nogpulib", "-O2", "-w", "-c", ...flags, `${name}.${language}`];
    if (language === "cl") {
      const how = ["-x", "cl", "-cl-std=CL2.0", "-target", "amdgcn-amd-amdhsa", `-mcpu=${architecture}`];
      await this.tool("clang", [...how, ...common, "-o", `${name}.o`]);
    } else {
      // For an object clang would start itself once more, which it cannot through a loader of its own; for bitcode it does not.
      const how = ["-x", "hip", "--cuda-device-only", "-nogpuinc", `--offload-arch=${architecture}`];
      await this.tool("clang", [...how, "-emit-llvm", "--no-gpu-bundle-output", ...common, "-o", `${name}.bc`]);
      await this.tool("llc", ["-O2", `-mcpu=${architecture}`, "-filetype=obj", `${name}.bc`, "-o", `${name}.o`]);
    }
    await this.tool("ld.lld", ["-shared", `${name}.o`, "-o", `${name}.co`]);
    return `${name}.co`;
  }

  /** Starts run-kernels with the device. */
  protected command(env: Record<string, string>): Command {
    if (this.device === null) return { file: this.program, args: [], env: { PATH: "/usr/bin:/bin", ...env } };
    return programCommand(this.toolchain, this.program, [], { preload: [this.device], env });
  }

  /** Launches kernels of one object in order, in one process. `env`: RDNA1_DEVICE_* besides target and log. */
  async run(
    object: string,
    launches: readonly Launch[],
    { architecture = "gfx1010", env = {} }: { architecture?: Architecture; env?: Record<string, string> } = {},
  ): Promise<Ran> {
    const id = await mkdtemp(join(this.folder, "run-"));
    const plan = [`load ${object}`, ...launches.map(planLine), ""].join("\n");
    await writeFile(join(id, "plan"), plan);
    const log = join(id, "events.jsonl");
    const command = this.command({
      ...{ RDNA1_DEVICE_TARGET: architecture, RDNA1_DEVICE_LOG: log, RDNA1_DEVICE_JOBS: "2" },
      ...env,
    });
    const script = ['exec "$@" < "$0"', join(id, "plan"), command.file, ...command.args];
    const shell = { ...command, file: "/bin/sh", args: ["-c", ...script] };
    const result = await exec.run(shell, { timeoutMs: 120_000, keep: 1 << 28 });
    if (result.code !== 0 || !result.stdout.endsWith("end\n")) {
      const how = result.timedOut ? "was stopped after two minutes" : `ended with ${result.code ?? result.signal}`;
      throw new Error(`the run ${how}\n${result.stdout.slice(-500)}${result.stderr}`);
    }
    const events = parseEvents((await readTextIfThere(log)) ?? "");
    return {
      launches: readLaunches(result.stdout),
      faults: events.filter((event) => event.event === "fault"),
      findings: events.filter((event) => event.event === "finding"),
      events,
      stderr: result.stderr,
    };
  }
}

function planLine(launch: Launch): string {
  const three = (size: number | readonly [number, number, number]) =>
    (typeof size === "number" ? [size, 1, 1] : size).join(" ");
  const block = launch.block ?? 32;
  const args = launch.args.map((argument) => {
    if ("in" in argument) return `in ${Buffer.from(argument.in).toString("hex")}`;
    return Object.entries(argument)[0]?.join(" ");
  });
  return ["launch", launch.kernel, three(launch.grid ?? block), three(block), launch.lds ?? 0, ...args].join(" ");
}

function readLaunches(output: string): Launched[] {
  const launches: Launched[] = [];
  for (const line of output.split("\n")) {
    const [verb, value = ""] = line.split(" ");
    if (verb === "result") launches.push({ result: value, buffers: [] });
    if (verb === "buffer") launches.at(-1)?.buffers.push(Buffer.from(value, "hex"));
  }
  return launches;
}
