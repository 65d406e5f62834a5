import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedChecks, largestError, readChecks, whyUnproven } from "../../src/verify/checks.ts";

// Lines as MIOpenDriver 3.5.1 prints them
const LINES: readonly (readonly [string, ReturnType<typeof readChecks>[number]])[] = [
  [
    "Forward Convolution Verifies OK on CPU reference (7.6e-08 < 1.5e-06)",
    { what: "Forward Convolution", passed: true, reference: "CPU", error: 7.6e-8 },
  ],
  [
    "Backward Convolution Weights Verifies OK on GPU reference (0 < 3e-06)",
    { what: "Backward Convolution Weights", passed: true, reference: "GPU", error: 0 },
  ],
  [
    "Backward Convolution Bias Verifies OK on CPU reference (1e-09)",
    { what: "Backward Convolution Bias", passed: true, reference: "CPU", error: 1e-9 },
  ],
  [
    "Forward Convolution FAILED: 0.312573 > 1.5e-06",
    { what: "Forward Convolution", passed: false, reference: "CPU", error: 0.312573 },
  ],
  [
    "Backward Convolution Data FAILED: -nan > 1.5e-06",
    { what: "Backward Convolution Data", passed: false, reference: "CPU", error: null },
  ],
  [
    "Forward Pooling Verifies on CPU and GPU (3e-08, 9)",
    { what: "Forward Pooling", passed: true, reference: "CPU", error: 3e-8 },
  ],
  ["Forward Pooling verification FAILED", { what: "Forward Pooling", passed: false, reference: "CPU", error: null }],
  [
    "Backward Pooling verification FAILED (0.5, 9)",
    { what: "Backward Pooling", passed: false, reference: "CPU", error: null },
  ],
  [
    "Forward Softmax Verifies on CPU and GPU (err=0.000002)",
    { what: "Forward Softmax", passed: true, reference: "CPU", error: 0.000002 },
  ],
  [
    "Forward batch norm verification passed on running mean (4e-09)",
    { what: "Forward batch norm running mean", passed: true, reference: "CPU", error: 4e-9 },
  ],
  [
    "Backwards prop batch norm verification FAILED on dscale: 0.7",
    { what: "Backwards prop batch norm", passed: false, reference: "CPU", error: 0.7 },
  ],
  [
    "Backwards Prop Batch Norm Verifies on CPU and GPU.",
    { what: "Backwards Prop Batch Norm", passed: true, reference: "CPU", error: null },
  ],
  [
    "Difference in neuron layer: 0.193284 too large at 0 x = 0.193284  c_v = 0.193284 vs g_val = 0 tolerance = 9.53674e-06",
    { what: "Forward Activation", passed: false, reference: "CPU", error: null },
  ],
  [
    "Difference in neuron back-propagation: 0.0244539 too large at 0 dy = -0.0244539 x = 0.193284 y = 0",
    { what: "Backward Activation", passed: false, reference: "CPU", error: null },
  ],
  [
    "Difference in Tensor Op result: 1.07667 too large at 0 cpu value = -0.712365 , gpu_val = -1.78903 tolreance = 9.53674e-06",
    { what: "Tensor Op", passed: false, reference: "CPU", error: null },
  ],
  ["Tensor Op verifies on CPU and GPU", { what: "Tensor Op", passed: true, reference: "CPU", error: null }],
];

for (const [line, check] of LINES) {
  test(`reads: ${line}`, () => assert.deepEqual(readChecks(`noise\n${line}\nnoise`), [check]));
}

test("a driver that could not run counts as a failure of what it names", () => {
  assert.deepEqual(readChecks("RunForwardGPU() FAILED, rc = 0x7"), []);
  assert.deepEqual(readChecks("MIOpen(HIP): Info [x] solver_id = GemmFwdRest"), []);
});

const conv = (...more: string[]) => ["conv", "-n", "1", ...more];
for (const [args, expected] of [
  [conv("-F", "1"), ["Forward Convolution"]],
  [conv("--forw", "2"), ["Backward Convolution Data"]],
  [conv("-F", "6"), ["Backward Convolution Data", "Backward Convolution Weights"]],
  [conv(), ["Forward Convolution", "Backward Convolution Data", "Backward Convolution Weights"]],
  [conv("-F", "4", "-b", "1"), ["Backward Convolution Weights", "Backward Convolution Bias"]],
  [["poolfp16", "-F", "1"], ["Forward Pooling"]],
  [["pool"], ["Forward Pooling", "Backward Pooling"]],
  [["bnorm", "-F", "2"], ["Forward Batch Norm"]],
  [["bnorm", "-F", "0", "-b", "1"], ["Backwards Prop Batch Norm"]],
  [["tensorop", "-o", "1"], ["Tensor Op"]],
] as const) {
  test(`expects of ${args.join(" ")}: ${expected.join(", ")}`, () => assert.deepEqual(expectedChecks(args), expected));
}

for (const [args, pattern] of [
  [["groupnorm", "-F", "0"], /does not compare the backward pass of groupnorm/],
  [["convint8", "-F", "1"], /bytes of int8 results/],
  [["rnn"], /rnn is not known/],
] as const) {
  test(`says why ${args.join(" ")} cannot be proven`, () => assert.match(String(expectedChecks(args)), pattern));
}

test("a silent driver proves nothing, one direction of two neither, nor does the device's own reference", () => {
  const ok = "Forward Convolution Verifies OK on CPU reference (0 < 1.5e-06)";
  const why = (args: readonly string[], output: string) => whyUnproven(args, readChecks(output));
  assert.equal(why(conv("-F", "1"), ok), null);
  assert.match(why(conv("-F", "1"), "") ?? "", /said nothing about Forward Convolution/);
  assert.match(why(conv("-F", "3"), ok) ?? "", /said nothing about Backward Convolution Data/);
  assert.match(why(conv("-F", "1"), ok.replace("CPU", "GPU")) ?? "", /not the host's/);
  assert.match(why(conv("-F", "1"), `${ok}\nForward Convolution FAILED: 0.1 > 1`) ?? "", /differs .*0\.1/);
});

test("the error of a run is the largest that it printed", () => {
  const output =
    "Backward Convolution Data Verifies OK on CPU reference (1e-8 < 1)\nBackward Convolution Bias FAILED: 3e-7";
  assert.equal(largestError(readChecks(output)), 3e-7);
  assert.equal(largestError([]), null);
});
