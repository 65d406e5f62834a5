import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import { type Bunzip, bunzipWith, KernelFault } from "../../src/kernels/bunzip.ts";
import type { DriverCommand } from "../../src/kernels/commands.ts";
import { writeKernelDatabase } from "../../src/kernels/database.ts";
import { harvest } from "../../src/kernels/harvest.ts";
import type { Exec, ExecResult } from "../../src/ports/exec.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import { recordedLog } from "../toolchain/helpers.ts";

const folder = mkdtempSync("/tmp/rdna1-harvest-");
after(() => rmSync(folder, { recursive: true, force: true }));

// Paths are all that the harvest reads of it; no program is started.
const toolchain = {
  paths: { loader: "/loader", libraryPath: [], miopenDriver: "/MIOpenDriver", include: "/include" },
} as unknown as Toolchain;

/** A harvest of one command, whose run leaves a database that `write` makes, and ends so. */
async function harvested(
  name: string,
  bunzip: Bunzip,
  write: (file: string) => void,
  end: Partial<ExecResult> = {},
  command: Partial<DriverCommand> = {},
) {
  const counts = { runs: 0, timeoutMs: 0, env: {} as Readonly<Record<string, string>> };
  const exec: Exec = {
    run: async ({ cwd = "", env }, { timeoutMs = 0 } = {}) => {
      counts.runs += 1;
      Object.assign(counts, { timeoutMs, env });
      write(join(cwd, "cache/gfx1010_20.ukdb"));
      return { code: 0, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 0, ...end };
    },
  };
  const log = recordedLog();
  const input = {
    setup: { toolchain, device: virtualDevice("/device.so"), target: "gfx1010" as const, rocblasLibrary: "/rocblas" },
    commands: [{ args: ["conv", "-F", "1"], family: "test", ...command }],
    environment: { MIOPEN_FIND_MODE: "1", MIOPEN_FIND_ENFORCE: "1" },
    jobs: 1,
    folder: join(folder, name),
  };
  const error: unknown = await harvest(input, { exec, log, bunzip }).then(
    () => assert.fail("the harvest came to an end"),
    (thrown) => thrown,
  );
  return { ...counts, log: log.lines.join("\n"), error: error as Error & { kind?: string } };
}

