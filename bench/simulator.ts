import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { virtualDevice } from "../src/device/device.ts";
import { parseEvents } from "../src/device/events.ts";
import { type DriverSetup, driverCommand, driverPlaces, makeDriverPlaces } from "../src/miopen/driver.ts";
import { exec, median, newest, toolchain } from "./support.ts";

/**
 * How fast the simulator executes MIOpen's naive forward convolution, in wave-instructions a second, on one thread and on
 * two. Needs an `npm start` before. Interleaved runs; medians, and their ratio.
 */
const SHAPE =
  "conv -n 4 -c 32 -H 28 -W 28 -k 64 -y 3 -x 3 -p 1 -q 1 -F 1 -V 0 -i 1 -t 0 -s 0 -S ConvDirectNaiveConvFwd";
const device = process.argv[2] ?? join(newest("device"), "librdna1-device.so");
const folder = mkdtempSync("/tmp/rdna1-bench-");
const runs = 5;
const rates: [number[], number[]] = [[], []];
try {
  for (let i = 0; i < runs; i++) {
    rates[0].push(await rate(1, `one-${i}`));
    rates[1].push(await rate(2, `two-${i}`));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [one, two] = [median(rates[0]), median(rates[1])];
console.log(`naive forward, 1 thread:  ${(one / 1e6).toFixed(0)} million wave-instructions a second`);
console.log(`naive forward, 2 threads: ${(two / 1e6).toFixed(0)} million wave-instructions a second`);
console.log(`ratio: ${(two / one).toFixed(2)}`);

/** Wave-instructions a second of the longest launch. */
async function rate(jobs: number, name: string): Promise<number> {
  const setup: DriverSetup = {
    toolchain,
    device: virtualDevice(device),
    target: "gfx1010",
    compile: "refuse",
    execute: true,
    folder: join(folder, name),
    systemDatabases: newest("kernels-gfx1010"),
    events: true,
    rocblasLibrary: toolchain.paths.rocblasLibrary ?? "",
  };
  await makeDriverPlaces(setup.folder);

  const command = driverCommand(setup, SHAPE.split(" "));
  const { code } = await exec.run({ ...command, env: { ...command.env, RDNA1_DEVICE_JOBS: String(jobs) } });
  if (code !== 0) throw new Error(`MIOpenDriver ended with ${code}`);
  const events = parseEvents(await readFile(driverPlaces(setup.folder).events, "utf8"));
  const launches = events.filter((event) => event.event === "launch");
  const longest = launches.toSorted((a, b) => b.milliseconds - a.milliseconds)[0];
  if (longest === undefined || !longest.executed) throw new Error("no kernel was executed");
  return ((longest.instructions ?? 0) / longest.milliseconds) * 1000;
}
