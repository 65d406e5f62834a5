import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { scratch } from "../toolchain/helpers.ts";

interface Step {
  name?: string;
  uses?: string;
  if?: string;
  run?: string;
  with?: Record<string, string>;
}
interface Workflow {
  jobs: Record<string, { steps?: Step[]; uses?: string; with?: Record<string, unknown> }>;
}

const github = join(import.meta.dirname, "../../.github");
const workflow = (name: string) => parse(readFileSync(join(github, "workflows", name), "utf8")) as Workflow;
const prepare = parse(readFileSync(join(github, "actions/prepare/action.yml"), "utf8")) as { runs: { steps: Step[] } };

/** Every step of build.yml that builds, and the one before it. */
const builds = Object.values(workflow("build.yml").jobs).flatMap(({ steps = [] }) =>
  steps.flatMap((step, at) => (step.uses === "./" ? [{ step, before: steps[at - 1] }] : [])),
);

/** What a step hands on to those after it, on a machine with this environment. */
async function handedOn(t: TestContext, script: string, env: Record<string, string>): Promise<string> {
  const file = join(await scratch(t), "env");
  const whole = { PATH: process.env.PATH ?? "", RUNNER_TEMP: "/temp", GITHUB_ENV: file, ...env };
  execFileSync("sh", ["-e", "-c", script], { env: whole });
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

test("what is published comes out of no cache that other jobs of the machine can write", async (t) => {
  assert.equal(builds.length, 3);
  for (const { step, before } of builds) {
    assert.equal(step.with?.cache, `\${{ inputs.published && 'actions' || 'auto' }}`);
    assert.equal(before?.uses, "./.github/actions/prepare");
    assert.equal(before.if, step.if);
    assert.equal(before.with?.published, `\${{ inputs.published }}`);
  }
  const own = prepare.runs.steps.find(({ name }) => name === "A cache of this job's own");
  assert.equal(own?.if, `\${{ inputs.published == 'true' }}`);
  const script = own.run ?? "";
  const folder = "RDNA1_MIOPEN_CACHE=/temp/rdna1-miopen\n";
  assert.equal(await handedOn(t, script, { RUNNER_ENVIRONMENT: "self-hosted" }), folder);
  assert.equal(await handedOn(t, script, {}), folder, "an old server does not say what its runners are");
  assert.equal(await handedOn(t, script, { RUNNER_ENVIRONMENT: "github-hosted" }), "");
  assert.equal(await handedOn(t, script, { RUNNER_ENVIRONMENT: "self-hosted", RDNA1_MIOPEN_CACHE: "/mine" }), "");
});

for (const [name, published] of [
  ["release.yml", true],
  ["rebuild.yml", `\${{ inputs.publish != '' }}`],
] as const) {
  test(`${name} says what it publishes`, () => {
    const { build, publish } = workflow(name).jobs;
    assert.equal(build?.uses, "./.github/workflows/build.yml");
    assert.equal(build?.with?.published, published);
    assert.notEqual(publish, undefined);
  });
}
