import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineError } from "../../src/errors.ts";
import { failureMarkdown, interruptedMarkdown } from "../../src/job-summary/failure.ts";
import { block, code, plain, table } from "../../src/job-summary/markdown.ts";
import { cachesSection, stagesSection } from "../../src/job-summary/sections.ts";
import { writeJobSummary } from "../../src/job-summary/write.ts";
import { RunRecord } from "../../src/record.ts";
import { recordedLog } from "../toolchain/helpers.ts";

const OPTIONS = { redact: (text: string) => text, workspace: "/w" };

test("shows any text as it is, in one cell of a table", () => {
  const evil = "a|b `c` <img src=x> [l](http://h) *x*\nnext";
  const [, , row = ""] = table(["x"], [[evil]]).split("\n");
  assert.equal(row.match(/\|/g)?.length, 2);
  assert.doesNotMatch(row, /[`<>*[\]]|:\/\//);
  assert.match(plain("1 < 2"), /1 &#60; 2/);
  assert.deepEqual(code("a_b"), { markdown: "<code>a&#95;b</code>" });
});

test("fences what a program printed, also when it has fences of its own", () => {
  assert.equal(block("a\n```\nb\n"), "````text\na\n```\nb\n````\n");
});

test("keeps a failure short, and says how much is left out", () => {
  const error = machineError(
    ["cannot do it:", ...Array.from({ length: 100 }, (_, i) => `line ${i}`)].join("\n"),
    "wait",
  );
  const text = failureMarkdown(error, new RunRecord(), OPTIONS);
  assert.match(text, /\*\*cannot do it\*\*/);
  assert.match(text, /line 59\n… and 40 more lines\n/);
  assert.doesNotMatch(text, /line 60/);
});

test("calls a fault of this program one, and asks for a report", () => {
  const text = failureMarkdown(new TypeError("x is undefined"), new RunRecord(), OPTIONS);
  assert.match(text, /\*\*internal error: x is undefined\*\*/);
  assert.match(text, /What to do:\*\* Please report it/);
});

test("redacts before it changes characters", () => {
  const redact = (text: string) => text.replaceAll("p_w", "***");
  const place = { file: "/w/a.cpp", line: 3, message: "p_w" };
  const error = machineError("cannot reach p_w\np_w", "change p_w", [place]);
  const text = failureMarkdown(error, new RunRecord(), { ...OPTIONS, redact });
  assert.doesNotMatch(text.replaceAll("&#95;", "_"), /p_w/);
  assert.match(text, /<code>a\.cpp:3<\/code>/, "places are told from the workspace");
});

test("tells of each stage where its result comes from", () => {
  const record = new RunRecord();
  const stage = (name: string, from: string) => record.stages.push({ name, from, seconds: 61, slow: true });
  for (const from of ["made", "this machine", "installed", "Actions cache"]) stage(`of ${from}`, from);
  const text = stagesSection(record, 119.8);
  assert.match(text, /\| of made \| made \| 1 min 1 s \|/);
  assert.match(text, /\| of this machine \| reused from this machine's cache \|/);
  assert.match(text, /\| of installed \| installed already \|/);
  assert.match(text, /\| of Actions cache \| reused from the Actions cache \|/);
  assert.match(text, /\| total \| {2}\| 2 min 0 s \|/);
  assert.equal(stagesSection(new RunRecord(), 1), "");
});

test("tells of each tier what was found and what was kept, in one line, with reasons that are not the usual", () => {
  const record = new RunRecord();
  const note = (what: string, did: "restored" | "missed" | "saved" | "not saved", why: string) =>
    record.tiers.push({ what, tier: "Actions cache", did, why, seconds: 1 });
  note("kernels", "missed", "no entry k-1");
  note("kernels", "saved", "saved as k-1");
  note("toolchain", "missed", "given up after 300 s");
  note("toolchain", "not saved", "not saved: this run may not write it");
  note("miopen", "restored", "restored m-1");
  const text = cachesSection(record);
  assert.match(text, /\| kernels \| Actions cache \| – none yet \| ✓ saved \| 2\.0 s \|/);
  assert.match(
    text,
    /\| toolchain \| Actions cache \| ✗ given up after 300 s \| ✗ not saved: this run may not write it \|/,
  );
  assert.match(text, /\| miopen \| Actions cache \| ✓ found \| {2}\| 1\.0 s \|/);
});

test("says of a cancelled run which stage it was in", async () => {
  const record = new RunRecord();
  record.command = "build";
  const text = await record.during("kernels gfx1010", async () => interruptedMarkdown("SIGINT", record));
  assert.match(text, /^## RDNA1 MIOpen: build was ended by SIGINT in stage kernels gfx1010\n/);
});

test("writes no summary that GitHub would refuse, and never fails a run over it", () => {
  const folder = mkdtempSync("/tmp/rdna1-summary-");
  try {
    const log = recordedLog();
    const GITHUB_STEP_SUMMARY = join(folder, "summary");
    writeJobSummary("x".repeat(3 << 20), { GITHUB_STEP_SUMMARY }, log);
    assert.equal(readFileSync(GITHUB_STEP_SUMMARY).length, 1 << 20);
    writeJobSummary("x", { GITHUB_STEP_SUMMARY: folder }, log);
    assert.match(log.lines.at(-1) ?? "", /^warning: the job summary cannot be written: EISDIR/);
    writeJobSummary("x", {}, log);
    assert.match(log.lines.at(-1) ?? "", /^debug: /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
