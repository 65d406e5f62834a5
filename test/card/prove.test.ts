import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CardHealth } from "../../src/card/health.ts";
import { Journal } from "../../src/card/journal.ts";
import { driveTable } from "../../src/card/prove.ts";
import { virtualDevice } from "../../src/device/device.ts";
import type { Exec, ExecOptions, ExecResult } from "../../src/ports/exec.ts";
import type { NumericalInput } from "../../src/verify/numerical.ts";
import type { TableRow } from "../../src/verify/table.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

const HASH = "0a1".padEnd(32, "0");
const KEY = "naive_conv.cpp.o -DX -mcpu=gfx1010";
const rows = [1, 2, 3].map(
  (n): TableRow => ({
    ...{ args: ["conv", "-n", String(n), "-F", "1"], env: {}, family: "mine", solver: null },
    keys: [{ file: "naive_conv.cpp", options: " -DX" }],
  }),
);

/**
 * How a card takes a row: right, wrong, a process that does not end, or one that cannot even be ended; or no card answers,
 * or the process is killed between its launches.
 */
type Behaviour = "right" | "wrong" | "hangs" | "stuck" | "absent" | "killed";

/** A card that takes row `n` as `behaviours[n]` says, each time the next of its list, the last for good. */
function card(behaviours: Readonly<Record<string, readonly Behaviour[]>>) {
  const runs: string[] = [];
  const exec: Exec = {
    run: async ({ args, cwd = "" }, { timeoutMs = 0 }: ExecOptions = {}) => {
      const n = args[args.indexOf("-n") + 1] ?? "";
      const list = behaviours[n] ?? ["right"];
      const behaviour = list[Math.min(runs.filter((one) => one === n).length, list.length - 1)];
      runs.push(n);
      const at = { pid: 1, ms: 1 };
      const kernel = { kernel: "naive_fwd", module: HASH };
      const launch = { ...at, event: "launch", ...kernel, executed: true, milliseconds: 1 };
      const late = behaviour === "hangs" || behaviour === "stuck";
      const start = { ...at, event: "start", device: "card", target: "gfx1010" };
      const named = { ...at, event: "card", name: "AMD Radeon RX 5700 XT", architecture: "gfx1010:xnack-" };
      const launching = { ...at, event: "launching", ...kernel };
      const events =
        behaviour === "absent" ? [start] : late ? [start, named, launching] : [start, named, launching, launch];
      writeFileSync(join(cwd, "events.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      const signal = { hangs: "SIGKILL", absent: "SIGABRT", killed: "SIGKILL" } as const;
      const ended = signal[behaviour as keyof typeof signal] ?? null;
      const said = {
        right: "Forward Convolution Verifies OK on CPU reference (2e-08 < 1.5e-06)",
        wrong: "Forward Convolution FAILED: 1 > 1.5e-06",
        absent: "terminate called: hipMalloc 1024: no ROCm-capable device is detected",
        ...{ hangs: "", stuck: "", killed: "" },
      }[behaviour ?? "right"];
      const result: ExecResult = {
        ...{ code: late || ended !== null ? null : 0, signal: ended, timedOut: late, stdout: said, stderr: "" },
        ...{ seconds: late ? timeoutMs / 1000 : 1, ...(behaviour === "stuck" ? { stuck: true } : {}) },
      };
      return result;
    },
  };
  return { runs, exec };
}

async function table(t: TestContext) {
  const folder = await scratch(t);
  const rocm = sampleToolchain("/rocm");
  const toolchain = { ...rocm, paths: { ...rocm.paths, miopenDriver: "/rocm/bin/MIOpenDriver" } };
  const setup = { toolchain, device: virtualDevice("/device.so"), target: "gfx1010", rocblasLibrary: "/r" };
  const kernels = { hashes: new Map([[KEY, HASH]]), names: new Map([[HASH, "naive_conv.cpp.o"]]) };
  const input: NumericalInput = {
    ...{ setup: setup as NumericalInput["setup"], rows, kernels, system: folder, jobs: 1, folder },
  };
  const waits: number[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    random: () => 0,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
  const drive = async ({ exec }: { exec: Exec }) => {
    const health = new CardHealth(input, exec, clock);
    const { rows: proofs, name } = await driveTable(input, health, { exec, log: recordedLog() });
    assert.equal(name, "AMD Radeon RX 5700 XT");
    return proofs.map(({ result, reason, note }) => [result, reason ?? note].filter(Boolean).join(": "));
  };
  return { drive, waits, journal: join(folder, "card.jsonl") };
}

const HUNG = `failed: did not end within 120 s in naive_fwd (${HASH})`;

test("a row that hangs is run once, named with its kernel, and the next one only after a good one has passed again", async (t) => {
  const { drive } = await table(t);
  const one = card({ 2: ["hangs"] });
  assert.deepEqual(await drive(one), ["passed", HUNG, "passed"]);
  assert.deepEqual(one.runs, ["1", "2", "1", "3"]);
  const later = card({ 2: ["right"] });
  assert.deepEqual(await drive(later), ["passed", HUNG, "passed"], "it is never given to the card again");
  assert.deepEqual(later.runs, []);
});

test("when the good one does not pass again nothing more is run, and a further run goes on behind the row", async (t) => {
  const { drive } = await table(t);
  const lost = card({ 1: ["right", "hangs"], 2: ["hangs"] });
  await assert.rejects(drive(lost), /no longer does what it should \(did not end within 120 s.*after conv -n 2 -F 1/);
  assert.deepEqual(lost.runs, ["1", "2", "1"]);
  const restarted = card({});
  assert.deepEqual(await drive(restarted), ["passed", HUNG, "passed"]);
  assert.deepEqual(restarted.runs, ["3"]);
});

test("where the very first row hangs another one tells whether the card still works", async (t) => {
  const one = card({ 1: ["hangs"] });
  assert.deepEqual(await (await table(t)).drive(one), [HUNG, "passed", "passed"]);
  assert.deepEqual(one.runs, ["1", "2", "2", "3"]);
  const dead = card({ 1: ["hangs"], 2: ["hangs"] });
  await assert.rejects((await table(t)).drive(dead), /no longer does what it should/);
  assert.deepEqual(dead.runs, ["1", "2"]);
});

test("a process that cannot be ended ends everything: it holds the card", async (t) => {
  const one = card({ 2: ["stuck"] });
  await assert.rejects((await table(t)).drive(one), /a process that waits for it cannot be ended, after conv -n 2/);
  assert.deepEqual(one.runs, ["1", "2"]);
});

test("where no card answers nothing is held against a row, and HIP's own words are told", async (t) => {
  const { drive } = await table(t);
  const absent = card({ 1: ["absent"] });
  await assert.rejects(drive(absent), /the card does not answer: .*no ROCm-capable device is detected/);
  await assert.rejects(drive(absent), /the card does not answer/);
  assert.deepEqual(absent.runs, ["1", "1"]);
  assert.deepEqual(await drive(card({})), ["passed", "passed", "passed"]);
});

test("a card that is being reset is asked again for a minute", async (t) => {
  const { drive, waits } = await table(t);
  const reset = card({ 1: ["right", "absent", "absent", "right"], 2: ["hangs"] });
  assert.deepEqual(await drive(reset), ["passed", HUNG, "passed"]);
  assert.deepEqual(reset.runs, ["1", "2", "1", "1", "1", "3"]);
  assert.deepEqual(waits, [5000, 5000]);
  const gone = await table(t);
  await assert.rejects(gone.drive(card({ 1: ["right", "absent"], 2: ["hangs"] })), /no longer does what it should/);
  assert.equal(gone.waits.length, 12);
});

test("a process that something else has killed is run again by the next run", async (t) => {
  const { drive } = await table(t);
  assert.match((await drive(card({ 2: ["killed"] })))[1] ?? "", /^failed: ended by SIGKILL$/);
  const later = card({});
  assert.deepEqual(await drive(later), ["passed", "passed: was wrong in an earlier run: ended by SIGKILL", "passed"]);
});

test("a row that was only wrong is run again the next time, has to be right three times, and says so; what passed is not run", async (t) => {
  const { drive } = await table(t);
  const wrong = "Forward Convolution differs from the CPU reference (error 1)";
  assert.deepEqual(await drive(card({ 2: ["wrong"] })), ["passed", `failed: ${wrong}`, "passed"]);
  const flaky = card({ 2: ["right", "right", "wrong"] });
  assert.deepEqual(await drive(flaky), ["passed", `failed: ${wrong}`, "passed"]);
  assert.deepEqual(flaky.runs, ["2", "2", "2"]);
  const mended = card({});
  assert.deepEqual(await drive(mended), ["passed", `passed: was wrong in an earlier run: ${wrong}`, "passed"]);
  assert.deepEqual(mended.runs, ["2", "2", "2"]);
});

test("a row that the machine went down with is never given to the card again; one that was only interrupted is", async (t) => {
  const { drive, journal } = await table(t);
  const keys = rows.map(({ args, env, solver }) => JSON.stringify([args, env, solver]));
  await (await Journal.open(journal, "an earlier boot")).begin(keys[1] ?? "");
  await (await Journal.open(journal)).begin(keys[2] ?? "");
  const later = card({});
  assert.deepEqual(await drive(later), ["passed", "failed: the machine went down while the card had it", "passed"]);
  assert.deepEqual(later.runs, ["1", "3"]);
});
