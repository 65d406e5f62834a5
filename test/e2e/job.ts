import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { scratch } from "../toolchain/helpers.ts";

/** The sources as they are; that `dist/` is made of them is a test of its own. */
const program = join(import.meta.dirname, "../../src/main.ts");

export interface JobOutcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The job summary, GitHub Markdown */
  summary: string;
  outputs: string;
}

/** A step of a job in a folder of its own: the action's door, with the files that a runner gives it. */
export async function job(t: TestContext) {
  const folder = await scratch(t);
  for (const name of ["workspace", "temp", "tools"]) mkdirSync(join(folder, name));
  const file = (name: string) => join(folder, name);
  const run = (
    inputs: Readonly<Record<string, string>>,
    env: Readonly<Record<string, string>> = {},
    onStdout: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  ): Promise<JobOutcome> => {
    for (const name of ["output", "state", "summary", "env"]) writeFileSync(file(name), "");
    const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const whole = {
      ...{ PATH: process.env.PATH ?? "", HOME: folder, GITHUB_ACTIONS: "true", RUNNER_ENVIRONMENT: "self-hosted" },
      ...{ GITHUB_OUTPUT: file("output"), GITHUB_STATE: file("state"), GITHUB_STEP_SUMMARY: file("summary") },
      ...{ GITHUB_ENV: file("env"), RUNNER_TEMP: file("temp"), RUNNER_TOOL_CACHE: file("tools") },
      ...{ GITHUB_WORKSPACE: file("workspace"), ...env, ...Object.fromEntries(given) },
    };
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program], { cwd: file("workspace"), env: whole });
      let stdout = "";
      let stderr = "";
      child.on("error", reject);
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString();
        onStdout(stdout, (signal) => child.kill(signal));
      });
      child.on("close", (code) => {
        const read = (name: string) => readFileSync(file(name), "utf8");
        resolve({ code, stdout, stderr, summary: read("summary"), outputs: read("output") });
      });
    });
  };
  return { folder, workspace: file("workspace"), run };
}
