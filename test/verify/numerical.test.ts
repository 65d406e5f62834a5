import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import type { Exec, ExecOptions, ExecResult } from "../../src/ports/exec.ts";
import { numericalControls } from "../../src/verify/controls.ts";
import { coverageOf } from "../../src/verify/coverage.ts";
import { type NumericalInput, proveNumerically } from "../../src/verify/numerical.ts";
import { planRows } from "../../src/verify/plan.ts";
import type { TableRow } from "../../src/verify/table.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

const KEY = "naive_conv.cpp.o -DX -mcpu=gfx1010";
const HASH = "0a1".padEnd(32, "0");
const own: TableRow = {
  ...{ args: ["conv", "-n", "64", "-F", "1"], env: {}, family: "mine", solver: null, own: true },
  keys: [{ file: "naive_conv.cpp", options: " -DX" }],
};
const { own: _, ...ours } = { ...own, args: ["conv", "-n", "1", "-F", "1"] };

/** A machine whose runs print `stdout` and never end by themselves, or end at once. */
function machine(stdout: string, timedOut: (args: readonly string[]) => boolean) {
  const runs: { args: readonly string[]; timeoutMs: number | undefined }[] = [];
  const exec: Exec = {
    run: async ({ args, cwd = "" }, { timeoutMs }: ExecOptions = {}) => {
      runs.push({ args, timeoutMs });
      const start = { pid: 1, ms: 1, event: "start", target: "gfx1010", program: "MIOpenDriver" };
      writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify(start)}\n`);
      const late = timedOut(args);
      const end = late ? { code: null, signal: "SIGKILL" as const } : { code: 0, signal: null };
      return { ...end, timedOut: late, stdout, stderr: "", seconds: late ? (timeoutMs ?? 0) / 1000 : 1 };
    },
  };
  return { runs, exec };
}

function input(folder: string, rows: readonly TableRow[]): NumericalInput {
  const rocm = sampleToolchain("/rocm");
  const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
  const setup = { toolchain, device: virtualDevice("/device.so"), target: "gfx1010", rocblasLibrary: "/r" };
  const kernels = { hashes: new Map([[KEY, HASH]]), names: new Map([[HASH, "naive_conv.cpp.o"]]) };
  return { setup: setup as NumericalInput["setup"], rows, kernels, system: folder, jobs: 1, folder };
}

const large = (args: readonly string[]) => args.includes("64");

test("a user's line has half an hour, and one that needs more is skipped, not refuted, and proves nothing", async (t) => {
  const { runs, exec } = machine("", () => true);
  const [mine, table] = await proveNumerically(input(await scratch(t), [own, ours]), { exec, log: recordedLog() });
  assert.equal(mine?.result, "skipped");
  assert.match(mine?.reason ?? "", /^too large for the virtual device: did not end within 1800 s$/);
  assert.equal(table?.result, "failed");
  // Ours is tried again, for the machine may have been busy
  assert.deepEqual(
    runs.map(({ timeoutMs }) => timeoutMs),
    [1_800_000, 120_000, 120_000],
  );
  const kernel = { name: "naive_conv.cpp.o", args: " -DX -mcpu=gfx1010", hash: HASH, functions: ["fwd"] };
  const [unproven] = coverageOf([kernel], [mine], "gfx1010").unproven;
  assert.match(unproven?.reason ?? "", /no row that executes it passed: conv -n 64 .*too large/);
});

test("a user's line that MIOpenDriver does nothing for is skipped, not refuted; a row of ours is a failure", async (t) => {
  const { exec } = machine("Incorrect LRN Mode\n", () => false);
  const rows = await proveNumerically(input(await scratch(t), [own, ours]), { exec, log: recordedLog() });
  assert.deepEqual(
    rows.map(({ result }) => result),
    ["skipped", "failed"],
  );
  assert.equal(rows[0]?.reason, "MIOpenDriver does nothing for it (Incorrect LRN Mode)");
});

test("a user's line that was wrong before its time was over is refuted", async (t) => {
  const { exec } = machine("Forward Convolution FAILED: 0.3 > 1.5e-06", () => true);
  const [row] = await proveNumerically(input(await scratch(t), [own]), { exec, log: recordedLog() });
  assert.equal(row?.result, "failed");
});

test("controls are run with rows of ours, and with a user's only if it was not too large", async (t) => {
  const folder = await scratch(t);
  const { runs, exec } = machine("Forward Convolution FAILED: 1 > 1.5e-06", large);
  const small: TableRow = { ...own, args: ["conv", "-n", "2", "-F", "1"] };
  const skipped = { result: "skipped" } as const;
  const proofs = [skipped, { result: "failed" }, { result: "passed" }] as never;
  const prover = { ...input(folder, []), program: "/prover", plans: [], database: [], folder: join(folder, "prover") };
  const table = input(folder, [own, small, ours]);
  const ports = { exec, log: recordedLog(), bunzip: async () => [] };
  const controls = await numericalControls({ table, prover, driven: proofs }, ports);
  assert.deepEqual(
    controls.map(({ result }) => result),
    ["passed", "passed"],
  );
  assert.deepEqual(
    runs.map(({ args }) => args[args.indexOf("-n") + 1]),
    ["1", "2"],
  );
});

/** What {@link numericalControls} come to for rows of these operations; the driver prints `said` of each, and launches in vain. */
async function controlsOf(folder: string, said: Record<string, string>) {
  const runs: string[] = [];
  const exec: Exec = {
    run: async ({ args, cwd = "" }) => {
      const operation = args.find((word) => word in said) ?? "";
      runs.push(operation);
      const launch = { event: "launch", kernel: "k", module: HASH, executed: false, milliseconds: 1 };
      const events = [{ event: "start", target: "gfx1010", program: "MIOpenDriver" }, launch];
      const lines = events.map((one) => `${JSON.stringify({ pid: 1, ms: 1, ...one })}\n`);
      writeFileSync(join(cwd, "events.jsonl"), lines.join(""));
      return { code: 0, signal: null, timedOut: false, stdout: said[operation] ?? "", stderr: "", seconds: 1 };
    },
  };
  const rows = Object.keys(said).map((operation): TableRow => ({ ...own, args: [operation, "-F", "1"], keys: [] }));
  const prover = { ...input(folder, []), program: "/prover", plans: [], database: [], folder: join(folder, "prover") };
  const driven = rows.map(() => ({ result: "passed" })) as never;
  const ports = { exec, log: recordedLog(), bunzip: async () => [] };
  const controls = await numericalControls({ table: input(folder, rows), prover, driven }, ports);
  return { runs, results: controls.map(({ operation, result }) => [operation, result]) };
}

const AGREES = {
  dropout: "Forward Dropout Verifies on CPU and GPU (err=0)",
  conv: "Forward Convolution Verifies OK on CPU reference (0 < 1.5e-06)",
};

test("a control that agrees with memory in which no kernel ran is tried with the next row, but not a convolution's", async (t) => {
  const activ = "Difference in neuron layer: 0.19 too large at 0 x = 0.19";
  const { runs, results } = await controlsOf(await scratch(t), { dropout: AGREES.dropout, activ });
  assert.deepEqual(runs, ["dropout", "activ"]);
  assert.deepEqual(results, [["activ", "passed"]]);
  assert.deepEqual((await controlsOf(await scratch(t), { conv: AGREES.conv })).results, [["conv", "failed"]]);
});

test("the control of a set that agrees with such memory throughout is skipped, and nothing is refused for it", async (t) => {
  const { results } = await controlsOf(await scratch(t), { dropout: AGREES.dropout });
  assert.deepEqual(results, [["dropout", "skipped"]]);
});

test("the lines of a file are the user's, whatever the size, and what the sets conv and full are proven with is ours", () => {
  const commands = [
    { args: ["conv", "-n", "1", "-c", "4", "-F", "1", "-b", "1"], family: "file" },
    { args: ["poolfp16"], family: "file" },
  ];
  const { rows } = planRows({ name: "my.log", commands, dialect: STOCK }, new Set(), "gfx1010");
  assert.ok(rows.length > 0 && rows.every((row) => row.own === true));
  const full = planRows({ name: "full", commands, dialect: STOCK }, new Set(), "gfx1010");
  assert.ok(full.rows.every((row) => row.own === undefined));
});

/** A machine on which every run ends in this way, and the device may have seen something before. */
function ending(end: Partial<ExecResult>, ...events: object[]) {
  const counts = { runs: 0 };
  const exec: Exec = {
    run: async ({ cwd = "" }) => {
      counts.runs += 1;
      const start = { pid: 1, ms: 1, event: "start", target: "gfx1010", program: "MIOpenDriver" };
      writeFileSync(join(cwd, "events.jsonl"), [start, ...events].map((one) => `${JSON.stringify(one)}\n`).join(""));
      return { code: null, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 1, ...end };
    },
  };
  return { counts, exec };
}

for (const [what, end, runs, pattern] of [
  ["that memory ran out for twice", { signal: "SIGKILL" }, 2, /conv -n 1 -F 1 was ended from outside by SIGKILL/],
  ["that had no disk left", { code: 1, stderr: "write: No space left on device" }, 1, /disk is full/],
] as const) {
  test(`a run ${what} refutes no kernel, and nothing of it is kept`, async (t) => {
    const folder = await scratch(t);
    const { counts, exec } = ending(end);
    const proving = proveNumerically(input(folder, [ours]), { exec, log: recordedLog() });
    await assert.rejects(proving, { kind: "machine", message: pattern });
    assert.equal(counts.runs, runs);
    assert.ok(!existsSync(join(folder, "rows.jsonl")));
  });
}

test("a kernel that brings the device's process down is refuted, and so is one that faulted before the end", async (t) => {
  const fault = { pid: 1, ms: 1, event: "fault", kernel: "fwd", module: HASH, problem: "endless loop" };
  const crashes = [
    ...(["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"] as const).map((signal) => ending({ signal })),
    ending({ signal: "SIGKILL" }, { ...fault, address: "0x8", instruction: "s_branch 0" }),
  ];
  for (const { exec } of crashes) {
    const [row] = await proveNumerically(input(await scratch(t), [ours]), { exec, log: recordedLog() });
    assert.equal(row?.result, "failed");
  }
});

test("a command's own variables choose neither the reference nor a dangerous solver", async (t) => {
  const seen: Readonly<Record<string, string>>[] = [];
  const { exec } = ending({ code: 0 });
  const watched: Exec = {
    run: (command, options) => {
      seen.push(command.env);
      return exec.run(command, options);
    },
  };
  const env = { MIOPEN_DRIVER_USE_GPU_REFERENCE: "1", MIOPEN_DEBUG_CONV_WINOGRAD: "1", MIOPEN_FIND_MODE: "1" };
  await proveNumerically(input(await scratch(t), [{ ...ours, env }]), { exec: watched, log: recordedLog() });
  const [{ MIOPEN_DRIVER_USE_GPU_REFERENCE: reference, MIOPEN_DEBUG_CONV_WINOGRAD: winograd, ...rest } = {}] = seen;
  assert.deepEqual([reference, winograd, rest.MIOPEN_FIND_MODE], ["0", "0", "1"]);
});

test("a row that follows one that a kill cut short is not lost with it", async (t) => {
  const folder = await scratch(t);
  const first = { result: "passed", command: "the first" };
  const [whole, cut] = [`${JSON.stringify([0, first])}\n`, JSON.stringify([1, first]).slice(0, 20)];
  writeFileSync(join(folder, "rows.jsonl"), whole + cut);
  const { exec } = machine("", () => false);
  const ports = { exec, log: recordedLog() };
  await proveNumerically(input(folder, [ours, ours, ours]), ports);
  const silent: Exec = { run: () => assert.fail("a finished row ran again") };
  const rows = await proveNumerically(input(folder, [ours, ours, ours]), { ...ports, exec: silent });
  assert.deepEqual([rows.length, rows[0]?.command], [3, "the first"]);
});
