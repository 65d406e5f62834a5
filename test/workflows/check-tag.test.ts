import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { Emulator } from "../release/publish/emulator.ts";
import { TOKEN } from "../release/publish/support.ts";

const root = path.join(import.meta.dirname, "../..");
const script = path.join(root, ".github/scripts/check-tag.mjs");
const OTHER = "b".repeat(40);

let scratch = "";
let github: Emulator;
let commit = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-tag-"));
  github = await Emulator.start(scratch, "org/kernels");
  commit = await github.commit();
});
after(async () => {
  await github.stop();
  await rm(scratch, { recursive: true, force: true });
});

const tag = (name: string) => github.ask("git/refs", "POST", { ref: `refs/tags/${name}`, sha: commit });

/** A release of a tag, with an asset of this name. */
async function release(name: string, draft: boolean, asset?: string): Promise<void> {
  const { upload_url } = await github.ask<{ upload_url: string }>("releases", "POST", { tag_name: name, draft });
  if (asset === undefined) return;
  const url = upload_url.replace(/\{.*/, `?name=${asset}`);
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "text/plain" };
  const { ok } = await fetch(url, { method: "POST", headers, body: "text" });
  assert.ok(ok);
}

/** Runs the script as the workflows do: its outputs, or what it refused with. */
async function check(name: string, more: Record<string, string> = {}): Promise<{ outputs?: string; refused?: string }> {
  const output = path.join(scratch, "output");
  await writeFile(output, "");
  const env = {
    ...{
      PATH: process.env.PATH,
      GITHUB_API_URL: github.address,
      GITHUB_REPOSITORY: "org/kernels",
      GITHUB_TOKEN: TOKEN,
    },
    ...{ GITHUB_OUTPUT: output, GITHUB_SHA: commit, TAG: name, ...more },
  };
  try {
    await promisify(execFile)(process.execPath, [script], { env });
    return { outputs: await readFile(output, "utf8") };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    assert.deepEqual([code, stderr, await readFile(output, "utf8")], [1, "", ""]);
    return { refused: stdout };
  }
}

const FREE = { outputs: "published=false\n" };

test("a tag that is not there, or of this commit, and without a published release, may be built for", async () => {
  assert.deepEqual(await check("v1.0.0-rocm7.1.0"), FREE);
  assert.deepEqual(await check("kernels/of#me"), FREE);
  await tag("v1.0.1");
  assert.deepEqual(await check("v1.0.1"), FREE);
  await release("v1.0.1", true, "SHA256SUMS");
  assert.deepEqual(await check("v1.0.1"), FREE, "a draft is publish's to go on with");
});

for (const name of ["", "v 1", "v1..2", "refs/tags/v1", "-v1", "v1.lock", "v1\n::notice::x"]) {
  test(`refuses ${JSON.stringify(name)} as a tag`, async () => {
    assert.match((await check(name)).refused ?? "", /^::error::".*" is not allowed as the name of a tag; .*\n$/);
  });
}

test("refuses a tag of another commit, an annotated one, too", async () => {
  await tag("v1.1.0");
  const other = await check("v1.1.0", { GITHUB_SHA: OTHER });
  assert.match(other.refused ?? "", new RegExp(`^::error::tag v1\\.1\\.0 is commit ${commit}, but .* ${OTHER}; `));

  const body = { tag: "v1.1.1", message: "m", object: commit, type: "commit" };
  const { sha } = await github.ask<{ sha: string }>("git/tags", "POST", body);
  await github.ask("git/refs", "POST", { ref: "refs/tags/v1.1.1", sha });
  assert.notEqual(sha, commit);
  assert.deepEqual(await check("v1.1.1"), FREE);
  assert.match((await check("v1.1.1", { GITHUB_SHA: OTHER })).refused ?? "", /is commit/);
});

test("refuses a release that is published, unless that is what a pushed tag is to come to", async () => {
  await tag("v1.2.0");
  await release("v1.2.0", false, "SHA256SUMS");
  assert.match((await check("v1.2.0")).refused ?? "", /^::error::release v1\.2\.0 is published already, /);
  assert.deepEqual(await check("v1.2.0", { IF_PUBLISHED: "skip" }), { outputs: "published=true\n" });

  await tag("v1.2.1");
  await release("v1.2.1", false);
  const bare = await check("v1.2.1", { IF_PUBLISHED: "skip" });
  assert.match(bare.refused ?? "", /is published, but without the files of a build; delete it, but not its tag, /);
});

for (const [name, when, env] of [
  ["release", undefined, { TAG: "github.ref_name", IF_PUBLISHED: "skip" }],
  ["rebuild", "inputs.publish != ''", { TAG: "inputs.publish" }],
] as const) {
  test(`${name} looks at the tag before it builds, with no right to write`, () => {
    const { jobs } = parse(readFileSync(path.join(root, `.github/workflows/${name}.yml`), "utf8"));
    const step = jobs.plan.steps.find(({ run }: { run?: string }) => run === "node .github/scripts/check-tag.mjs");
    assert.equal(step.if, when && `\${{ ${when} }}`);
    const { TAG, ...more } = env;
    assert.deepEqual(step.env, { GITHUB_TOKEN: `\${{ github.token }}`, TAG: `\${{ ${TAG} }}`, ...more });
    assert.deepEqual(jobs.plan.permissions, { contents: "read" });
    assert.equal(jobs.build.needs, "plan");
  });
}
