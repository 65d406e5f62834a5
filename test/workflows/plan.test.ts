import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { scratch } from "../toolchain/helpers.ts";

const workflow = parse(readFileSync(join(import.meta.dirname, "../../.github/workflows/build.yml"), "utf8")) as {
  jobs: { plan: { steps: { run: string }[] } };
};
const [step] = workflow.jobs.plan.steps;

/** Runs the script of build.yml's job `plan` as a runner does; returns the job's outputs. */
async function plan(t: TestContext, env: Record<string, string>): Promise<Record<string, string>> {
  const output = join(await scratch(t), "output");
  const whole = { PATH: process.env.PATH ?? "", GITHUB_OUTPUT: output, RUNNER_LABELS: "", VERIFY: "auto", ...env };
  execFileSync("bash", ["-eo", "pipefail", "-c", step?.run ?? "exit 9"], { env: whole, stdio: "pipe" });
  const lines = readFileSync(output, "utf8").trim().split("\n");
  return Object.fromEntries(lines.map((line) => /^([^=]+)=(.*)$/.exec(line)?.slice(1) ?? ["?", line]));
}

test("one shard: a job for each target, and none that compiles before", async (t) => {
  const outputs = await plan(t, { TARGETS: "gfx1010, gfx1011\ngfx1012", SHARDS: "1" });
  const targets = ["gfx1010", "gfx1011", "gfx1012"].map((target) => ({ name: target, target, shard: "" }));
  assert.deepEqual(JSON.parse(outputs.targets ?? ""), targets);
  assert.deepEqual(JSON.parse(outputs.shards ?? ""), [{ name: "in one piece", target: "", shard: "" }]);
  assert.deepEqual(
    [outputs.runner, outputs["shard-runner"], outputs["shard-container"]],
    ['"ubuntu-latest"', '"ubuntu-latest"', ""],
  );
  assert.match(outputs.container ?? "", /^debian:12@sha256:[0-9a-f]{64}$/);
});

test("several shards: as many jobs that compile a target and as many that prove it, on the machine that builds", async (t) => {
  const labels = '["self-hosted","rdna1"]';
  const outputs = await plan(t, { TARGETS: "gfx1010,gfx1012", SHARDS: "2", RUNNER_LABELS: labels });
  const shards = ["gfx1010", "gfx1012"].flatMap((target) =>
    [1, 2].map((number) => ({ name: `${target}-${number}-of-2`, target, shard: `${number}/2` })),
  );
  assert.deepEqual(JSON.parse(outputs.shards ?? ""), shards);
  assert.deepEqual(JSON.parse(outputs.targets ?? ""), shards);
  assert.deepEqual([outputs["shard-runner"], outputs["shard-container"], outputs.container], [labels, "", ""]);
  assert.equal(JSON.parse((await plan(t, { TARGETS: "gfx1010", SHARDS: "256" })).shards ?? "").length, 256);
});

test("where nothing is proven the shards compile, and a target is one job", async (t) => {
  const outputs = await plan(t, { TARGETS: "gfx1010", SHARDS: "2", VERIFY: "off" });
  assert.equal(JSON.parse(outputs.shards ?? "").length, 2);
  assert.deepEqual(JSON.parse(outputs.targets ?? ""), [{ name: "gfx1010", target: "gfx1010", shard: "" }]);
});

for (const shards of ["", "0", "257", "1000", "two", "-1", "1.5", "02"]) {
  test(`refuses '${shards}' shards`, async (t) => {
    await assert.rejects(
      plan(t, { TARGETS: "gfx1010", SHARDS: shards }),
      (error: { status: number; stdout: Buffer }) => {
        assert.match(error.stdout.toString(), /^::error::shards is '.*', but has to be a number from 1 to 256$/m);
        return error.status === 1;
      },
    );
  });
}

test("refuses a division with more jobs than GitHub runs of one matrix", async (t) => {
  await assert.rejects(plan(t, { TARGETS: "gfx1010 gfx1011 gfx1012", SHARDS: "100" }), (error: { stdout: Buffer }) =>
    /^::error::shards is 100, which makes 300 jobs of these targets; GitHub runs at most 256$/m.test(
      error.stdout.toString(),
    ),
  );
});
