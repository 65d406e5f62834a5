import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
}
interface Job {
  "runs-on"?: string;
  if?: string;
  uses?: string;
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  steps?: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<string, Job>;
}

const folder = join(import.meta.dirname, "../../.github/workflows");
const inputs = Object.keys(
  (parse(readFileSync(join(folder, "../../action.yml"), "utf8")) as { inputs: Record<string, unknown> }).inputs,
);

for (const name of readdirSync(folder)) {
  const text = readFileSync(join(folder, name), "utf8");
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps ?? []);

  describe(name, () => {
    test("gives no right to all jobs, and none to write but where a comment says what for", () => {
      assert.deepEqual(workflow.permissions, {});
      const unsaid = text.split("\n").filter((line) => /^ +[a-z-]+: write/.test(line) && !line.includes("#"));
      assert.deepEqual(unsaid, []);
    });
    test("pins every action of others to a commit and says which version that is", () => {
      const pins = text.split("\n").filter((line) => /uses: (?!\.\/)/.test(line));
      const loose = pins.filter(
        (line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line) && !line.includes("org/rdna1-miopen@v1"),
      );
      assert.deepEqual(loose, []);
    });
    test("leaves no token in a work tree", () => {
      for (const { uses, with: values } of steps) {
        if (uses?.startsWith("actions/checkout@")) assert.equal(values?.["persist-credentials"], false);
      }
    });
    test("ends every job that hangs", () => {
      for (const [id, job] of jobs) assert.ok(job.uses !== undefined || (job["timeout-minutes"] ?? 0) > 0, id);
    });
    test("runs no pull request on a machine of our own", () => {
      if (!("pull_request" in workflow.on)) return;
      for (const [id, job] of jobs) {
        const hosted = /^(ubuntu|windows|macos)-/.test(job["runs-on"] ?? "");
        assert.ok(hosted || job.if?.includes("github.event_name == 'push'"), id);
      }
    });
    test("gives the action only inputs that it has", () => {
      const ours = steps.filter(({ uses }) => uses === "./" || uses?.startsWith("org/rdna1-miopen@"));
      for (const step of ours) {
        const unknown = Object.keys(step.with ?? {}).filter((input) => !inputs.includes(input));
        assert.deepEqual(unknown, []);
      }
    });
    test("never runs beside itself for the same thing, unless another workflow calls it", () => {
      assert.ok("workflow_call" in workflow.on || workflow.concurrency !== undefined);
    });
  });
}
