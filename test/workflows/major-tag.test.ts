import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Emulator } from "../release/publish/emulator.ts";
import { TOKEN } from "../release/publish/support.ts";

const script = path.join(import.meta.dirname, "../../.github/scripts/move-major-tag.mjs");

let scratch = "";
let github: Emulator;
let commit = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-major-"));
  github = await Emulator.start(scratch, "org/kernels");
  commit = await github.commit();
});
after(async () => {
  await github.stop();
  await rm(scratch, { recursive: true, force: true });
});

const tag = (name: string, sha = commit) => github.ask("git/refs", "POST", { ref: `refs/tags/${name}`, sha });
const release = (name: string, draft = false) => github.ask("releases", "POST", { tag_name: name, draft });
const target = async (name: string) =>
  (await github.ask<{ object: { sha: string } }>(`git/ref/tags/${name}`)).object.sha;

/** Runs the script as the workflow does for a tag; returns what it printed. */
async function released(name: string, sha: string): Promise<string> {
  const env = {
    GITHUB_API_URL: github.address,
    GITHUB_REPOSITORY: "org/kernels",
    GITHUB_TOKEN: TOKEN,
    GITHUB_REF_NAME: name,
    GITHUB_SHA: sha,
  };
  return (await promisify(execFile)(process.execPath, [script], { env })).stdout;
}

/** A further commit, so that moving can be seen. */
async function nextCommit(): Promise<string> {
  const { tree } = await github.ask<{ tree: { sha: string } }>(`git/commits/${commit}`);
  const body = { message: "next", tree: tree.sha, parents: [commit] };
  return (await github.ask<{ sha: string }>("git/commits", "POST", body)).sha;
}

test("the major tag is made for the first release, moves to a later one, and not back to an earlier one", async () => {
  await tag("v1.2.9");
  assert.match(await released("v1.2.9", commit), /made v1/);
  assert.equal(await target("v1"), commit);

  const next = await nextCommit();
  await tag("v1.2.10", next);
  await release("v1.2.10");
  assert.match(await released("v1.2.10", next), /moved v1/);
  assert.equal(await target("v1"), next);

  await tag("v1.1.4");
  assert.match(await released("v1.1.4", commit), /v1 stays where it is: v1\.2\.10 is later/);
  assert.equal(await target("v1"), next);
});
test("a later tag without a release, or with a draft, which is what a failed run leaves, does not hold the major tag", async () => {
  await tag("v2.3.0");
  await tag("v2.4.0");
  await release("v2.4.0", true);
  await tag("v2.2.5");
  await release("v2.2.5");
  assert.match(await released("v2.2.5", commit), /made v2/);

  await tag("v2.2.4");
  await release("v2.2.4");
  assert.match(await released("v2.2.4", commit), /v2 stays where it is: v2\.2\.5 is later/);
});
test("a preliminary release is not what users get by the major tag", async () => {
  await assert.rejects(released("v1.3.0-rc.1", commit), /not a tag like v1\.2\.3/);
});
