import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

const { jobs } = parse(readFileSync(join(import.meta.dirname, "../../.github/workflows/build.yml"), "utf8")) as {
  jobs: Record<string, { steps: { uses?: string; with?: Record<string, string> }[] }>;
};
const builds = Object.entries(jobs).flatMap(([id, { steps }]) =>
  steps.flatMap(({ uses, with: values }) => (uses === "./" ? [{ id, values }] : [])),
);

test("a card is asked once, by the job whose result is packaged: what it says is handed on to no other", () => {
  const asked = Object.fromEntries(builds.map(({ id, values }) => [id, values?.verify]));
  assert.deepEqual(asked, {
    // A share of the compilation, which proves nothing, whatever verify is
    shard: undefined,
    target: `\${{ inputs.verify == 'auto' && 'virtual' || inputs.verify }}`,
    package: `\${{ inputs.verify }}`,
  });
  assert.equal(builds[0]?.values?.shard, `\${{ matrix.shard }}`);
});
