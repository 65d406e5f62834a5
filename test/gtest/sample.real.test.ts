// A sample of MIOpen's own test suite; all of it: npm run gtest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { scratch, toolchainUnderTest } from "../device/support.ts";
import { eachNth, plannedParts } from "./parts.ts";
import { summary } from "./report.ts";
import { Suite, testsOf } from "./suite.ts";

/** Without what takes seconds a case, mostly for references on the host: batch norm, fused convolutions, attention. */
const FILTER =
  "Smoke/*-*Large*:*ConvBiasActiv*:*ConvGrp*:*BNFWDTrainSmall*:*BNBWDSmall*:*BNInferSmall*:*Mha*:*Reduce_*";
/** Tensor reduction fails to compile, a second a case: one of them. */
const REDUCTION = "Smoke/GPU_Reduce_FP32.TestFloat/8";

test("a sample of MIOpen's own tests passes, and what fails is explained and not the device's", async (t) => {
  const toolchain = await toolchainUnderTest();
  if (typeof toolchain === "string") return t.skip(toolchain);
  const tested = testsOf(toolchain);
  if (typeof tested === "string") return t.skip(tested);
  const suite = await Suite.open(tested, "gfx1010", await scratch(t));
  const names = [...eachNth(await suite.list(FILTER), 130), REDUCTION];
  const parts = plannedParts(names, Math.ceil(names.length / 2));
  const results = await Promise.all(parts.map((part, worker) => suite.run(part, worker)));
  const { lines, bad } = summary(results);
  t.diagnostic(lines.at(-2) ?? "");
  assert.equal(bad, 0, lines.join("\n"));
  const cases = results.flatMap((result) => result.cases);
  assert.deepEqual(cases.map(({ name }) => name).toSorted(), names.toSorted());
  assert.ok(cases.filter(({ outcome }) => outcome === "passed").length > names.length / 2, lines.join("\n"));
  assert.equal(cases.find(({ name }) => name === REDUCTION)?.outcome, "failed");
});
