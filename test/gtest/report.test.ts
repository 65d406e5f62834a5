import assert from "node:assert/strict";
import { test } from "node:test";
import type { CaseResult } from "./cases.ts";
import { ALONE, RACES, whyKnown } from "./known.ts";
import type { PartResult } from "./parts.ts";
import { summary } from "./report.ts";
import { childSeconds, ended, trouble } from "./suite.ts";

const failed = (name: string, text: string): CaseResult => ({ name, outcome: "failed", seconds: 1, text });
const part = (cases: CaseResult[], troubles: Record<string, number> = {}): PartResult => {
  return { cases, seconds: 4, cpuSeconds: 2, troubles };
};

const reduction = failed(
  "Smoke/GPU_Reduce_FP16.TestFloat16/8",
  `/tmp/comgr-1/include/config.hpp:25:2: error: No CK_AMD_GPU_GFX* macro defined. Exactly one target must be defined.
C++ exception with description "vm:src/hipoc/hipoc_program.cpp:299: Code object build failed. Source: gridwise_generic_reduction_first_call_warpwise_reduce_partial_dims.cpp" thrown in the test body.`,
);
const unknownCard = failed(
  "Smoke/GPU_UnitTestConvSolverDirectNaiveBwd_BFP16.ConvDirectNaiveConvBwd/0",
  'unknown file: Failure\nC++ exception with description "unknown_gpu" thrown in SetUp().',
);

test("explains a failure by its cause", () => {
  assert.equal(whyKnown(reduction)?.whose, "MIOpen");
  assert.equal(whyKnown(unknownCard)?.whose, "suite");
});

test("a known case that fails for another cause is not explained", () => {
  assert.equal(whyKnown({ ...reduction, text: "Expected: (error) < (tolerance), actual: 1 vs 0.01" }), null);
  assert.equal(whyKnown({ ...reduction, name: "Smoke/GPU_Lrn_FP32.TestFloat/0" }), null);
  const fault = `rdna1-device: kernel k: reads 4 bytes at 0x10, which is no memory\n${unknownCard.text}`;
  assert.equal(whyKnown({ ...unknownCard, text: fault }), null);
});

test("a crash that another case has prepared is explained by what was captured, and only if the case passes alone", () => {
  const aborted: CaseResult = { name: "Smoke/A.b/0", outcome: "crashed", seconds: 0, text: "Aborted" };
  const result = { code: 134, signal: null, timedOut: false, seconds: 1, stdout: "", stderr: "" };
  const captured = "[ FATAL ] gtest-port.cc:1214:: Only one stderr capturer can exist at a time.";
  const one = ended(aborted, result, captured);
  assert.match(one.text, /^Aborted\n\[ FATAL \].*\nthe program was ended by SIGABRT$/);
  assert.equal(whyKnown(one), null);
  assert.equal(whyKnown({ ...one, text: `${one.text}\n${ALONE}` })?.whose, "suite");
  assert.equal(whyKnown({ ...ended(aborted, result), text: `Aborted\n${ALONE}` }), null);
});

test("counts cases a second of processor time", () => {
  const passed = (name: string): CaseResult => ({ name, outcome: "passed", seconds: 1, text: "" });
  const { lines, bad } = summary([part([passed("a"), reduction]), part([passed("b"), passed("c")])]);
  assert.equal(bad, 0);
  assert.ok(lines.includes("4 cases: 3 passed, 1 failed, 0 crashed, 0 skipped by the suite"));
  assert.ok(lines.includes("4 s of processor time: 1.00 cases a second and core"));
});

test("what is not explained, and what the device lacks, is bad and shown", () => {
  const strange = failed("Smoke/A.b/0", "first line\nsecond line");
  const { lines, bad } = summary([part([strange, reduction], { "unsupported: hipX": 3, "finding: k: hazard: y": 1 })]);
  assert.equal(bad, 2);
  const text = lines.join("\n");
  assert.match(text, /1 × NOT EXPLAINED\n {4}Smoke\/A\.b\/0\n {8}first line\n {8}second line/);
  assert.match(text, /3 × unsupported: hipX/);
  assert.match(text, /1 failures are not explained, 0 are the device's; the device lacks 1 operations/);
});

test("a crash without an explanation is bad, too", () => {
  assert.equal(summary([part([{ ...failed("Smoke/A.b/0", ""), outcome: "crashed" }])]).bad, 1);
});

test("reads processor time from the end of a program's output", () => {
  assert.equal(childSeconds("text 9m9s\n0m0.010000s 0m0.020000s\n1m4.500000s 0m2.250000s\n"), 66.75);
  assert.equal(childSeconds("killed before the shell could say"), 0);
});

test("puts events of the same kind under the same words", () => {
  const common = { pid: 1, ms: 1 };
  assert.equal(trouble({ ...common, event: "unsupported", call: "hipX" }), "unsupported: hipX");
  assert.equal(trouble({ ...common, event: "unload", md5: "x" }), null);
  const fault = { ...common, event: "fault", kernel: "k", module: "m", address: "0x4", instruction: "i" } as const;
  assert.equal(
    trouble({ ...fault, problem: "reads 4 bytes at 0x7f00" }),
    trouble({ ...fault, problem: "reads 8 bytes at 0x1" }),
  );
});

test("says what ended a program; an exception that was let through is the case's failure, not a crash", () => {
  const result = { code: 134, signal: null, timedOut: false, stdout: "", stderr: "", seconds: 1 };
  const crashed: CaseResult = { ...failed("Smoke/A.b/0", ""), outcome: "crashed" };
  assert.equal(ended(crashed, result).outcome, "crashed");
  assert.match(ended(crashed, result).text, /the program was ended by SIGABRT/);
  assert.match(ended(crashed, { ...result, code: 3 }).text, /the program ended with 3/);
  assert.match(ended(crashed, { ...result, timedOut: true }).text, /the watchdog ended the program/);
  const thrown =
    "terminate called after throwing an instance of 'miopen::Exception'\n  what():  Failed to load kernel source";
  assert.equal(ended({ ...crashed, text: thrown }, result).outcome, "failed");
  assert.deepEqual(ended(unknownCard, result), unknownCard);
});

test("a race counts as attention's only when the case passed in the other order", () => {
  const text = "graphapi_capi_mha_forward.cpp:258: Failure\nExpected: (difference) < (threshold), actual: inf vs 5e-06";
  const attention = failed("Smoke/GPU_MhaForward_FP32.TestFloat/1", text);
  assert.equal(whyKnown(attention), null);
  assert.equal(whyKnown({ ...attention, text: `${text}\n${RACES}` })?.whose, "MIOpen");
  assert.equal(whyKnown({ ...attention, name: "Smoke/GPU_Lrn_FP32.TestFloat/0", text: `${text}\n${RACES}` }), null);
});
