import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eachNth, type PartResult, PartStore, plannedParts } from "./parts.ts";

const names = Array.from({ length: 7 }, (_, index) => `Smoke/A.Test/${index}`);
const winograd = "Smoke/GPU_ConvBiasActivInfer_FP32.ConvBinWinogradRxSFused/5";

test("every case is in one part, in order, and none is too large", () => {
  const parts = plannedParts(names, 3);
  assert.deepEqual(
    parts.map((part) => part.names.length),
    [3, 3, 1],
  );
  assert.deepEqual(
    parts.flatMap((part) => part.names),
    names,
  );
  assert.deepEqual(plannedParts([], 3), []);
});

test("only cases whose kernels are missing run where the first exception ends the program", () => {
  const parts = plannedParts([names[0] ?? "", winograd, names[1] ?? ""], 40);
  assert.deepEqual(parts, [
    { names: [winograd], stopAtException: true },
    { names: names.slice(0, 2), stopAtException: false },
  ]);
});

test("takes each n-th case and refuses what is no number", () => {
  assert.deepEqual(eachNth(names, 3), [names[0], names[3], names[6]]);
  assert.deepEqual(eachNth(names, 1), names);
  for (const bad of [0, -1, 1.5, Number.NaN]) assert.throws(() => eachNth(names, bad), /--every/);
});

test("a run goes on where it was interrupted, unless device or cases changed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "rdna1-gtest-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const part = { names, stopAtException: false };
  const result: PartResult = { cases: [], seconds: 2, cpuSeconds: 1, troubles: { "unsupported: hipX": 2 } };
  const store = new PartStore(folder, "one device");
  assert.equal(await store.find(part), null);
  await store.keep(part, result);
  assert.deepEqual(await new PartStore(folder, "one device").find(part), result);
  assert.equal(await new PartStore(folder, "another device").find(part), null);
  assert.equal(await store.find({ ...part, names: names.slice(1) }), null);
  assert.equal(await store.find({ ...part, stopAtException: true }), null);
  const [file = ""] = await readdir(folder);
  await writeFile(join(folder, `${file}.123.tmp`), "{"); // what a killed run left aside
  assert.deepEqual(await store.find(part), result);
});
