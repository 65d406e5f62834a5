import assert from "node:assert/strict";
import { test } from "node:test";
import { listedCases, readCases } from "./cases.ts";

test("lists enabled cases by their full names", () => {
  const listing = `PRNG seed: 12345678
Smoke/GPU_Lrn_FP32.  # TypeParam = float
  TestFloat/0  # GetParam() = ({ 32, 8, 10 }, true)
  TestFloat/1  # GetParam() = 40-byte object <09-00 00-00>
  DISABLED_TestFloat/2  # GetParam() = 1
Smoke/DISABLED_GPU_Old.
  Test/0
CPU_Other_NONE.
  Plain
`;
  assert.deepEqual(listedCases(listing), [
    "Smoke/GPU_Lrn_FP32.TestFloat/0",
    "Smoke/GPU_Lrn_FP32.TestFloat/1",
    "CPU_Other_NONE.Plain",
  ]);
});

const output = `Note: Google Test filter = A.*
[ RUN      ] A.passes/0
a warning, no failure
[       OK ] A.passes/0 (1500 ms)
[ RUN      ] A.fails/1
file.cpp:1: Failure
text without a newline[  FAILED  ] A.fails/1, where GetParam() = (2, "x") (20 ms)
[ RUN      ] A.skips/2
file.cpp:2: Skipped
[  SKIPPED ] A.skips/2 (0 ms)
[ RUN      ] A.dies/3
terminate called
`;

test("reads how each case ended, with the text of those that did not pass", () => {
  assert.deepEqual(readCases(output), [
    { name: "A.passes/0", outcome: "passed", seconds: 1.5, text: "" },
    { name: "A.fails/1", outcome: "failed", seconds: 0.02, text: "file.cpp:1: Failure" },
    { name: "A.skips/2", outcome: "skipped", seconds: 0, text: "file.cpp:2: Skipped" },
    { name: "A.dies/3", outcome: "crashed", seconds: 0, text: "terminate called\n" },
  ]);
});

test("the summary at a program's end gives no second result", () => {
  const end = "[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.fails/1, where GetParam() = (2)\n\n 1 FAILED TEST\n";
  const whole = `${output.slice(0, output.indexOf("[ RUN      ] A.dies/3"))}${end}`;
  assert.deepEqual(
    readCases(whole).map(({ name }) => name),
    ["A.passes/0", "A.fails/1", "A.skips/2"],
  );
});

test("keeps beginning and end of a long text", () => {
  const noise = "error: the same again\n".repeat(5000);
  const [one] = readCases(`[ RUN      ] A.long\nfirst line\n${noise}last line\n[  FAILED  ] A.long (1 ms)\n`);
  assert.match(one?.text ?? "", /^first line\n[\s\S]*… \d+ characters …[\s\S]*last line$/);
  assert.ok((one?.text.length ?? 0) < 20_000);
});
