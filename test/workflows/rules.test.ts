import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";

interface Step {
  uses?: string;
  if?: string;
  with?: Record<string, unknown>;
}
interface Job {
  concurrency?: unknown;
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

const root = join(import.meta.dirname, "../..");
const folder = join(root, ".github/workflows");

/** The inputs of an action of this repository, by the folder that a workflow names. */
function inputsOf(action: string): string[] {
  const { inputs } = parse(readFileSync(join(root, action, "action.yml"), "utf8")) as { inputs: object };
  return Object.keys(inputs);
}

test("what a release is built with is what the machine with the card is asked about", () => {
  const [ci, release] = ["ci", "release"].map((name) => parse(readFileSync(join(folder, `${name}.yml`), "utf8")));
  const { toolchain } = ci.jobs.card.steps.find(({ uses }: Step) => uses === "./").with;
  assert.equal(toolchain, release.jobs.build.with.toolchain);
});

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
    test("can leave its artifacts again when it is run again, which is the same run with the same names", () => {
      for (const { uses, with: values } of steps) {
        if (uses?.startsWith("actions/upload-artifact@")) assert.equal(values?.overwrite, true, String(values?.name));
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
    test("gives the actions of this repository only inputs that they have", () => {
      for (const { uses = "", with: values = {} } of steps) {
        if (!uses.startsWith("./") && !uses.startsWith("org/rdna1-miopen@")) continue;
        const known = inputsOf(uses.startsWith("./") ? uses : ".");
        const unknown = Object.keys(values).filter((input) => !known.includes(input));
        assert.deepEqual(unknown, [], uses);
      }
    });
    test("hands the repository's mirror on wherever a toolchain is unpacked", () => {
      for (const { uses, with: values = {} } of steps) {
        if (uses !== "./" || values.toolchain === undefined) continue;
        assert.equal(values["debian-mirror"], `\${{ vars.RDNA1_DEBIAN_MIRROR }}`, String(values.command));
      }
    });
    test("uses the released action only in the repository that it is of, for somebody else's it would be elsewhere", () => {
      for (const [id, { if: when, steps: own = [] }] of jobs) {
        for (const { uses = "" } of own) {
          const [, repository] = /^([^./]+\/rdna1-miopen)@/.exec(uses) ?? [];
          if (repository !== undefined) assert.equal(when, `\${{ github.repository == '${repository}' }}`, id);
        }
      }
    });
    test("has the work tree before it uses an action out of it", () => {
      for (const [id, { steps = [] }] of jobs) {
        for (const [at, { uses, if: when }] of steps.entries()) {
          if (!uses?.startsWith("./")) continue;
          const checkout = steps.slice(0, at).find((step) => step.uses?.startsWith("actions/checkout@"));
          assert.ok(checkout !== undefined && (checkout.if === undefined || checkout.if === when), `${id}: ${uses}`);
        }
      }
    });
    test("never runs beside itself for the same thing, unless another workflow calls it", () => {
      assert.ok("workflow_call" in workflow.on || workflow.concurrency !== undefined);
    });
    test("publishes under a tag in one job at a time, whichever workflow and branch it is for", () => {
      for (const [id, { concurrency, steps: own = [] }] of jobs) {
        if (!own.some((step) => step.uses === "./" && step.with?.command === "publish")) continue;
        const group = `publish-\${{ inputs.tag }}`;
        assert.deepEqual(concurrency, { group, "cancel-in-progress": false }, id);
      }
    });
  });
}
