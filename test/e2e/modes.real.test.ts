import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import { bunzipFor } from "../../src/kernels/bunzip.ts";
import { writeKernelDatabase } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { harvest } from "../../src/kernels/harvest.ts";
import { INSTALLED_FIND_MODE } from "../../src/kernels/modes.ts";
import { loadKernelSet, readCommandFile } from "../../src/kernels/set.ts";
import { driverCommand, makeDriverPlaces } from "../../src/miopen/driver.ts";
import { readDriverLog } from "../../src/miopen/log.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { cachedDevice } from "../device/sim/builds.ts";
import { recordedLog } from "../toolchain/helpers.ts";
import { realToolchain, Sandbox } from "./sandbox.ts";

const toolchain = await realToolchain();
const skip = typeof toolchain === "string" ? toolchain : false;
const sandbox = new Sandbox();
after(() => sandbox.remove());

const SMALL = "MIOpenDriver conv -n 1 -c 4 -H 8 -W 8 -k 4 -y 3 -x 3";

test("a set made from a file serves its lines as applications run them: with activate's find mode, with none, and again", {
  skip,
}, async () => {
  assert.ok(typeof toolchain !== "string");
  const file = sandbox.file(
    "set.txt",
    [
      `${SMALL} -p 1 -q 1 -F 1 -I NHWC -O NHWC -f NHWC`,
      // In the order of the harvest this one's find-db would answer for the next one
      `${SMALL} -p 2 -q 2 -l 2 -j 2 -F 1`,
    ].join("\n"),
  );
  const set = await loadKernelSet(file, STOCK);
  const exec = new NodeExec();
  const setup = {
    ...{ toolchain, device: virtualDevice(await cachedDevice(toolchain)), target: "gfx1010" as const },
    rocblasLibrary: toolchain.paths.rocblasLibrary ?? "",
  };
  const { commands, environment } = set;
  const harvestOf = { setup, commands, environment, jobs: 2, folder: sandbox.path("harvest") };
  const { kernels } = await harvest(harvestOf, { exec, log: recordedLog(), bunzip: bunzipFor(toolchain) });
  const systemDatabases = sandbox.path("system");
  mkdirSync(systemDatabases);
  await writeKernelDatabase(join(systemDatabases, "gfx1010.kdb"), kernels);
  // What `activate` sets, and its user who has set MIOPEN_FIND_MODE to the default
  const keptOff = { MIOPEN_DEBUG_CONV_WINOGRAD: "0", MIOPEN_DEBUG_CONV_FFT: "0" };
  for (const mode of [INSTALLED_FIND_MODE, "5"]) {
    const folder = sandbox.path("user");
    rmSync(folder, { recursive: true, force: true });
    await makeDriverPlaces(folder);
    for (const start of [1, 2]) {
      for (const { args } of await readCommandFile(file)) {
        const how = { ...setup, folder, systemDatabases, compile: "refuse", execute: false, events: false } as const;
        const run = driverCommand(how, [...args, "-V", "0"], { ...keptOff, MIOPEN_FIND_MODE: mode });
        const { stdout, stderr } = await exec.run(run);
        const { requests, misses, errors } = readDriverLog(`${stdout}\n${stderr}`);
        assert.deepEqual([misses, errors], [[], []], `start ${start} in mode ${mode}: ${args.join(" ")}`);
        assert.ok(requests.length > 0);
      }
    }
  }
});
