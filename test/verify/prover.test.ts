import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { virtualDevice } from "../../src/device/device.ts";
import type { DeviceEvent } from "../../src/device/events.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { im2d2colKey, im2d2colShape } from "../../src/kernels/im2col.ts";
import { databaseKey, setTensorKey } from "../../src/kernels/keys.ts";
import { randomProblems } from "../../src/kernels/probes.ts";
import { outputOf } from "../../src/kernels/problem.ts";
import { im2colCases, shapeId } from "../../src/kernels/ranges.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { int8CaseOf } from "../../src/verify/command-rows.ts";
import { im2colProblems, overflowsLds } from "../../src/verify/im2col-problems.ts";
import { withoutFailed } from "../../src/verify/leave-out.ts";
import { proveCommandWithProver, proveWithProver } from "../../src/verify/prover.ts";
import { type ObjectPlan, planProver, planText } from "../../src/verify/prover-plan.ts";
import { type CaseResult, proverRow, readResults } from "../../src/verify/prover-rows.ts";
import { sampleToolchain } from "../release/sample.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

const PATCHED = { release: "3.4", patched: true } as const;
const proofs = im2colProblems(2, STOCK);

for (const [how, dialect] of [
  ["exact", STOCK],
  ["rounded", PATCHED],
] as const) {
  test(`every Im2d2Col key of the promised ranges gets two different problems, tiles being ${how}`, () => {
    const proofs = im2colProblems(2, dialect);
    assert.deepEqual(
      proofs.map(({ shape }) => shapeId(shape)).sort(),
      im2colCases(undefined, dialect)
        .map(({ shape }) => shapeId(shape))
        .sort(),
    );
    for (const { shape, problems } of proofs) {
      assert.equal(new Set(problems.map((problem) => JSON.stringify(problem))).size, 2);
      for (const problem of problems) {
        assert.deepEqual(im2d2colShape(problem, dialect), shape);
        assert.ok(outputOf(problem).every((size) => size >= 1));
        assert.equal(overflowsLds(problem, dialect), false);
      }
    }
  });
}

test("the patches' tiles never hold less than the images, so that no problem overflows them", () => {
  for (const problem of randomProblems(3000, 5).filter(({ input }) => input.length === 2)) {
    assert.equal(overflowsLds(problem, PATCHED), false, JSON.stringify(problem));
  }
});

test("every second problem is padded on each axis, where the key leaves a choice", () => {
  const share = (turn: number, which: (pad: readonly number[]) => boolean) =>
    proofs.filter(({ problems }) => which(problems[turn]?.pad ?? [])).length / proofs.length;
  assert.ok(share(0, (pad) => pad.every((size) => size > 0)) > 0.99);
  assert.ok(share(1, (pad) => pad.every((size) => size === 0)) > 0.9);
});

test("the problems have padding, remainders, dilation, odd channels, and more than one image", () => {
  const all = proofs.flatMap(({ problems }) => problems);
  const share = (which: (problem: (typeof all)[number]) => boolean) => all.filter(which).length / all.length;
  assert.ok(share(({ pad }) => pad.some((size) => size > 0)) > 0.5);
  assert.ok(share(({ dilation }) => dilation.some((step) => step > 1)) > 0.3);
  assert.ok(share(({ n }) => n > 1) > 0.5);
  assert.ok(share(({ c }) => c % 2 === 1) > 0.3);
  const leavesRest = ({ input, pad, filter, stride, dilation }: (typeof all)[number]) =>
    input.some((size, axis) => {
      const extent = ((filter[axis] ?? 1) - 1) * (dilation[axis] ?? 1) + 1;
      return (size + 2 * (pad[axis] ?? 0) - extent) % (stride[axis] ?? 1) !== 0;
    });
  assert.ok(share(leavesRest) > 0.3);
});

test("knows where MIOpen's kernel fills more LDS than it has: 1x7 over 8x14 with four channels", () => {
  const wide = {
    type: "fp32",
    direction: "forward",
    n: 1,
    c: 4,
    k: 4,
    groups: 1,
    filter: [1, 7],
    layout: "NCHW",
  } as const;
  const plain = { pad: [0, 0], stride: [1, 1], dilation: [1, 1], transposed: false };
  assert.equal(overflowsLds({ ...wide, ...plain, input: [8, 14] }, STOCK), true);
  assert.equal(overflowsLds({ ...wide, ...plain, input: [8, 8], pad: [0, 3] }, STOCK), false);
  assert.equal(overflowsLds({ ...wide, ...plain, input: [8, 14], c: 5 }, STOCK), false);
});

