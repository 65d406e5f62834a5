import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { bunzipWith, KernelFault } from "../../src/kernels/bunzip.ts";
import { harvest } from "../../src/kernels/harvest.ts";
import type { Exec } from "../../src/ports/exec.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import { recordedLog } from "../toolchain/helpers.ts";

const folder = mkdtempSync("/tmp/rdna1-harvest-");
after(() => rmSync(folder, { recursive: true, force: true }));

// Paths are all that the harvest reads of it; no program is started.
const toolchain = {
  paths: { loader: "/loader", libraryPath: [], miopenDriver: "/MIOpenDriver", include: "/include" },
} as unknown as Toolchain;

test("gives up on a database that comes out damaged again and again, instead of leaving its kernels out", async () => {
  let runs = 0;
  // A disk that damages whatever is written: reality does not do this on demand.
  const exec: Exec = {
    run: async ({ cwd = "" }) => {
      runs += 1;
      writeFileSync(join(cwd, "cache/gfx1010_20.ukdb"), "damaged");
      return { code: 0, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 0 };
    },
  };
  const log = recordedLog();
  const input = {
    setup: { toolchain, device: "/device.so", target: "gfx1010" as const, rocblasLibrary: "/rocblas" },
    commands: [{ args: ["conv", "-F", "1"], family: "test" }],
    environment: {},
    jobs: 1,
    folder,
  };
  const bunzip = bunzipWith({ file: "bzip2", args: [], env: { PATH: "/usr/bin:/bin" } });
  await assert.rejects(harvest(input, { exec, log, bunzip }), KernelFault);
  assert.equal(runs, 3);
  assert.match(log.lines.join("\n"), /gfx1010_20\.ukdb: .*: this worker's commands run again/);
});
