import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceEvent } from "../../src/device/events.ts";
import { readDriverLog } from "../../src/miopen/log.ts";
import type { Observation } from "../../src/verify/observe.ts";
import { judge } from "../../src/verify/verdict.ts";

const SET = "MIOpenSubTensorOpWithScalarKernel.cl.o -DWORK_LENGTH_0=64 -mcpu=gfx1010";
const IMAGE = "MIOpenIm2d2Col.cpp.o -DLOCAL_MEM_SIZE=9 -mcpu=gfx1010";
const NAIVE = "naive_conv.cpp.o -DX -mcpu=gfx1010";
const [set, image, naive] = ["5e7".padEnd(32, "0"), "1a9".padEnd(32, "0"), "0a1".padEnd(32, "0")] as const;
const kernels = {
  hashes: new Map([
    [SET, set],
    [IMAGE, image],
    [NAIVE, naive],
  ]),
  names: new Map([
    [set, "MIOpenSubTensorOpWithScalarKernel.cl.o"],
    [image, "MIOpenIm2d2Col.cpp.o"],
    [naive, "naive_conv.cpp.o"],
  ]),
};

const at = { pid: 1, ms: 1 };
const start: DeviceEvent = {
  ...{ ...at, event: "start", target: "gfx1010", wgps: 20, memory: 1, compile: "refuse", program: "MIOpenDriver" },
};
const launch = (module: string, kernel: string, change: { executed?: boolean; milliseconds?: number } = {}) =>
  ({
    ...{ ...at, event: "launch", api: "hipExtModuleLaunchKernel", kernel, module },
    ...{ grid: [256, 1, 1], block: [256, 1, 1], lds: 0, argumentBytes: 8, missingArgumentBytes: 0, arguments: "00" },
    ...{ executed: true, instructions: 1000, milliseconds: 1, ...change },
  }) satisfies DeviceEvent;
const looked = (module: string, name: string): DeviceEvent => ({ ...at, event: "function", module, name, found: true });
const refused = (message: string): DeviceEvent => ({
  ...{ ...at, event: "error", call: "hipExtModuleLaunchKernel", code: 9, name: "hipErrorInvalidConfiguration" },
  message,
});
const fault: DeviceEvent = {
  ...{ ...at, event: "fault", kernel: "Im2d2Col_v2", module: image, problem: "store outside of every allocation" },
  ...{ address: "0x140", instruction: "global_store_dword v[0:1], v2, off" },
};
const cleared = launch(set, "SubTensorOpWithScalar1d");
const found = [looked(set, "SubTensorOpWithScalar1d"), looked(image, "Im2d2Col_v2")];
const TOO_LARGE = "Im2d2Col_v2: a work-group of 256 work-items exceeds the 128 that the kernel was compiled for";
const DIFFERS = "Backward Convolution Weights FAILED: 1 > 3e-06";
const OK = "Backward Convolution Weights Verifies OK on CPU reference (2e-08 < 3e-06)";

interface Run {
  events: readonly DeviceEvent[];
  stdout?: string;
  asked?: readonly string[];
  keys?: readonly string[];
  args?: readonly string[];
  result?: Partial<Observation["result"]>;
}

/** Names of the kernels that a failed run is blamed on. */
function blamed({ events, stdout = DIFFERS, asked = [], keys = [SET, IMAGE], args = ["-F", "4"], result = {} }: Run) {
  const lines = asked.map((key) => {
    const [, name = "", options = ""] = /^(\S+)( .*)$/.exec(key) ?? [];
    return `MIOpen(HIP): Info2 [LoadBinary] Loading binary for: "${name}"; args: ${options}`;
  });
  const ran = { code: 1, signal: null, timedOut: false, stdout, stderr: lines.join("\n"), seconds: 1, ...result };
  const observation: Observation = { result: ran, log: readDriverLog(`${stdout}\n${ran.stderr}`), events };
  const verdict = judge(observation, kernels, { args: ["conv", ...args], keys, solver: null });
  assert.notEqual(verdict.reason, null);
  return verdict.kernels.map(({ name }) => name.replace(/\..*/, ""));
}

