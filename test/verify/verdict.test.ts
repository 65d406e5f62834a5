import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceEvent } from "../../src/device/events.ts";
import { readDriverLog } from "../../src/miopen/log.ts";
import type { Observation } from "../../src/verify/observe.ts";
import { judge } from "../../src/verify/verdict.ts";

const KEY = "naive_conv.cpp.o -DX -mcpu=gfx1010";
const HASH = "faabb751ce777a18836d0763af1b7cba";
const kernels = { hashes: new Map([[KEY, HASH]]), names: new Map([[HASH, "naive_conv.cpp.o"]]) };
const at = { pid: 1, ms: 1 };
const start: DeviceEvent = {
  ...{ ...at, event: "start", target: "gfx1010", wgps: 20, memory: 1, compile: "refuse", program: "MIOpenDriver" },
};
const launch = (change: Partial<Extract<DeviceEvent, { event: "launch" }>> = {}): DeviceEvent => ({
  ...{ ...at, event: "launch", api: "hipExtModuleLaunchKernel", kernel: "naive_fwd", module: HASH },
  ...{ grid: [256, 1, 1], block: [256, 1, 1], lds: 0, argumentBytes: 8, missingArgumentBytes: 0, arguments: "00" },
  ...{ executed: true, instructions: 1000, milliseconds: 1, ...change },
});
const LOG = [
  "MIOpen(HIP): Info [ConvolutionForwardImmediate] solver_id = ConvDirectNaiveConvFwd, workspace = 0",
  'MIOpen(HIP): Info2 [LoadBinary] Loading binary for: "naive_conv.cpp.o"; args:  -DX -mcpu=gfx1010',
].join("\n");
const OK = "Forward Convolution Verifies OK on CPU reference (2e-08 < 1.5e-06)";

interface Change {
  stdout?: string;
  stderr?: string;
  events?: readonly DeviceEvent[];
  result?: Partial<Observation["result"]>;
  args?: readonly string[];
  keys?: readonly string[];
}

function verdict({
  stdout = OK,
  stderr = LOG,
  events = [start, launch()],
  result = {},
  args,
  keys = [KEY],
}: Change = {}) {
  const ran = { code: 0, signal: null, timedOut: false, stdout, stderr, seconds: 0.1, ...result };
  const observation: Observation = { result: ran, log: readDriverLog(`${stdout}\n${stderr}`), events };
  const expected = { args: args ?? ["conv", "-F", "1"], keys, solver: "ConvDirectNaiveConvFwd" };
  return judge(observation, kernels, expected);
}

test("passes a run that agrees with the host, from the set, executed, with the solver forced", () => {
  assert.deepEqual(verdict(), {
    reason: null,
    unfinished: false,
    kernels: [{ name: "naive_conv.cpp.o", hash: HASH, functions: ["naive_fwd"] }],
    findings: [],
    instructions: 1000,
    error: 2e-8,
  });
});

const fault: DeviceEvent = {
  ...{ ...at, event: "fault", kernel: "naive_fwd", module: HASH, problem: "store outside of every allocation" },
  ...{ address: "0x140", instruction: "global_store_dword v[0:1], v2, off" },
};
const compile: DeviceEvent = {
  ...{ ...at, event: "compile", api: "hiprtc", program: "x.cpp", options: [], milliseconds: 1, result: "refused" },
  status: 6,
};
const refused: DeviceEvent = {
  ...{ ...at, event: "error", call: "hipExtModuleLaunchKernel", code: 9, name: "hipErrorInvalidConfiguration" },
  message: "naive_fwd: a work-group of 512 work-items exceeds the 256 that the kernel was compiled for",
};
const refusedRun = { events: [start, refused], stdout: "Forward Convolution FAILED: 1.79769e+308 > 1.5e-06" };
const missing = 'MIOpen(HIP): Info2 [LoadBinary] Unable to load binary for: "other.o"; args:  -mcpu=gfx1010';

