import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { NodeExec } from "../../src/ports/exec.ts";
import { installedVersion, systemToolchain } from "../../src/toolchain/system.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { realToolchain } from "../e2e/sandbox.ts";

export const projectRoot = resolve(import.meta.dirname, "../..");
export const exec = new NodeExec();

/**
 * The toolchain of RDNA1_TOOLCHAIN (the root folder of a ROCm tree) where the variable is set, else Debian's from the
 * user's cache, fetched when it is not there; in words why there is none.
 */
export async function toolchainUnderTest(): Promise<Toolchain | string> {
  const root = process.env.RDNA1_TOOLCHAIN;
  if (root === undefined) return realToolchain();
  return systemToolchain(root, (await installedVersion(root)) ?? "", "folder");
}

/** A C++ compiler of the host with sanitizers, or null. */
export async function hostCompiler(): Promise<string | null> {
  for (const file of ["/usr/bin/g++", "/usr/bin/clang++"]) {
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return null;
}

/** A folder that is gone after the test. */
export async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rdna1-device-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a program that has to succeed; its standard output. */
export async function must(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const command = { file, args, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...env } };
  const result = await exec.run(command, { timeoutMs: 300_000 });
  if (result.code !== 0) throw new Error(`${file} ended with ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Compiles kernel.cl for an architecture with the toolchain's clang; the code object's file. */
export async function compileKernel(toolchain: Toolchain, folder: string, arch: string): Promise<string> {
  const clang = join(toolchain.paths.llvmBin, "clang");
  const object = join(folder, `${arch}.o`);
  const options = [
    "-target",
    "amdgcn-amd-amdhsa",
    `-mcpu=${arch}`,
    "-x",
    "cl",
    "-cl-std=CL2.0",
    "-nogpulib",
    "-O2",
    "-w",
  ];
  const source = join(import.meta.dirname, "kernel.cl");
  const resources = (await must(...started(toolchain, clang, ["-print-resource-dir"]))).trim();
  const include = await realResources(toolchain, resources);
  await must(...started(toolchain, clang, [...options, "-resource-dir", include, "-c", source, "-o", object]));
  const linked = join(folder, `${arch}.co`);
  await must(...started(toolchain, join(toolchain.paths.llvmBin, "ld.lld"), ["-shared", object, "-o", linked]));
  return linked;
}

function started(
  toolchain: Toolchain,
  program: string,
  args: string[],
): [string, readonly string[], Record<string, string>] {
  const command = programCommand(toolchain, program, args);
  return [command.file, command.args, { ...command.env }];
}

/** Through a loader of its own clang guesses wrong where its headers are; the last path element (its version) is right. */
async function realResources(toolchain: Toolchain, guess: string): Promise<string> {
  const version = guess.split("/").at(-1) ?? "";
  return resolve(toolchain.paths.llvmBin, "../lib/clang", version);
}