const [SETTER, COLUMNS, DIRECT] = ["MIOpenSubTensorOpWithScalarKernel", "MIOpenIm2d2Col", "naive_conv"];
const killed = { timedOut: true, code: null, seconds: 120 };

for (const [what, run, expected] of [
  ["a launch that was refused", { events: [start, ...found, cleared, refused(TOO_LARGE)] }, [COLUMNS]],
  [
    "a fault",
    { events: [start, ...found, cleared, fault, launch(image, "Im2d2Col_v2", { executed: false })] },
    [COLUMNS],
  ],
  [
    "an object that does not load",
    { events: [start, cleared, { ...at, event: "module", source: "data", accepted: false, md5: image, bytes: 1 }] },
    [COLUMNS],
  ],
  [
    "the kernel that was running when the watchdog came",
    { events: [start, cleared], stdout: "", result: killed },
    [COLUMNS],
  ],
  [
    "the kernel that was running at a crash",
    { events: [start, cleared], stdout: "", result: { signal: "SIGSEGV" } },
    [COLUMNS],
  ],
  ["a kernel that was not launched at all", { events: [start], result: killed }, [SETTER, COLUMNS]],
  ["a kernel that nothing predicts, but the run asked for", { events: [start], keys: [], asked: [NAIVE] }, [DIRECT]],
] as const satisfies readonly (readonly [string, Run, readonly unknown[]])[]) {
  test(`a failed run is blamed on ${what}, not on what ended well before it`, () => {
    assert.deepEqual(blamed(run), expected);
  });
}

for (const [what, run, expected] of [
  [
    "several comparisons, of which another may have failed",
    { events: [start, ...found, cleared, refused(TOO_LARGE)], args: ["-F", "6"] },
    [SETTER, COLUMNS],
  ],
  ["a refused launch of rocBLAS's", { events: [start, ...found, cleared, refused("Cijk_A: no")] }, [SETTER, COLUMNS]],
  [
    "time that went into the launches",
    { events: [start, launch(set, "S", { milliseconds: 90_000 })], stdout: "", result: killed },
    [SETTER, COLUMNS],
  ],
  [
    "another solver that ran after the refusal",
    { events: [start, ...found, cleared, refused(TOO_LARGE), launch(naive, "naive_wrw")] },
    [DIRECT, COLUMNS],
  ],
  [
    "a wrong result of another solver before a crash",
    { events: [start, launch(naive, "naive_wrw")], result: { signal: "SIGSEGV" } },
    [DIRECT, SETTER, COLUMNS],
  ],
  ["a wrong result", { events: [start, cleared, launch(image, "Im2d2Col_v2")] }, [SETTER, COLUMNS]],
] as const satisfies readonly (readonly [string, Run, readonly unknown[]])[]) {
  test(`a failed run is blamed on all that it used where that cannot be told: ${what}`, () => {
    assert.deepEqual(blamed(run), expected);
  });
}

test("a run that failed for want of the device or of a kernel is blamed on no kernel that it did not launch", () => {
  assert.deepEqual(blamed({ events: [] }), []);
  const lacks = 'MIOpen(HIP): Info2 [LoadBinary] Unable to load binary for: "other.o"; args:  -mcpu=gfx1010';
  assert.deepEqual(blamed({ events: [start], stdout: lacks, asked: [SET] }), []);
});

test("a run that passed used what it launched", () => {
  const ran = { code: 0, signal: null, timedOut: false, stdout: OK, stderr: "", seconds: 1 };
  const events = [start, cleared, launch(image, "Im2d2Col_v2")];
  const observation: Observation = { result: ran, log: readDriverLog(OK), events };
  const expected = { args: ["conv", "-F", "4"], keys: [SET, IMAGE], solver: null };
  const { reason, kernels: used } = judge(observation, kernels, expected);
  assert.equal(reason, null);
  assert.deepEqual(
    used.map(({ hash, functions }) => [hash, functions?.length]),
    [
      [set, 1],
      [image, 1],
    ],
  );
});
