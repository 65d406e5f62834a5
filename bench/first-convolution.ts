import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "../src/cache/root.ts";
import { type DriverSetup, driverCommand, makeDriverPlaces } from "../src/miopen/driver.ts";
import { NodeExec } from "../src/ports/exec.ts";
import { TerminalLog } from "../src/ports/terminal-log.ts";
import { debianToolchain } from "../src/toolchain/debian.ts";

/**
 * What the kernel set saves: the first run of a convolution in a new user cache, compiled on the spot against loaded
 * from the set. Needs an `npm start` before. Prints the ratio of medians, interleaved in one run.
 */
const root = cacheRoot(process.env);
const exec = new NodeExec();
const options = { rocmVersion: "7.2.4", cacheRoot: root, mirror: null, offline: true, jobs: 1, env: process.env };
const toolchain = await debianToolchain(options, { exec, log: new TerminalLog() });
const folder = mkdtempSync("/tmp/rdna1-bench-");
const set = newest("kernels-gfx1010");
const runs = 5;
const times = { compiled: [] as number[], loaded: [] as number[] };
try {
  const empty = join(folder, "empty");
  await mkdir(empty);
  for (let i = 0; i < runs; i++) {
    times.compiled.push(await firstRun(empty, `compiled-${i}`));
    times.loaded.push(await firstRun(set, `loaded-${i}`));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [compiled, loaded] = [median(times.compiled), median(times.loaded)];
console.log(`first convolution, kernels compiled: ${compiled.toFixed(2)} s`);
console.log(`first convolution, kernels loaded:   ${loaded.toFixed(2)} s`);
console.log(`ratio: ${(compiled / loaded).toFixed(1)}`);

async function firstRun(systemDatabases: string, name: string): Promise<number> {
  const setup: DriverSetup = {
    toolchain,
    device: join(newest("device"), "librdna1-device.so"),
    target: "gfx1010",
    compile: "allow",
    folder: join(folder, name),
    systemDatabases,
    events: false,
    rocblasLibrary: toolchain.paths.rocblasLibrary ?? "",
  };
  await makeDriverPlaces(setup.folder);
  const problem = "conv -n 1 -c 64 -H 56 -W 56 -k 64 -y 3 -x 3 -p 1 -q 1 -F 1 -V 0 -t 1 -i 1";
  const env = { MIOPEN_FIND_MODE: "2", MIOPEN_DEBUG_CONV_WINOGRAD: "0" };
  const { code, seconds } = await exec.run(driverCommand(setup, problem.split(" "), env));
  if (code !== 0) throw new Error(`MIOpenDriver ended with ${code}`);
  return seconds;
}

function newest(stage: string): string {
  const home = join(root, "stages", stage);
  const folders = readdirSync(home).filter((name) => /^[0-9a-f]{24}$/.test(name));
  const age = (name: string) => statSync(join(home, name)).mtimeMs;
  const latest = folders.sort((a, b) => age(b) - age(a))[0];
  if (latest === undefined) throw new Error(`nothing in ${home}: run npm start first`);
  return join(home, latest);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
