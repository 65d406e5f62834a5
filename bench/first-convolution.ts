import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { virtualDevice } from "../src/device/device.ts";
import { type DriverSetup, driverCommand, makeDriverPlaces } from "../src/miopen/driver.ts";
import { exec, median, newest, toolchain } from "./support.ts";

/**
 * What the kernel set saves: the first run of a convolution in a new user cache, compiled on the spot against loaded
 * from the set. Needs an `npm start` before. Prints the ratio of medians, interleaved in one run.
 */
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
    device: virtualDevice(join(newest("device"), "librdna1-device.so")),
    target: "gfx1010",
    compile: "allow",
    execute: false,
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
