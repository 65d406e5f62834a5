import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ActRunner } from "./runner.ts";
import { ACT, find } from "./tools.ts";

const act = find(ACT);

describe("the ci workflow in act", { skip: "skip" in act ? act.skip : false }, () => {
  let runner: ActRunner;
  before(() => {
    if ("skip" in act) return;
    runner = new ActRunner(act.program);
    // The fast tests have just run, and run again here they would take most of the time
    const file = JSON.parse(readFileSync(join(runner.tree, "package.json"), "utf8"));
    file.scripts.check = "tsc -p . && biome check";
    runner.file("package.json", `${JSON.stringify(file, null, 2)}\n`);
    runner.commit();
  });
  after(() => runner?.remove());

  const check = (payload: object, event: "push" | "pull_request" = "push") =>
    runner.run({
      workflow: ".github/workflows/ci.yml",
      event,
      payload,
      job: "check",
      env: { npm_config_prefer_offline: "true" },
    });

  test("passes on a clean tree, with nothing but what git has", async () => {
    const { code, log } = await check({ ref: "refs/heads/main" });
    assert.equal(code, 0, log.slice(-8000));
    assert.match(log, /added \d+ packages/);
  });
  test("fails on a type error, and says where it is", async () => {
    runner.file("src/wrong.ts", "export const number: number = 'text';\n");
    runner.commit();
    const { code, log } = await check({ number: 1 }, "pull_request");
    assert.equal(code, 1, log.slice(-8000));
    assert.match(log, /src\/wrong\.ts.*TS2322/);
  });
});
