import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parsePatch } from "../../src/miopen/patches/parse.ts";
import { projectRoot } from "./context.ts";
import { controlSeries, readSeries, slugOf } from "./control-series.ts";

for (const version of ["3.4", "3.5"]) {
  describe(`a control series of ${version}`, async () => {
    const series = await readSeries(join(projectRoot, "patches", version));
    const all = series.map(({ name }) => slugOf(name));
    const left = (...without: string[]) => controlSeries(series, without);

    test("has the other patches as they are", () => {
      const patches = left("rdna1-no-search", "nearest-cu");
      assert.equal(patches.length, series.length - 2);
      for (const patch of patches) assert.ok(series.includes(patch) && !/no-search|nearest-cu/.test(patch.name));
    });

    test("keeps what the others need of rdna1-detect, without the refusal", () => {
      const detect = left("rdna1-detect").find(({ name }) => slugOf(name) === "rdna1-detect");
      const { touched, fault } = parsePatch(detect?.text ?? "", 1);
      assert.equal(fault, null);
      assert.ok(touched.includes("src/rdna1.cpp"));
      const calls = (text = "") =>
        text.split("diff --git").filter((file) => /handlehip/.test(file) && /RefuseSpoof/.test(file));
      assert.equal(calls(series.find(({ name }) => slugOf(name) === "rdna1-detect")?.text).length, 1);
      assert.deepEqual(calls(detect?.text), []);
    });

    test("has nothing of RDNA1 when every patch that asks for it is left out", () => {
      const rest = left(...all.filter((slug) => /rdna1|nearest-cu|batchnorm/.test(slug)));
      assert.deepEqual(
        rest.map(({ name }) => slugOf(name)),
        ["newer-toolchain", "embedded-kernels", "own-databases"],
      );
    });
  });
}