const shape = proofs[0]?.shape ?? { tile: 0, strided: false, oneBlock: false, large: false };
const kernels = [
  { ...databaseKey(im2d2colKey("fp16", shape), "gfx1010"), hash: "a".repeat(32) },
  { ...databaseKey(im2d2colKey("bf16", shape), "gfx1010"), hash: "a".repeat(32) },
  { ...databaseKey(setTensorKey("fp32", 4), "gfx1010"), hash: "b".repeat(32) },
  { name: "MIOpenCol2Im2d.cpp.o", args: " -mcpu=gfx1010", hash: "c".repeat(32) },
];
const plans = planProver(kernels, "gfx1010", STOCK);

test("plans the kernels that the set holds, one plan an object, each key twice", () => {
  assert.deepEqual(
    plans.map(({ hash, keys, cases }) => [hash[0], keys.length, cases.length]),
    [
      ["a", 2, 5],
      ["b", 1, 3],
    ],
  );
  assert.deepEqual(planProver(kernels, "gfx1012", STOCK), []);
});

test("the plan file names each object's place and numbers the cases", () => {
  const places = new Map(plans.map(({ hash }, index) => [hash, { offset: index * 100, bytes: 90 }]));
  const lines = planText(plans, places).split("\n");
  assert.equal(lines[0], `object ${"a".repeat(32)} 0 90`);
  assert.match(lines[1] ?? "", /^im2d2col 0 fp16 channels=\d+ images=\d+ which=0 together=\d/);
  assert.match(lines[7] ?? "", /^setTensor 5 fp32 length=4 offset=0 stride=1 value=0 threads=4$/);
  assert.throws(() => planText(plans, new Map()), /in no place/);
});

const [, whole] = plans as [ObjectPlan, ObjectPlan];
const plan = { ...whole, cases: whole.cases.slice(0, 2) };
const at = { pid: 1, ms: 1 };
const launch: DeviceEvent = {
  ...{ ...at, event: "launch", api: "hipModuleLaunchKernel", kernel: "SubTensorOpWithScalar1d", module: plan.hash },
  ...{ grid: [4, 1, 1], block: [4, 1, 1], lds: 0, argumentBytes: 24, missingArgumentBytes: 0, arguments: "" },
  ...{ executed: true, instructions: 10, milliseconds: 1 },
};
const good = (id: number): CaseResult => ({ id, elements: 4, wrong: 0, first: 0, expected: "0", found: "0" });
const row = (results: (CaseResult | null)[], events: DeviceEvent[] = [launch, launch], ended: string | null = null) =>
  proverRow("gfx1010", plan, results, events, { seconds: 0.1, ended });

test("an object passes when every case of it came out bit by bit and was executed", () => {
  const { result, reference, kernels: used, keys, instructions, error } = row([good(0), good(1)]);
  assert.deepEqual([result, reference, keys, instructions, error], ["passed", "ours", 1, 20, 0]);
  const name = "MIOpenSubTensorOpWithScalarKernel.cl.o";
  assert.deepEqual(used, [{ name, hash: plan.hash, functions: ["SubTensorOpWithScalar1d"] }]);
});

const wrong: CaseResult = { id: 1, elements: 4, wrong: 1, first: 2, expected: "0", found: "a5a5a5a5" };
const fault: DeviceEvent = {
  ...{ ...at, event: "fault", kernel: "SubTensorOpWithScalar1d", module: plan.hash, problem: "endless loop" },
  ...{ address: "0x8", instruction: "s_branch 0" },
};
for (const [what, results, events, ended, pattern] of [
  [
    "a wrong element, where and what",
    [good(0), wrong],
    [launch, launch],
    null,
    /1 of 4 .* first at 2 \(a5a5a5a5 instead of 0\), at 3 el/,
  ],
  [
    "a fault of the kernel",
    [{ id: 0, call: "hipModuleLaunchKernel", code: 719 }, good(1)],
    [fault, launch],
    null,
    /endless loop \(s_branch 0 at 0x8\)/,
  ],
  [
    "an object that does not load",
    [{ id: 0, call: "hipModuleLoadData", code: 209 }, good(1)],
    [],
    null,
    /hipModuleLoadData failed with 209/,
  ],
  [
    "a kernel that did something forbidden, although its elements are right",
    [good(0), good(1)],
    [fault, launch, launch],
    null,
    /endless loop/,
  ],
  [
    "a compilation that was asked for",
    [good(0), good(1)],
    [launch, launch, { ...at, event: "compile", api: "hiprtc", result: "refused", milliseconds: 1 }],
    null,
    /1 compilations were asked for/,
  ],
  [
    "a case that brought the prover down",
    [good(0), null],
    [launch],
    "the prover ended with SIGSEGV",
    /SIGSEGV, at 3 elements/,
  ],
  [
    "a launch that was not executed",
    [good(0), good(1)],
    [launch, { ...launch, executed: false }],
    null,
    /1 of 2 launches were executed/,
  ],
] as const) {
  test(`the row of an object names ${what}`, () => {
    const { result, reason } = row([...results], [...events] as DeviceEvent[], ended);
    assert.equal(result, "failed");
    assert.match(reason ?? "", pattern);
  });
}

