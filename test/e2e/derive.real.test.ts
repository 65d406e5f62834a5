import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { cacheRoot } from "../../src/cache/root.ts";
import { virtualDevice } from "../../src/device/device.ts";
import { bunzipFor } from "../../src/kernels/bunzip.ts";
import { harvestArguments } from "../../src/kernels/commands.ts";
import { keyOf, readRows } from "../../src/kernels/database.ts";
import { harvestEnvironment, planIm2col, wantedIm2col } from "../../src/kernels/families.ts";
import { harvest } from "../../src/kernels/harvest.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { TerminalLog } from "../../src/ports/terminal-log.ts";
import { mainJob, realToolchain, Sandbox } from "./sandbox.ts";

const toolchain = await realToolchain();
const skip = typeof toolchain === "string" ? toolchain : false;
const sandbox = new Sandbox();
after(() => sandbox.remove());

test("derives the im2col kernels that the compiler makes, byte for byte", { skip }, async () => {
  assert.ok(typeof toolchain !== "string");
  // The whole conv set, from the user's cache where `npm start` has left it; proving it takes minutes and is CI's to do.
  const root = cacheRoot(process.env);
  const { code, stderr } = await sandbox.run(mainJob("conv", "--verify", "off"), { RDNA1_MIOPEN_CACHE: root });
  assert.equal(code, 0, stderr);
  const key = /kernels gfx1010: skipped, nothing changed \(cache (\w+)\)/.exec(stderr)?.[1];
  const home = join(root, "stages/kernels-gfx1010");
  const folder = join(home, key ?? newestFinished(home));
  const derived = new Map(readRows(join(folder, "gfx1010.kdb")).map((row) => [keyOf(row), row]));

  const wanted = wantedIm2col();
  const sample = Array.from({ length: 12 }, (_, i) => wanted[Math.floor(((i + 0.37) / 12) * wanted.length)]);
  const commands = planIm2col(sample.filter((one) => one !== undefined));
  const device = newestFinished(join(root, "stages/device"));
  const { kernels } = await harvest(
    {
      setup: {
        toolchain,
        device: virtualDevice(join(root, "stages/device", device, "librdna1-device.so")),
        target: "gfx1010",
        rocblasLibrary: toolchain.paths.rocblasLibrary ?? "",
      },
      commands: commands.map((command) => ({ ...command, args: harvestArguments(command.args) })),
      environment: harvestEnvironment,
      jobs: 2,
      folder: sandbox.path("harvest"),
    },
    { exec: new NodeExec(), log: new TerminalLog(), bunzip: bunzipFor(toolchain) },
  );
  const compiled = kernels.filter(({ name }) => name.startsWith("MIOpenIm2d2Col"));
  const compared = compiled.filter((kernel) => derived.get(keyOf(kernel))?.size === 0);
  assert.ok(compared.length >= 10, `only ${compared.length} of ${compiled.length} compiled kernels are derived ones`);
  for (const kernel of compared) assert.equal(kernel.hash, derived.get(keyOf(kernel))?.hash, keyOf(kernel));
});

function newestFinished(home: string): string {
  const names = readdirSync(home).filter((name) => /^[0-9a-f]{24}$/.test(name));
  const age = (name: string) => statSync(join(home, name)).mtimeMs;
  return names.sort((a, b) => age(b) - age(a))[0] ?? "";
}
