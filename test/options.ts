import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RdnaError } from "../src/errors.ts";
import { parseInputs } from "../src/inputs.ts";
import { parseActionSpec } from "../src/options.ts";

export const actionText = readFileSync(join(import.meta.dirname, "../action.yml"), "utf8");
export const spec = parseActionSpec(actionText);

/** Options as a user gives them in the folder `/somewhere`. */
export const parse = (raw: Record<string, string>) => parseInputs(raw, spec, "/somewhere");

/** For `assert.throws`: a user error whose message and remedy match. */
export const isUserError = (pattern: RegExp) => (error: unknown) =>
  error instanceof RdnaError && error.kind === "user" && pattern.test(`${error.message} ${error.remedy}`);

/** The words that `npm start` starts the program with. */
export function npmStart(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
    scripts: { start: string };
  };
  return scripts.start.split(" ").slice(2);
}

/** A value of every option, and the commands that look at it; null: all. */
export const LOOKED_AT: Readonly<Record<string, [value: string, commands: string | null]>> = {
  command: ["", null],
  targets: ["gfx1012", "build kernels verify install"],
  "rocm-version": ["7.2.4", "build kernels verify drift install"],
  toolchain: ["amd", "build kernels verify"],
  "debian-mirror": ["http://h/debian", "build kernels verify"],
  "amd-mirror": ["http://h/rocm", "build kernels verify"],
  "amd-keyring": ["k.asc", "build kernels verify"],
  miopen: ["patched", "build kernels verify install"],
  "miopen-source": ["./m", "build kernels verify"],
  patches: ["./p", "build kernels verify drift"],
  sources: ["./m", "drift"],
  "kernel-set": ["full", "build kernels verify"],
  shard: ["1/2", "build kernels"],
  parts: ["./parts", "build kernels"],
  verify: ["off", "build kernels"],
  device: ["gpu", "verify"],
  commands: ["./c.txt", "verify"],
  "kernel-database": ["gfx1010.kdb", "verify"],
  prefix: ["/opt/x", "build kernels install"],
  source: ["./out", "install"],
  attestation: ["required", "install"],
  "signer-workflow": [".github/workflows/x.yml", "install"],
  "trusted-root": ["./roots", "install"],
  fallback: ["build", "install"],
  tag: ["v1", "publish install"],
  repository: ["o/r", "publish install"],
  commit: ["ab".repeat(20), "publish"],
  draft: ["true", "publish"],
  token: ["t", null],
  output: ["./o", "build kernels verify drift publish"],
  jobs: ["2", null],
  cache: ["local", null],
  offline: ["true", null],
};
