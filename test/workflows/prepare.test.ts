import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { scratch } from "../toolchain/helpers.ts";

const action = parse(readFileSync(join(import.meta.dirname, "../../.github/actions/prepare/action.yml"), "utf8")) as {
  runs: { steps: { name: string; if: string; env?: Record<string, string>; run: string }[] };
};
const step = action.runs.steps.find(({ name }) => name === "What the container lacks");

/** What the step asks apt-get for, with a MIOpen of this kind. */
async function asked(t: TestContext, miopen: string): Promise<string[]> {
  const folder = await scratch(t);
  const log = join(folder, "log");
  writeFileSync(join(folder, "apt-get"), `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH}`, MIOPEN: miopen };
  execFileSync("sh", ["-e", "-c", step?.run ?? "exit 9"], { env });
  return readFileSync(log, "utf8").trim().split("\n");
}

test("every container gets certificates, without which apt has no https: AMD's repository, or a mirror", async (t) => {
  assert.equal(step?.if, `\${{ inputs.container != '' }}`);
  assert.deepEqual(step.env, { MIOPEN: `\${{ inputs.miopen }}` });
  const install = "install -y --no-install-recommends ca-certificates";
  assert.deepEqual(await asked(t, "distribution"), ["update", install]);
  assert.deepEqual(await asked(t, "patched"), ["update", `${install} git patch`]);
});
