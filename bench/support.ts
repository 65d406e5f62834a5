import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../src/cache/root.ts";
import { NodeExec } from "../src/ports/exec.ts";
import { TerminalLog } from "../src/ports/terminal-log.ts";
import { debianToolchain } from "../src/toolchain/debian.ts";

/** What benchmarks measure is what `npm start` left in the cache. */
export const root = cacheRoot(process.env);
export const exec = new NodeExec();
const options = { rocmVersion: "7.2.4", cacheRoot: root, mirror: null, offline: true, jobs: 1, env: process.env };
export const toolchain = await debianToolchain(options, { exec, log: new TerminalLog() });

/** The folder of a stage's latest result. */
export function newest(stage: string): string {
  const home = join(root, "stages", stage);
  const folders = readdirSync(home).filter((name) => /^[0-9a-f]{24}$/.test(name));
  const age = (name: string) => statSync(join(home, name)).mtimeMs;
  const latest = folders.sort((a, b) => age(b) - age(a))[0];
  if (latest === undefined) throw new Error(`nothing in ${home}: run npm start first`);
  return join(home, latest);
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
