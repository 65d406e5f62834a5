import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { type CompletenessInput, proveCompleteness, withReadOnlySystem } from "../../src/verify/completeness.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

const HASH = "0a1".padEnd(32, "0");
/** rocBLAS serves it alone. */
const GEMM = { args: ["conv", "-y", "1", "-S", "GemmFwd1x1_0_1"], family: "mine" };
const NAIVE = { args: ["conv", "-y", "3"], family: "mine" };
const KEY = 'binary for: "naive_conv.cpp.o"; args:  -DX';

/** MIOpenDriver, as it asks for kernels: it finds them in the system's database, or the compiler refuses. */
const driver: Exec = {
  run: async ({ args, env, cwd = "" }) => {
    const launch = (kernel: string, module: string) => ({ event: "launch", kernel, module });
    const control = (env.MIOPEN_SYSTEM_DB_PATH ?? "").endsWith("empty");
    const [event, said, code] = args.includes("GemmFwd1x1_0_1")
      ? [launch("Cijk_A", ""), "", 0]
      : control
        ? [{ event: "compile", result: "refused" }, `[LoadBinary] Unable to load ${KEY}`, 1]
        : [launch("naive_fwd", HASH), `[LoadBinary] Loading ${KEY}`, 0];
    writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify({ pid: 1, ms: 1, ...event })}\n`);
    return { code, signal: null, timedOut: false, stdout: said, stderr: "", seconds: 1 };
  },
};

async function input(t: TestContext, commands: CompletenessInput["commands"]): Promise<CompletenessInput> {
  const folder = await scratch(t);
  const database = join(folder, "given.kdb");
  writeFileSync(database, "");
  const rocm = sampleToolchain("/rocm");
  const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
  const setup = {
    ...{ toolchain, device: virtualDevice("/device.so"), rocblasLibrary: "/r" },
    target: "gfx1010" as const,
  };
  const hashes = new Map([["naive_conv.cpp.o -DX", HASH]]);
  return { setup, commands, environment: {}, database, hashes, jobs: 1, folder: join(folder, "work") };
}

async function control(t: TestContext, commands: CompletenessInput["commands"]) {
  const rows = await proveCompleteness(await input(t, commands), { exec: driver, log: recordedLog() });
  assert.deepEqual(
    rows.slice(0, -1).map(({ result }) => result),
    commands.map(() => "passed"),
  );
  return rows.at(-1);
}

test("the control runs a command that asks for a kernel of the set, although the first needs rocBLAS only", async (t) => {
  const { kind, result, command } = (await control(t, [GEMM, NAIVE])) ?? {};
  assert.deepEqual([kind, result, command], ["negative-control", "passed", "conv -y 3"]);
});

test("a run beside a line that rocBLAS has no kernel for is skipped; the line itself, and a kernel that is missing, is not", async (t) => {
  const failing = (more: string): Exec => ({
    run: async ({ cwd = "" }) => {
      writeFileSync(join(cwd, "events.jsonl"), "");
      const unserved = "rdna1-device: hipModuleLoad: rocblas_gemvt: the offload bundle has no object for it";
      return { code: 1, signal: null, timedOut: false, stdout: `${unserved}\n${more}`, stderr: "", seconds: 1 };
    },
  });
  const results = async (more: string) => {
    const commands = [NAIVE, { ...NAIVE, env: { MIOPEN_FIND_MODE: "2" }, beside: true as const }];
    const rows = await proveCompleteness(await input(t, commands), { exec: failing(more), log: recordedLog() });
    return rows.slice(0, 2).map(({ result }) => result);
  };
  assert.deepEqual(await results(""), ["failed", "skipped"]);
  assert.deepEqual(await results(`[LoadBinary] Unable to load ${KEY}`), ["failed", "failed"]);
});

test("the control of a set that rocBLAS serves alone is skipped, and says why", async (t) => {
  const { kind, result, reason } = (await control(t, [GEMM])) ?? {};
  assert.deepEqual([kind, result], ["negative-control", "skipped"]);
  assert.match(reason ?? "", /no command of the set asks for a kernel/);
});

test("the system's folder is read-only while a proof runs, and can be removed after one that was given up", async (t) => {
  const { database, folder } = await input(t, []);
  const mode = () => statSync(folder).mode & 0o777;
  const giveUp = async () => {
    assert.equal(mode(), 0o555);
    throw new Error("given up");
  };
  await assert.rejects(withReadOnlySystem(folder, { target: "gfx1010", database }, giveUp), /given up/);
  assert.equal(mode(), 0o755);
  const failing: Exec = { run: () => Promise.reject(new Error("given up")) };
  const more = await input(t, [NAIVE]);
  await assert.rejects(proveCompleteness(more, { exec: failing, log: recordedLog() }), /given up/);
  assert.equal(statSync(join(more.folder, "system")).mode & 0o777, 0o755);
});

test("a run that the machine ended says nothing of the set", async (t) => {
  const killed: Exec = {
    run: async () => ({ code: null, signal: "SIGKILL", timedOut: false, stdout: "", stderr: "", seconds: 1 }),
  };
  const one = await input(t, [NAIVE]);
  const proving = proveCompleteness(one, { exec: killed, log: recordedLog() });
  await assert.rejects(proving, { kind: "machine", message: /ended from outside by SIGKILL/ });
  assert.ok(!existsSync(join(one.folder, "rows.jsonl")));
});

/** What a run would pass with that asks for the naive kernel and launches it, besides something else. */
for (const [what, events, pattern] of [
  ["asked for a compilation", [{ event: "compile", result: "refused" }], /1 compilations were asked for/],
  [
    "launched an object of another origin",
    [{ event: "launch", kernel: "other", module: "f".repeat(32) }],
    /not in the set/,
  ],
] as const) {
  test(`a run that ${what} fails, although all else is right`, async (t) => {
    const launch = { event: "launch", kernel: "naive_fwd", module: HASH };
    const exec: Exec = {
      run: async ({ cwd = "" }) => {
        const lines = [launch, ...events].map((event) => JSON.stringify({ pid: 1, ms: 1, ...event }));
        writeFileSync(join(cwd, "events.jsonl"), `${lines.join("\n")}\n`);
        const stdout = `[LoadBinary] Loading ${KEY}`;
        return { code: 0, signal: null, timedOut: false, stdout, stderr: "", seconds: 1 };
      },
    };
    const [row] = await proveCompleteness(await input(t, [NAIVE]), { exec, log: recordedLog() });
    assert.equal(row?.result, "failed");
    assert.match(row?.reason ?? "", pattern);
  });
}

test("a run that launched nothing fails, and the control that failed without a refused compilation does", async (t) => {
  const silent: Exec = {
    run: async ({ cwd = "", env }) => {
      writeFileSync(join(cwd, "events.jsonl"), "");
      const control = (env.MIOPEN_SYSTEM_DB_PATH ?? "").endsWith("empty");
      const stdout = `[LoadBinary] Loading ${KEY}`;
      return { code: control ? 1 : 0, signal: null, timedOut: false, stdout, stderr: "", seconds: 1 };
    },
  };
  const [row, negative] = await proveCompleteness(await input(t, [NAIVE]), { exec: silent, log: recordedLog() });
  assert.match(row?.reason ?? "", /no kernel was launched/);
  assert.deepEqual([negative?.kind, negative?.result], ["negative-control", "failed"]);
});