for (const [what, change, pattern] of [
  [
    "whose results differ",
    { stdout: "Forward Convolution FAILED: 0.3 > 1.5e-06", result: { code: 4 } },
    /differs.*0\.3/,
  ],
  ["that compared nothing", { stdout: "" }, /said nothing about Forward Convolution/],
  ["that compared with the device itself", { stdout: OK.replace("CPU", "GPU") }, /not the host's/],
  ["whose error the driver lets pass, but not we", { stdout: OK.replace("2e-08", "1.2e-06") }, /more than 0\.000001/],
  [
    "whose bf16 error is one wrong element in some hundreds",
    {
      stdout: OK.replace("2e-08", "0.03"),
      args: ["convbfp16", "-F", "1"],
    },
    /0\.03, more than 0\.008/,
  ],
  ["without the device", { events: [] }, /device was not loaded/],
  ["that launched nothing", { events: [start] }, /no kernel was launched/],
  ["that executed nothing", { events: [start, launch({ executed: false })] }, /launched, but not executed/],
  ["that asked for a compilation", { events: [start, launch(), compile] }, /1 compilations/],
  ["that asked for a kernel that is not in the set", { stderr: `${LOG}\n${missing}` }, /set lacks other\.o/],
  ["that launched a kernel from elsewhere", { events: [start, launch({ module: "0" })] }, /not in the set/],
  [
    "with a fault, naming it",
    { events: [start, fault, launch({ executed: false })], stdout: "" },
    /store outside.*0x140/,
  ],
  ["whose launch was refused, although MIOpenDriver compares all the same", refusedRun, /work-group of 512 .* exceeds/],
  ["of another solver", { stderr: LOG.replace("ConvDirectNaiveConvFwd", "GemmFwdRest") }, /GemmFwdRest ran instead/],
  ["that does not show its solver", { stderr: "" }, /nothing shows that/],
  ["that used another kernel than the row is for", { keys: [KEY, "MIOpenIm3d2Col.cpp.o"] }, /Im3d2Col\.cpp\.o was not/],
  ["that did not end", { result: { timedOut: true, code: null, seconds: 60 } }, /did not end within 60 s/],
  ["that crashed after the comparison", { result: { signal: "SIGSEGV", code: null } }, /ended by SIGSEGV/],
] as const satisfies readonly (readonly [string, Change, RegExp])[]) {
  test(`refutes a run ${what}`, () => assert.match(verdict(change).reason ?? "passed", pattern));
}

test("weights may differ twice as much, as in the driver", () => {
  const stdout = "Backward Convolution Weights Verifies OK on CPU reference (1.5e-06 < 3e-06)";
  assert.equal(verdict({ stdout, args: ["conv", "-F", "4"] }).reason, null);
});

test("names what a card would let pass, each thing once, and passes", () => {
  const finding: DeviceEvent = {
    ...{
      ...at,
      event: "finding",
      kind: "uninitialised",
      kernel: "naive_fwd",
      module: HASH,
      problem: "v3 was never written",
    },
    ...{ address: "0x10", instruction: "v_add_f32 v1, v2, v3" },
  };
  const { reason, findings } = verdict({ events: [start, finding, finding, launch()] });
  assert.equal(reason, null);
  assert.deepEqual(findings, ["uninitialised: naive_fwd: v_add_f32 v1, v2, v3 at 0x10"]);
});

test("MIOpen's own reason goes before a comparison of what nothing has computed", () => {
  const stdout = "Forward Convolution FAILED: 1.79769e+308 > 1.5e-06";
  const stderr = "MIOpen(HIP): Error [FindConvFwdAlgorithm] No suitable algorithm was found";
  assert.match(verdict({ stdout, stderr, events: [start] }).reason ?? "", /No suitable algorithm/);
  assert.match(verdict({ stdout, stderr }).reason ?? "", /differs from the CPU reference/);
});
