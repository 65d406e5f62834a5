import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { withLock } from "../../../src/cache/lock.ts";
import { cacheRoot } from "../../../src/cache/root.ts";
import { buildDevice, deviceDigest, deviceSources } from "../../../src/device/build.ts";
import { type DeviceEvent, parseEvents } from "../../../src/device/events.ts";
import { stubAssembly } from "../../../src/device/stubs.ts";
import { readTextIfThere } from "../../../src/ports/files.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec, hostCompiler, projectRoot, toolchainUnderTest } from "../support.ts";

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

/** Assembles, compiles and runs kernels on the virtual device. Folders go with the test. */
export class Simulator {
  readonly toolchain: Toolchain;
  readonly folder: string;
  private readonly program: string;
  private readonly device: string | null;

  private constructor(toolchain: Toolchain, folder: string, program: string, device: string | null) {
    this.toolchain = toolchain;
    this.folder = folder;
    this.program = program;
    this.device = device;
  }

  /** In words why there is none here. With RDNA1_TEST_SANITIZED=1 the device is part of a sanitized program. */
  static async start(t: TestContext): Promise<Simulator | string> {
    const toolchain = await toolchainUnderTest();
    if (typeof toolchain === "string") return toolchain;
    const compiler = await hostCompiler();
    if (compiler === null) return "no g++ or clang++ on this host";
    const folder = await mkdtemp(join(tmpdir(), "rdna1-sim-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const sanitized = process.env.RDNA1_TEST_SANITIZED === "1";
    const device = sanitized ? null : await cachedDevice(toolchain);
    return new Simulator(toolchain, folder, await cachedRunner(toolchain, compiler, device), device);
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
    const environment = { RDNA1_DEVICE_TARGET: architecture, RDNA1_DEVICE_LOG: log, RDNA1_DEVICE_JOBS: "2", ...env };
    const direct = { file: this.program, args: [], env: { PATH: "/usr/bin:/bin", ...environment } };
    const command =
      this.device === null
        ? direct
        : programCommand(this.toolchain, this.program, [], { preload: [this.device], env: environment });
    const script = ['exec "$@" < "$0"', join(id, "plan"), command.file, ...command.args];
    const shell = { ...command, file: "/bin/sh", args: ["-c", ...script] };
    const result = await exec.run(shell, { timeoutMs: 120_000, keep: 1 << 28 });
    if (result.code !== 0 || !result.stdout.endsWith("end\n")) {
      throw new Error(
        `the run ended with ${result.code ?? result.signal}\n${result.stdout.slice(-500)}${result.stderr}`,
      );
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

/** An assembly kernel whose arguments are buffer addresses; s[0:1] points to them, s2 is the work-group, v0 the work-item. */
export interface KernelSource {
  name: string;
  /** Without s_endpgm at the end */
  body: string;
  /** Default 2 */
  pointers?: number;
  /** Default 64 */
  vgprs?: number;
  /** Static LDS bytes */
  lds?: number;
}

/** The text of an object that holds these kernels. */
export function objectText(kernels: readonly KernelSource[], waveSize: 32 | 64 = 32): string {
  const code = kernels.map(
    ({ name, body, pointers = 2, vgprs = 64, lds = 0 }) => `
.text
.globl ${name}
.p2align 8
.type ${name},@function
${name}:
${body}
s_endpgm
.rodata
.p2align 6
.amdhsa_kernel ${name}
  .amdhsa_group_segment_fixed_size ${lds}
  .amdhsa_kernarg_size ${pointers * 8}
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_next_free_vgpr ${vgprs}
  .amdhsa_next_free_sgpr 96
  .amdhsa_float_denorm_mode_32 3
  .amdhsa_wavefront_size32 ${waveSize === 32 ? 1 : 0}
.end_amdhsa_kernel
`,
  );
  const metadata = kernels.map(
    ({ name, pointers = 2, vgprs = 64, lds = 0 }) => `
  - .name: ${name}
    .symbol: ${name}.kd
    .kernarg_segment_size: ${pointers * 8}
    .group_segment_fixed_size: ${lds}
    .private_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .wavefront_size: ${waveSize}
    .sgpr_count: 96
    .vgpr_count: ${vgprs}
    .max_flat_workgroup_size: 1024
    .args:${Array.from({ length: pointers }, (_, i) => `\n      - { .offset: ${i * 8}, .size: 8, .value_kind: global_buffer, .address_space: global }`).join("")}`,
  );
  return `${code.join("")}
.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.kernels:${metadata.join("")}
...
.end_amdgpu_metadata
`;
}

/**
 * The device as users have it, built once for each state of its sources, or a library that was built already
 * (RDNA1_TEST_DEVICE).
 */
export async function cachedDevice(toolchain: Toolchain): Promise<string> {
  if (process.env.RDNA1_TEST_DEVICE) return process.env.RDNA1_TEST_DEVICE;
  const digest = (await deviceDigest(projectRoot)).slice(0, 16);
  const folder = join(cacheRoot(process.env), "test", `device-${digest}`);
  const library = join(folder, "librdna1-device.so");
  await mkdir(folder, { recursive: true });
  await withLock(
    join(folder, "lock"),
    async () => {
      if ((await readFile(library).catch(() => null)) === null) {
        await buildDevice(toolchain, projectRoot, library, exec);
      }
    },
    { log: new TerminalLog() },
  );
  return library;
}

/** run-kernels.cpp by the host's compiler: alone, or with the whole device in it under sanitizers. */
async function cachedRunner(toolchain: Toolchain, compiler: string, device: string | null): Promise<string> {
  const source = join(import.meta.dirname, "run-kernels.cpp");
  const hash = createHash("sha256")
    .update(await readFile(source))
    .update(`${toolchain.root} linked with names`);
  if (device === null) hash.update(await deviceDigest(projectRoot));
  const folder = join(
    cacheRoot(process.env),
    "test",
    `run-kernels-${device === null ? "sanitized-" : ""}${hash.digest("hex").slice(0, 16)}`,
  );
  const program = join(folder, "run-kernels");
  await mkdir(folder, { recursive: true });
  await withLock(
    join(folder, "lock"),
    async () => {
      if ((await readFile(program).catch(() => null)) !== null) return;
      const include = await mkdtemp(join(folder, "include-"));
      for (const name of ["hip", "amd_comgr"]) await symlink(join(toolchain.paths.include, name), join(include, name));
      const flags = ["-std=c++20", "-D__HIP_PLATFORM_AMD__", "-ffp-contract=off", "-isystem", include];
      if (device === null) await buildSanitized(compiler, folder, source, flags, `${program}.new`);
      else {
        // A library to link with that has but the names; at run time the preloaded device stands in front of it.
        const names = new Set((await readFile(source, "utf8")).match(/\bhip[A-Z]\w*(?=\()/g));
        const stub = join(folder, "librun-kernels-hip.so");
        await writeFile(
          join(include, "stub.c"),
          [...names].map((name) => `int ${name}(void) { return 1; }\n`).join(""),
        );
        await run(compiler, ["-shared", "-fPIC", "-x", "c", join(include, "stub.c"), "-o", stub]);
        await run(compiler, ["-O1", ...flags, source, stub, "-o", `${program}.new`]);
      }
      await rename(`${program}.new`, program);
      await rm(include, { recursive: true });
    },
    { log: new TerminalLog() },
  );
  return program;
}

async function buildSanitized(
  compiler: string,
  folder: string,
  source: string,
  flags: string[],
  out: string,
): Promise<void> {
  const sanitize = ["-O1", "-g1", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
  const sources = (await deviceSources(projectRoot)).filter((file) => file.endsWith(".cpp"));
  const files = [source, ...sources.map((file) => join(projectRoot, file))];
  const objects = files.map((_, index) => join(folder, `${index}.o`));
  const waiting = files.entries();
  const worker = async () => {
    for (const [index, file] of waiting)
      await run(compiler, [...sanitize, ...flags, "-c", file, "-o", objects[index] ?? ""]);
  };
  await Promise.all([worker(), worker()]);
  const stubs = join(folder, "stubs.s");
  await writeFile(stubs, stubAssembly(["hipGraphCreate"]));
  await run(compiler, ["-fsanitize=address,undefined", ...objects, stubs, "-ldl", "-pthread", "-o", out]);
  for (const object of objects) await rm(object);
}

async function run(file: string, args: readonly string[]): Promise<void> {
  const result = await exec.run(
    { file, args, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" } },
    { timeoutMs: 600_000 },
  );
  if (result.code !== 0) throw new Error(`${file} ended with ${result.code}\n${result.stderr.slice(-4000)}`);
}
