import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Sandbox } from "../install/sandbox.ts";
import { Emulator } from "../publish/emulator.ts";
import { GitHubServer } from "../publish/github-server.ts";
import { COMMIT, publishTo, sampleFiles, TOKEN } from "../publish/support.ts";
import { Contract } from "./contract.ts";
import { githubDescription } from "./description.ts";
import { Witness } from "./witness.ts";

const description = githubDescription();
const SCRIPTS = path.join(import.meta.dirname, "../../../.github/scripts");
const REPOSITORY = "/repos/{owner}/{repo}";

/** Everything that we ask GitHub for, with the fields of the answers that are read. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  [`GET ${REPOSITORY}/releases`]: [
    ...["id", "tag_name", "target_commitish", "draft", "prerelease", "immutable", "html_url", "upload_url"],
    ...["assets.id", "assets.name", "assets.state", "assets.size", "assets.digest"],
  ],
  [`GET ${REPOSITORY}/releases/{release_id}`]: ["draft", "html_url"],
  [`GET ${REPOSITORY}/releases/tags/{tag}`]: [
    ...["tag_name", "draft", "html_url", "assets.id", "assets.name", "assets.digest"],
  ],
  [`POST ${REPOSITORY}/releases`]: ["id", "tag_name", "target_commitish", "draft", "immutable", "upload_url"],
  [`PATCH ${REPOSITORY}/releases/{release_id}`]: ["draft", "html_url"],
  [`GET ${REPOSITORY}/releases/{release_id}/assets`]: ["id", "name", "state", "size", "digest"],
  [`POST ${REPOSITORY}/releases/{release_id}/assets`]: ["id", "name", "state", "size", "digest"],
  [`GET ${REPOSITORY}/releases/assets/{asset_id}`]: [],
  [`DELETE ${REPOSITORY}/releases/assets/{asset_id}`]: [],
  [`GET ${REPOSITORY}/attestations/{subject_digest}`]: ["attestations.bundle"],
  [`GET ${REPOSITORY}/git/ref/{ref}`]: ["object.type", "object.sha"],
  [`GET ${REPOSITORY}/git/tags/{tag_sha}`]: ["object.type", "object.sha"],
  [`GET ${REPOSITORY}/git/matching-refs/{ref}`]: ["ref"],
  [`POST ${REPOSITORY}/git/refs`]: [],
  [`PATCH ${REPOSITORY}/git/refs/{ref}`]: [],
  [`GET ${REPOSITORY}/issues`]: ["number", "title", "pull_request", "html_url"],
  [`POST ${REPOSITORY}/issues`]: ["html_url"],
  [`PATCH ${REPOSITORY}/issues/{issue_number}`]: [],
};

describe("GitHub's own description of its API takes what we send", {
  skip: "skip" in description && description.skip,
}, () => {
  if ("skip" in description) return;
  const contract = new Contract(description);
  const upload = description.paths[`${REPOSITORY}/releases/{release_id}/assets`]?.post;
  const box = Sandbox.use();
  let witness: Witness;
  let emulator: Emulator;
  let scratch = "";
  before(async () => {
    witness = await Witness.start(contract);
    scratch = await mkdtemp(path.join(tmpdir(), "rdna1-contract-"));
    emulator = await Emulator.start(scratch, "org/kernels");
  });
  after(async () => {
    witness.close();
    await emulator.stop();
    await rm(scratch, { recursive: true, force: true });
  });
  afterEach(() => assert.deepEqual(witness.problems.splice(0), []));

  /** Runs one of the workflows' scripts; returns what it printed. */
  async function script(name: string, env: Record<string, string>): Promise<string> {
    witness.watch(emulator.address);
    const own = { GITHUB_API_URL: witness.api, GITHUB_REPOSITORY: "org/kernels", GITHUB_TOKEN: TOKEN };
    return (await promisify(execFile)(process.execPath, [path.join(SCRIPTS, name)], { env: { ...own, ...env } }))
      .stdout;
  }

  test("publish: a new release under an annotated tag, then again", async (t) => {
    const server = await started(t);
    const tag = { object: { type: "tag", sha: "b".repeat(40) } };
    server.faults.push(
      { on: /^GET .*git\/ref\//, fault: { kind: "answer", status: 200, body: tag } },
      {
        on: /^GET .*git\/tags\//,
        fault: { kind: "answer", status: 200, body: { object: { type: "commit", sha: COMMIT } } },
      },
    );
    const out = path.join(path.dirname(box.roots), "package/out");
    const publish = ["publish", "--repository", "org/kernels", "--tag", "v1/rocm7", "--output", out];
    const first = await box.run(publish, { GITHUB_API_URL: witness.api, GITHUB_TOKEN: TOKEN });
    assert.match(first.text, /6 uploaded, 0 there already, all verified/);
    server.tags.set("v1/rocm7", COMMIT);
    const second = await box.run(publish, { GITHUB_API_URL: witness.api, GITHUB_TOKEN: TOKEN });
    assert.match(second.text, /0 uploaded, 6 there already/);
  });
  test("publish: half an asset is replaced, and a lost answer asked for again", async (t) => {
    const server = await started(t);
    const files = await sampleFiles(scratch);
    server.addAsset(server.addRelease({ target_commitish: COMMIT }), { name: "manifest.json", state: "starter" });
    server.faults.push({ on: /^PATCH/, fault: { kind: "lost answer" } });
    const { release } = await publishTo(witness.api, files).done;
    assert.equal(release.draft, false);
    assert.equal(server.count(/^DELETE/), 1);
    // Its words tell of this state, its schema does not
    assert.match(upload?.description ?? "", /state of `starter`/);
    const told = /assets\?.*: answer\/0\/state must be equal to one of the allowed values$/;
    assert.match(witness.problems.splice(0, 1)[0] ?? "", told);
  });
  test("publish to the emulated GitHub", async () => {
    witness.watch(emulator.address);
    const commit = await emulator.commit();
    const draft = { tag: "v1", commit, body: "notes", preliminary: false };
    const commits = { tag: null, wanted: commit };
    await publishTo(witness.api, await sampleFiles(scratch), { draft, commits }).done;
    const [release] = await emulator.ask("releases");
    assert.equal(release?.draft, false);
  });
  test("install: the newest release, and the one of a tag", async () => {
    witness.watch(box.server.api);
    for (const which of [[], ["--tag", "v1"]]) {
      const { code, text } = await box.run([...box.release, ...which], { GITHUB_API_URL: witness.api });
      assert.equal(code, 0, text);
      await rm(box.installed, { recursive: true });
    }
  });
  test("the drift issue: opened, kept up to date, closed", async () => {
    const state = { GITHUB_SERVER_URL: "https://github.com", GITHUB_RUN_ID: "1" };
    const outdated = { ...state, OUTCOME: "failure", OUTDATED: "true", ROWS: "| a | b | c | rejected |" };
    assert.match(await script("drift-issue.mjs", outdated), /opened/);
    assert.match(await script("drift-issue.mjs", outdated), /updated/);
    const unknown = { ...state, OUTCOME: "failure", OUTDATED: "false" };
    await assert.rejects(script("drift-issue.mjs", unknown), /not every source could be tried/);
    assert.match(await script("drift-issue.mjs", { ...state, OUTCOME: "success" }), /closed/);
  });
  test("the major tag: made, then moved", async () => {
    const commit = await emulator.commit();
    for (const [name, done] of [
      ["v1.0.0", /made v1/],
      ["v1.0.1", /moved v1/],
    ] as const) {
      await emulator.ask("git/refs", "POST", { ref: `refs/tags/${name}`, sha: commit });
      assert.match(await script("move-major-tag.mjs", { GITHUB_REF_NAME: name, GITHUB_SHA: commit }), done);
    }
  });
  test("whether a tag can be published under: a free one, an annotated one, one that is published", async () => {
    const sha = await emulator.commit();
    const output = path.join(scratch, "output");
    const run = { GITHUB_SHA: sha, TAG: "v2.0.0", GITHUB_OUTPUT: output, PATH: process.env.PATH ?? "" };
    assert.match(await script("check-tag.mjs", run), /nothing is published as v2\.0\.0 yet/);
    const annotated = { tag: "v2.0.0", message: "m", object: sha, type: "commit" };
    const made = await emulator.ask<{ sha: string }>("git/tags", "POST", annotated);
    await emulator.ask("git/refs", "POST", { ref: "refs/tags/v2.0.0", sha: made.sha });
    assert.match(await script("check-tag.mjs", run), /nothing is published/);
    await emulator.ask("releases", "POST", { tag_name: "v2.0.0", draft: false });
    await assert.rejects(script("check-tag.mjs", run), ({ stdout }: { stdout: string }) =>
      /^::error::release v2\.0\.0 is published already/.test(stdout),
    );
  });
  test("that was all that we ever ask, and every field that we read is described", () => {
    assert.deepEqual([...witness.operations.keys()].sort(), Object.keys(ASKED).sort());
    for (const [operation, fields] of Object.entries(ASKED)) {
      for (const field of fields) assert.ok(contract.describes(operation, field), `${operation}: ${field}`);
    }
    const asking = readdirSync(SCRIPTS).filter((name) =>
      /from "\.\/github\.mjs"/.test(readFileSync(path.join(SCRIPTS, name), "utf8")),
    );
    assert.deepEqual(asking.sort(), ["check-tag.mjs", "drift-issue.mjs", "move-major-tag.mjs"]);
  });

  async function started(t: { after(work: () => void): void }): Promise<GitHubServer> {
    const server = new GitHubServer();
    witness.watch(await server.listen());
    t.after(() => server.close());
    return server;
  }
});
