import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { applies, drift, driftTable, isAbsent, isSound } from "../../src/commands/drift.ts";
import { summaryMarkdown } from "../../src/job-summary/success.ts";
import { RunRecord } from "../../src/record.ts";
import { terminalSummary } from "../../src/summary.ts";
import { contextIn } from "../miopen/context.ts";
import { diff, SMALL_MIOPEN, writeSeries, writeTree } from "../miopen/small-miopen.ts";
import { scratch } from "../toolchain/helpers.ts";

test("says for each source which patches still apply, and goes on after one that cannot be had", async (t) => {
  const folder = await scratch(t);
  const before = SMALL_MIOPEN["src/solver.cpp"] ?? "";
  writeTree(join(folder, "same"));
  writeTree(join(folder, "moved"), { "src/solver.cpp": before.replace("found = 0", "renamed = 0") });
  mkdirSync(join(folder, "diffs"));
  const good = diff(join(folder, "diffs"), "src/api.cpp", SMALL_MIOPEN["src/api.cpp"] ?? "", "int other;\n");
  const fix = diff(join(folder, "diffs"), "src/solver.cpp", before, before.replace("found = 0", "found = 1"));
  writeSeries(join(folder, "mine"), { "1.patch": fix, "2.patch": good });
  const { context, log } = await contextIn(folder, {
    command: "drift",
    sources: "./same ./moved\n./none",
    patches: "./mine",
  });
  t.after(() => context.close());
  const result = await drift(context);
  assert.deepEqual(result.drift.map(isSound), [true, false, false]);
  assert.deepEqual(
    driftTable(result.drift).map((row) => row.slice(1).join(" ").replace(folder, "")),
    [
      "3.4.0 1.patch applied",
      "3.4.0 2.patch applied",
      "3.4.0 1.patch rejected: src/solver.cpp:1: hunk 1 of src/solver.cpp does not fit",
      "3.4.0 2.patch applied",
      "? - sources: /none does not exist or cannot be read",
    ],
  );
  assert.equal(log.lines.filter((line) => line.startsWith("error:")).length, 2);
  assert.ok(existsSync(result.file));
  assert.equal(JSON.parse(readFileSync(result.file, "utf8")).drift.length, 3);
  assert.match(terminalSummary(result, {}, 1), /1\.patch {2}rejected: src\/solver\.cpp:1/);
  assert.match(summaryMarkdown(result, new RunRecord(), 1), /^## The patches apply to 1 of 3 sources/);
  assert.deepEqual(result.drift.map(isAbsent), [false, false, true]);
});

test("tries the newest series on a MIOpen that is newer than all, and calls for one of its own", async (t) => {
  const folder = await scratch(t);
  const before = SMALL_MIOPEN["src/solver.cpp"] ?? "";
  const newer = { "CMakeLists.txt": (SMALL_MIOPEN["CMakeLists.txt"] ?? "").replace("3.4.0", "3.11.0") };
  writeTree(join(folder, "develop"), newer);
  writeTree(join(folder, "moved"), { ...newer, "src/solver.cpp": before.replace("found = 0", "renamed = 0") });
  mkdirSync(join(folder, "diffs"));
  const fix = diff(join(folder, "diffs"), "src/solver.cpp", before, before.replace("found = 0", "found = 1"));
  writeSeries(join(folder, "project/patches/3.9"), { "old.patch": fix.replace("found = 0", "older = 0") });
  writeSeries(join(folder, "project/patches/3.10"), { "new.patch": fix });
  const { context, log } = await contextIn(folder, { command: "drift", sources: "./develop ./moved" });
  t.after(() => context.close());
  const result = await drift({ ...context, projectRoot: join(folder, "project") });
  const said = "3.11.0 - there is no series for MIOpen 3.11.0; the patches for 3.10 are tried";
  assert.deepEqual(
    driftTable(result.drift).map((row) => row.slice(1).join(" ")),
    [
      said,
      "3.11.0 new.patch applied",
      said,
      "3.11.0 new.patch rejected: src/solver.cpp:1: hunk 1 of src/solver.cpp does not fit",
    ],
  );
  assert.deepEqual(
    [result.drift.map(applies), result.drift.map(isSound)],
    [
      [true, false],
      [false, false],
    ],
  );
  assert.ok(log.lines.some((line) => line.startsWith("warning:") && line.includes("no series for MIOpen 3.11.0")));
  const script = join(import.meta.dirname, "../../.github/scripts/drift-rows.mjs");
  const outputs = execFileSync(process.execPath, [script, result.file], { encoding: "utf8" });
  assert.match(
    outputs,
    /^outdated=true\n[\s\S]*develop \| 3\.11\.0 \| - \| there is no series for it; 3\.10 is tried \|/,
  );
  assert.match(outputs, /develop \| 3\.11\.0 \| new\.patch \| applied \|/);
});

test("throws why when no source can be had, and calls a missing series by its name", async (t) => {
  const folder = await scratch(t);
  const absent = await contextIn(folder, { command: "drift", sources: "./none ./nothing" });
  t.after(() => absent.context.close());
  await assert.rejects(drift(absent.context), { kind: "user", message: /none does not exist/ });
  assert.equal(existsSync(join(folder, "out/drift.json")), false);
  const version = (SMALL_MIOPEN["CMakeLists.txt"] ?? "").replace("3.4.0", "2.9.0");
  writeTree(join(folder, "old"), { "CMakeLists.txt": version });
  const { context } = await contextIn(folder, { command: "drift", sources: "./old" });
  t.after(() => context.close());
  const [row] = (await drift(context)).drift;
  assert.deepEqual([row?.version, row && isAbsent(row)], ["2.9.0", false]);
  assert.match(row?.reason ?? "", /no series for MIOpen 2\.9\.0/);
});
