import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../../src/cache/root.ts";
import { messageOf } from "../../src/errors.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { TerminalLog } from "../../src/ports/terminal-log.ts";
import { debianToolchain } from "../../src/toolchain/debian.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";

export const projectRoot = join(import.meta.dirname, "../..");
/** The committed bundle: what GitHub runs. */
export const program = join(projectRoot, "dist/index.js");

export const ROCM_VERSION = "7.2.4";

/** The real toolchain from the user's cache (fetched once), or in words why it cannot be had. */
export async function realToolchain(): Promise<Toolchain | string> {
  const options = {
    rocmVersion: ROCM_VERSION,
    cacheRoot: cacheRoot(process.env),
    mirror: null,
    offline: false,
    jobs: 2,
    env: process.env,
  };
  try {
    return await debianToolchain(options, { exec: new NodeExec(), log: new TerminalLog() });
  } catch (error) {
    return `the real toolchain cannot be had here: ${messageOf(error)}`;
  }
}

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * A folder with a cache of its own. It shares the toolchain with the user's, and what is built of C++ with other
 * sandboxes: what these stages are made from is in their keys.
 */
export class Sandbox {
  readonly folder = mkdtempSync("/tmp/rdna1-e2e-");

  constructor() {
    mkdirSync(this.path("cache"));
    mkdirSync(join(cacheRoot(process.env), "toolchain"), { recursive: true });
    symlinkSync(join(cacheRoot(process.env), "toolchain"), this.path("cache/toolchain"));
    mkdirSync(this.path("cache/stages"));
    for (const stage of ["device", "prover", "witness"]) {
      const shared = join(cacheRoot(process.env), "test/stages", stage);
      mkdirSync(shared, { recursive: true });
      symlinkSync(shared, this.path("cache/stages", stage));
    }
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Writes a file and gives its path. */
  file(name: string, text: string | Uint8Array): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  env(more: Record<string, string> = {}): Record<string, string> {
    const { PATH = "", HOME = "" } = process.env;
    return { PATH, HOME, RDNA1_MIOPEN_CACHE: this.path("cache"), ...more };
  }

  /** Runs the program to its end. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: this.env(env), maxBuffer: 64 << 20 };
      execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** Starts the program and kills it, not its children, when its log matches. */
  kill(args: readonly string[], when: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [program, ...args], { cwd: this.folder, env: this.env() });
      let log = "";
      child.stderr.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (when.test(log)) child.kill("SIGKILL");
      });
      child.on("close", () => resolve(log));
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Arguments of the main job for a kernel set of one's own. */
export function mainJob(kernelSet: string, ...more: string[]): string[] {
  const base = ["--miopen", "distribution", "--toolchain", "debian", "--rocm-version", ROCM_VERSION];
  return [...base, "--kernel-set", kernelSet, ...more];
}
