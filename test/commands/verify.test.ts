import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandsRequest, proveCommands } from "../../src/commands/verify.ts";
import type { Context } from "../../src/context.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

test("an interrupted run of a user's commands goes on where it was, and nothing is kept of a finished one", async (t) => {
  const cacheRoot = await scratch(t);
  const path = join(cacheRoot, "given.kdb");
  writeFileSync(path, "");
  const runs: string[] = [];
  let interrupted = true;
  const exec: Exec = {
    run: async ({ args, cwd = "" }) => {
      const batch = args[args.indexOf("-n") + 1] ?? "";
      runs.push(batch);
      if (batch === "2" && interrupted) throw new Error("interrupted");
      const start = { pid: 1, ms: 1, event: "start", target: "gfx1010", program: "MIOpenDriver" };
      writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify(start)}\n`);
      return { code: 0, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 1 };
    },
  };
  const rocm = sampleToolchain("/rocm");
  const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
  const request = {
    ...{ toolchain, own: toolchain, device: { library: "/device.so", digest: "d" }, rocblas: "/r", target: "gfx1010" },
    kernels: { path, sha256: "s", kernels: [] },
  } as unknown as CommandsRequest;
  const row = (n: string) => ({ args: ["conv", "-n", n, "-F", "1"], env: {}, family: "f", solver: null, keys: [] });
  const plan = { rows: ["1", "2"].map(row), unprovable: [], own: [] };
  const context = { cacheRoot, exec, log: recordedLog(), jobs: 1 } as unknown as Context;
  const folders = () => readdirSync(join(cacheRoot, "verify")).filter((name) => !name.endsWith(".lock"));
  await assert.rejects(proveCommands(context, request, plan), /interrupted/);
  const [folder = ""] = folders();
  assert.ok(!readdirSync(join(cacheRoot, "verify", folder)).includes("system"));
  interrupted = false;
  assert.equal((await proveCommands(context, request, plan)).length, 2);
  assert.deepEqual(runs, ["1", "2", "2"]);
  assert.deepEqual(folders(), []);
});