test("gives up on a database that comes out damaged again and again, instead of leaving its kernels out", async () => {
  const bunzip = bunzipWith({ file: "bzip2", args: [], env: { PATH: "/usr/bin:/bin" } });
  // A disk that damages whatever is written: reality does not do this on demand.
  const { runs, log, error } = await harvested("damaged", bunzip, (file) => writeFileSync(file, "damaged"));
  assert.equal(runs, 3);
  assert.match(log, /gfx1010_20\.ukdb: .*: this worker's commands run again/);
  assert.equal(error.kind, "machine");
  assert.match(error.message, /damaged three times: .*gfx1010_20\.ukdb/);
  assert.ok(error.cause instanceof KernelFault);
});

test("a command with variables of its own meets no find-db of another one, which would choose its solver", async () => {
  const homes: string[] = [];
  const exec: Exec = {
    run: async ({ env }) => {
      const home = env.MIOPEN_USER_DB_PATH ?? "";
      assert.deepEqual(readdirSync(home), []);
      writeFileSync(join(home, "found.ufdb.txt"), "x");
      homes.push(home);
      return { code: 0, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 0 };
    },
  };
  const args = ["conv", "-F", "1"];
  const modes = ["1", "2"].map((mode) => ({ args, env: { MIOPEN_FIND_MODE: mode }, family: "test" }));
  const input = {
    setup: { toolchain, device: virtualDevice("/device.so"), target: "gfx1010" as const, rocblasLibrary: "/rocblas" },
    ...{ commands: [{ args, family: "test" }, ...modes], environment: {}, jobs: 1, folder: join(folder, "find-db") },
  };
  await harvest(input, { exec, log: recordedLog(), bunzip: async () => [] });
  assert.equal(homes.length, 3);
});

/** A harvest of lines 1, 2, …, and what MIOpenDriver does for each, by its operation. */
async function linesOf(operations: readonly string[], driver: Record<string, { said?: string; launches?: boolean }>) {
  const runs: string[] = [];
  const exec: Exec = {
    run: async ({ args, cwd = "" }) => {
      const operation = args.find((word) => word in driver) ?? "";
      runs.push(operation);
      const event = {
        pid: 1,
        ms: 1,
        ...(driver[operation]?.launches === true ? { event: "launch" } : { event: "start" }),
      };
      writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify(event)}\n`);
      const stdout = driver[operation]?.said ?? "";
      return { code: 0, signal: null, timedOut: false, stdout, stderr: "", seconds: 0 };
    },
  };
  const commands = operations.map((operation, index) => ({ args: [operation], family: "my.log", line: index + 1 }));
  const setup = { toolchain, device: virtualDevice("/device.so"), target: "gfx1010" as const, rocblasLibrary: "/r" };
  const input = { setup, commands, environment: {}, jobs: 1, folder: mkdtempSync(join(folder, "lines-")) };
  const done = harvest(input, { exec, log: recordedLog(), bunzip: async () => [] });
  return {
    runs,
    error: await done.then(
      () => null,
      (thrown) => thrown as Error,
    ),
  };
}

test("names every line of the user's that fails, when all have run", async () => {
  const broken = { said: "<inline asm>:14:20: error: not a valid operand" };
  const { runs, error } = await linesOf(["bnorm", "conv", "bnormfp16"], {
    ...{ bnorm: broken, bnormfp16: broken },
    conv: { launches: true },
  });
  assert.equal(runs.length, 3);
  assert.match(
    error?.message ?? "",
    /^2 lines failed:\nmy\.log:1: bnorm: .*\nmy\.log:3: bnormfp16: .*not a valid operand$/,
  );
});

test("a line that MIOpenDriver takes and does nothing for is named, with what it said; one that rocBLAS serves alone is none", async () => {
  const { error } = await linesOf(["rnn", "gemm"], {
    rnn: { said: "PRNG seed: 1\nLong Name: time Not Found !\n" },
    gemm: { launches: true },
  });
  assert.match(
    error?.message ?? "",
    /^1 lines failed:\nmy\.log:1: rnn: MIOpenDriver does nothing for it \(Long Name: time Not Found !\)$/,
  );
});

test("a run beside a line that fails by itself refuses nothing, and the keys that it could not compile are handed on", async () => {
  const exec: Exec = {
    run: async () => {
      const asked = 'binary for: "a.cpp.o"; args:  -DX';
      const stdout = `[LoadBinary] Loading ${asked}\n[LoadBinary] Unable to load ${asked}\nMIOpen Error: Code object build failed`;
      return { code: 1, signal: null, timedOut: false, stdout, stderr: "", seconds: 0 };
    },
  };
  const command = { args: ["conv", "-F", "1"], family: "my.log", line: 1, beside: true as const };
  const setup = { toolchain, device: virtualDevice("/device.so"), target: "gfx1010" as const, rocblasLibrary: "/r" };
  const input = { setup, commands: [command], environment: {}, jobs: 1, folder: join(folder, "beside") };
  const { refused } = await harvest(input, { exec, log: recordedLog(), bunzip: async () => [] });
  assert.deepEqual(
    refused.map(({ key }) => key),
    ["a.cpp.o -DX"],
  );
});

test("a machine without bzip2 is told so at once, and its databases are not taken for damaged", async () => {
  const database = join(folder, "one.kdb");
  const row = { name: "a.cpp.o", args: " -mcpu=gfx1010", blob: Buffer.from("BZh9"), hash: "0".repeat(32), size: 5 };
  await writeKernelDatabase(database, [row]);
  const bunzip = bunzipWith({ file: "/nowhere/bzip2", args: [], env: {} });
  const { runs, error } = await harvested("no-bzip2", bunzip, (file) => copyFileSync(database, file));
  assert.deepEqual([runs, error.kind], [1, "machine"]);
  assert.match(error.message, /cannot start \/nowhere\/bzip2/);
});

test("a full disk is named as such, and a command that does not end or fails with its line", async () => {
  const none: Bunzip = async () => [];
  const full = await harvested("full", none, () => {}, { code: 1, stderr: "cannot write: No space left on device" });
  assert.match(full.error.message, /the disk is full/);
  const late = await harvested("late", none, () => {}, { code: null, timedOut: true, seconds: 180 }, { line: 7 });
  assert.equal(late.timeoutMs, 180_000);
  assert.match(late.error.message, /test:7: conv -F 1: did not end within 180 s/);
});

test("a command's own variables go before those of the harvest", async () => {
  const env = { MIOPEN_FIND_MODE: "2" };
  const { env: seen } = await harvested(
    "own",
    async () => [],
    () => {},
    { code: 1 },
    { env },
  );
  assert.deepEqual([seen.MIOPEN_FIND_MODE, seen.MIOPEN_FIND_ENFORCE], ["2", "1"]);
});
