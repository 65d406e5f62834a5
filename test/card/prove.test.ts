import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CardHealth, driveTable } from "../../src/card/prove.ts";
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

/** How a card takes a row: right, wrong, a process that does not end, or one that cannot even be ended. */
type Behaviour = "right" | "wrong" | "hangs" | "stuck";

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
      const events = [
        { ...at, event: "start", target: "gfx1010" },
        { ...at, event: "card", name: "AMD Radeon RX 5700 XT", architecture: "gfx1010:xnack-" },
        { ...at, event: "launching", ...kernel },
        ...(late ? [] : [launch]),
      ];
      writeFileSync(join(cwd, "events.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      const result: ExecResult = {
        ...{ code: late ? null : 0, signal: behaviour === "hangs" ? "SIGKILL" : null, timedOut: late },
        stdout: late
          ? ""
          : `Forward Convolution ${behaviour === "right" ? "Verifies OK on CPU reference (2e-08 < 1.5e-06)" : "FAILED: 1 > 1.5e-06"}`,
        ...{ stderr: "", seconds: late ? timeoutMs / 1000 : 1, ...(behaviour === "stuck" ? { stuck: true } : {}) },
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
  return async ({ exec }: { exec: Exec }) => {
    const { rows: proofs, name } = await driveTable(input, new CardHealth(input, exec), { exec, log: recordedLog() });
    assert.equal(name, "AMD Radeon RX 5700 XT");
    return proofs.map(({ result, reason }) => `${result}${reason === null ? "" : `: ${reason}`}`);
  };
}

const HUNG = `failed: did not end within 120 s in naive_fwd (${HASH})`;

test("a row that hangs is run once, named with its kernel, and the next one only after a good one has passed again", async (t) => {
  const drive = await table(t);
  const one = card({ 2: ["hangs"] });
  assert.deepEqual(await drive(one), ["passed", HUNG, "passed"]);
  assert.deepEqual(one.runs, ["1", "2", "1", "3"]);
  const later = card({ 2: ["right"] });
  assert.deepEqual(await drive(later), ["passed", HUNG, "passed"], "it is never given to the card again");
  assert.deepEqual(later.runs, []);
});

test("when the good one does not pass again nothing more is run, and a further run goes on behind the row", async (t) => {
  const drive = await table(t);
  const lost = card({ 1: ["right", "hangs"], 2: ["hangs"] });
  await assert.rejects(
    drive(lost),
    /no longer does what it did before \(did not end within 120 s.*after conv -n 2 -F 1/,
  );
  assert.deepEqual(lost.runs, ["1", "2", "1"]);
  const restarted = card({});
  assert.deepEqual(await drive(restarted), ["passed", HUNG, "passed"]);
  assert.deepEqual(restarted.runs, ["3"]);
});

test("a card that hangs before it has done anything is given nothing more", async (t) => {
  const one = card({ 1: ["hangs"] });
  await assert.rejects((await table(t))(one), /has not done a single row yet: conv -n 1 -F 1: did not end/);
  assert.deepEqual(one.runs, ["1"]);
});

test("a process that cannot be ended ends everything: it holds the card", async (t) => {
  const one = card({ 2: ["stuck"] });
  await assert.rejects((await table(t))(one), /a process that waits for it cannot be ended, after conv -n 2/);
  assert.deepEqual(one.runs, ["1", "2"]);
});

test("a row that is only wrong is run again the next time, what passed is not", async (t) => {
  const drive = await table(t);
  const wrong = "failed: Forward Convolution differs from the CPU reference (error 1)";
  assert.deepEqual(await drive(card({ 2: ["wrong"] })), ["passed", wrong, "passed"]);
  const mended = card({});
  assert.deepEqual(await drive(mended), ["passed", "passed", "passed"]);
  assert.deepEqual(mended.runs, ["2"]);
});