test("an object that does not load, or brings the prover down at its first case, is to blame for its row", () => {
  const rows = [row([{ id: 0, call: "hipModuleLoadData", code: 209 }, null], []), row([null, null], [], "SIGSEGV")];
  for (const { result, kernels: used } of rows) {
    assert.equal(result, "failed");
    assert.deepEqual(used, [{ name: plan.name, hash: plan.hash, functions: [] }]);
  }
  const { kept, leftOut } = withoutFailed(kernels, rows);
  assert.deepEqual([kept.length, leftOut.length], [3, 1]);
});

test("a user's int8 line that takes more than half an hour is skipped, and refuted where its elements are wrong", async (t) => {
  const command = { args: ["convint8", "-n", "1", "-c", "4", "-k", "4", "-F", "1"], family: "mine" };
  const one = int8CaseOf(command, STOCK) ?? assert.fail("no case");
  const kernel = { ...databaseKey(one.key, "gfx1010"), hash: "d".repeat(32), blob: Buffer.from("x"), size: 0 };
  const proven = async (line: string, end: { code: number | null; timedOut: boolean }) => {
    const limits: (number | undefined)[] = [];
    const exec: Exec = {
      run: async ({ cwd = "" }, { timeoutMs } = {}) => {
        limits.push(timeoutMs);
        writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify({ ...at, event: "start" })}\n`);
        return { ...end, signal: null, stdout: line, stderr: "", seconds: 1800 };
      },
    };
    const rocm = sampleToolchain("/rocm");
    const setup = {
      toolchain: rocm,
      device: virtualDevice("/device.so"),
      target: "gfx1010",
      rocblasLibrary: "/r",
    } as const;
    const places = { setup, program: "/prover", database: [kernel], folder: await scratch(t) };
    const ports = { exec, log: recordedLog(), bunzip: async () => [] };
    const { result, reason } = await proveCommandWithProver(places, { command, case: one }, ports);
    assert.deepEqual(limits, [1_800_000]);
    return `${result}: ${reason}`;
  };
  assert.match(
    await proven("", { code: null, timedOut: true }),
    /^skipped: too large for the virtual device: .*1800 s/,
  );
  const line = JSON.stringify({ ...wrong, id: 0 });
  assert.match(await proven(line, { code: 0, timedOut: false }), /^failed: 1 of 4 elements are wrong/);
});

test("reads the prover's whole lines only", () => {
  const line = JSON.stringify(good(7));
  assert.deepEqual([...readResults(`${line}\n{"id":8,"elem`)], [[7, good(7)]]);
});

test("a prover that the machine ended twice refutes nothing, and one that crashed refutes its object", async (t) => {
  const proven = async (signal: NodeJS.Signals) => {
    const counts = { runs: 0 };
    const exec: Exec = {
      run: async ({ cwd = "" }) => {
        counts.runs += 1;
        writeFileSync(join(cwd, "events.jsonl"), `${JSON.stringify({ ...at, event: "start" })}\n`);
        return { code: null, signal, timedOut: false, stdout: "", stderr: "", seconds: 1 };
      },
    };
    const setup = { toolchain: sampleToolchain("/rocm"), device: virtualDevice("/device.so"), rocblasLibrary: "/r" };
    const database = [{ name: plan.name, args: "", hash: plan.hash, blob: Buffer.from("x"), size: 0 }];
    const places = { program: "/prover", plans: [plan], database, jobs: 1, folder: await scratch(t) };
    const ports = { exec, log: recordedLog(), bunzip: async () => [] };
    const rows = proveWithProver({ setup: { ...setup, target: "gfx1010" }, ...places }, ports);
    return { rows, counts };
  };
  const killed = await proven("SIGKILL");
  await assert.rejects(killed.rows, { kind: "machine", message: /the prover was ended from outside by SIGKILL/ });
  assert.equal(killed.counts.runs, 2);
  const [crashed] = await (await proven("SIGSEGV")).rows;
  assert.equal(crashed?.result, "failed");
});

test("only the objects that are still to be proven are unpacked", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "objects.jsonl"), `${JSON.stringify([0, [row([good(0), good(1)])]])}\n`);
  const setup = { toolchain: sampleToolchain("/rocm"), device: virtualDevice("/device.so"), rocblasLibrary: "/r" };
  const database = [{ name: plan.name, args: "", hash: plan.hash, blob: Buffer.from("x"), size: 5 }];
  const places = { program: "/prover", plans: [plan], database, jobs: 1, folder };
  const bunzip = async (packed: readonly unknown[]) => (packed.length === 0 ? [] : assert.fail("was unpacked"));
  const exec: Exec = { run: () => assert.fail("a finished part ran again") };
  const rows = await proveWithProver(
    { setup: { ...setup, target: "gfx1010" }, ...places },
    { exec, log: recordedLog(), bunzip },
  );
  assert.equal(rows.length, 1);
});
