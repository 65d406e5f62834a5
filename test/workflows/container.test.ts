import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { scratch } from "../toolchain/helpers.ts";

const ci = parse(readFileSync(join(import.meta.dirname, "../../.github/workflows/ci.yml"), "utf8")) as {
  jobs: Record<string, { container?: string; steps: { uses?: string; run?: string }[] }>;
};

test("the tests may ask git about the work tree, which in a container belongs to somebody else", async (t) => {
  const { container, steps = [] } = ci.jobs.test ?? {};
  assert.match(container ?? "", /^debian:/);
  const tests = steps.findIndex(({ run }) => run === "bash .ci/run");
  const trusting = steps.findIndex(({ run }) => run?.startsWith("git config --global"));
  assert.ok(trusting >= 0 && trusting < tests, "before the tests");

  const folder = await scratch(t);
  const tree = join(folder, "tree");
  mkdirSync(tree);
  // With this git takes every folder for another user's, as its own tests do
  const env = { PATH: process.env.PATH, HOME: folder, GITHUB_WORKSPACE: tree, GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
  const run = (command: string) => execFileSync("sh", ["-e", "-c", command], { cwd: tree, env, stdio: "pipe" });
  run("git init --quiet");
  assert.throws(() => run("git ls-files"), /dubious ownership/);
  run(steps[trusting]?.run ?? "exit 9");
  run("git ls-files");
});
