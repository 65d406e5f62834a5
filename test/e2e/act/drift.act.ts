import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { diff, SMALL_MIOPEN, writeSeries, writeTree } from "../../miopen/small-miopen.ts";
import { Emulator } from "../../release/publish/emulator.ts";
import { TOKEN } from "../../release/publish/support.ts";
import { ActRunner } from "./runner.ts";
import { ACT, find } from "./tools.ts";

const act = find(ACT);

interface Issue {
  number: number;
  title: string;
  state: string;
  body: string;
}

describe("the drift workflow in act", { skip: "skip" in act ? act.skip : false }, () => {
  let runner: ActRunner;
  let github: Emulator;

  before(async () => {
    if ("skip" in act) return;
    runner = new ActRunner(act.program);
    github = await Emulator.start(runner.folder, "org/rdna1-miopen");
    const old = SMALL_MIOPEN["src/solver.cpp"] ?? "";
    writeTree(join(runner.tree, "released"));
    writeTree(join(runner.tree, "newest"), { "src/solver.cpp": old.replace("found = 0", "renamed = 0") });
    mkdirSync(runner.path("diffs"));
    const patch = diff(runner.path("diffs"), "src/solver.cpp", old, old.replace("found = 0", "found = 1"));
    rmSync(join(runner.tree, "patches/3.4"), { recursive: true });
    writeSeries(join(runner.tree, "patches/3.4"), { "0001-found.patch": patch });
    runner.commit();
  });
  after(async () => {
    await github?.stop();
    runner?.remove();
  });

  const run = async (sources: string, code = 0) => {
    const outcome = await runner.run({
      workflow: ".github/workflows/drift.yml",
      event: "workflow_dispatch",
      payload: { inputs: { sources } },
      env: { GITHUB_API_URL: github.address, RDNA1_MIOPEN_CACHE: runner.path("kept") },
      secrets: { GITHUB_TOKEN: TOKEN },
    });
    assert.equal(outcome.code, code, outcome.log.slice(-8000));
    return await github.ask<Issue[]>("issues?state=all");
  };

  test("says nothing while every patch applies", async () => {
    assert.deepEqual(await run("./released"), []);
  });
  test("says nothing of the patches where a source cannot be had, but fails", async () => {
    assert.deepEqual(await run("./nowhere", 1), []);
    assert.deepEqual(await run("./released ./nowhere", 1), []);
  });
  test("opens one issue with a table when one does not", async () => {
    const issues = await run("./released ./newest");
    assert.equal(issues.length, 1);
    const [issue] = issues;
    assert.equal(issue?.title, "The patches no longer apply to MIOpen's newest sources");
    assert.match(issue?.body ?? "", /released \| 3\.4\.0 \| 0001-found\.patch \| applied/);
    assert.match(issue?.body ?? "", /newest \| 3\.4\.0 \| 0001-found\.patch \| rejected/);
  });
  test("keeps to that issue, and closes it when all apply again", async () => {
    const [updated, ...more] = await run("./newest");
    assert.deepEqual([updated?.state, more.length], ["open", 0]);
    assert.doesNotMatch(updated?.body ?? "", /released/);
    const [closed, ...others] = await run("./released");
    assert.deepEqual([closed?.state, others.length], ["closed", 0]);
  });
});
