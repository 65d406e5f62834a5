import assert from "node:assert/strict";
import { test } from "node:test";
import type { CaseResult } from "./cases.ts";
import { comparison, toCompare } from "./compare.ts";

const one = (name: string, outcome: CaseResult["outcome"], text = ""): CaseResult => ({
  name,
  outcome,
  seconds: 1,
  text,
});

test("what fails on both cards, or passes on both, breaks nothing", () => {
  const { bad } = comparison([one("a", "failed"), one("b", "passed")], [one("a", "failed"), one("b", "passed")]);
  assert.equal(bad, 0);
});

test("what passes on the control only is named, also when the card merely skips it", () => {
  const control = [one("a", "passed"), one("b", "passed")];
  const { lines, bad } = comparison([one("a", "crashed"), one("b", "skipped")], control);
  assert.equal(bad, 2);
  assert.ok(lines.includes("NOT EXPLAINED: a (crashed)"));
  assert.ok(lines.includes("NOT EXPLAINED: b (skipped)"));
});

test("a kernel that does not compile is named, whatever the control does", () => {
  const text = 'C++ exception with description "Code object build failed. Source: Some.cpp" thrown in the test body.';
  assert.equal(comparison([one("a", "failed", text)], [one("a", "failed", text)]).bad, 1);
});

test("what passed needs no control, and a Winograd solver has none", () => {
  const cases = [one("a", "passed"), one("b", "skipped"), one("Smoke/A.ConvBinWinogradRxS/0", "skipped")];
  assert.deepEqual(toCompare(cases), { left: [cases[1]], aside: 1 });
});
