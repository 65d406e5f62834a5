import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Manifest } from "../../../src/release/manifest.ts";
import { TOKEN } from "../../release/publish/support.ts";
import { projectRoot, realToolchain, Sandbox } from "../sandbox.ts";
import { shareBuilds } from "../shared-builds.ts";
import { machineWithCard } from "./card.ts";
import { GitHub } from "./github.ts";
import { ActRunner, type Outcome, type Run } from "./runner.ts";
import { ACT, find } from "./tools.ts";

const act = find(ACT);
const TAG = "v1.2.3";

const toolchain = await realToolchain();

/** Kernels of every kind that a set has, few enough for a test: HIP, OpenCL and GEMM. */
const KERNEL_SET = `MIOpenDriver conv -n 1 -c 8 -H 8 -W 8 -k 8 -y 1 -x 1 -F 1
MIOpenDriver conv -n 1 -c 16 -H 8 -W 8 -k 16 -y 3 -x 3 -p 1 -q 1 -F 1
`;

/** RDNA1_TEST_FULL=1: the set that is released, for three targets; a quarter of an hour. */
const RELEASED = process.env.RDNA1_TEST_FULL === "1" ? "conv" : "./few.txt";

const skip = "skip" in act ? act.skip : typeof toolchain === "string" ? toolchain : false;

interface Release {
  id: number;
  draft: boolean;
  target_commitish: string;
}

describe("the release workflow in act", { skip }, () => {
  const sandbox = new Sandbox();
  let github: GitHub;
  let runner: ActRunner;
  let commit = "";
  let run: Run;
  let kernels: Manifest["kernels"]["gfx1010"];

  before(async () => {
    if ("skip" in act || typeof toolchain === "string") return;
    await shareBuilds(toolchain);
    mkdirSync(sandbox.path("github"));
    github = await GitHub.start(sandbox.path("github"), "org/rdna1-miopen");
    commit = await github.emulator.commit();
    await github.emulator.ask("git/refs", "POST", { ref: `refs/tags/${TAG}`, sha: commit });
    runner = new ActRunner(act.program);
    runner.file("few.txt", KERNEL_SET);
    runner.commit();
    run = {
      workflow: ".github/workflows/release.yml",
      event: "push",
      payload: { ref: `refs/tags/${TAG}`, deleted: false, after: commit },
      env: { GITHUB_API_URL: github.address, RDNA1_MIOPEN_CACHE: sandbox.path("cache") },
      vars: { RDNA1_RUNNER: '["self-hosted","rdna1"]', RDNA1_KERNEL_SET: RELEASED, RDNA1_ATTEST: "off" },
      secrets: { GITHUB_TOKEN: TOKEN },
    };
  });
  after(async () => {
    await github?.stop();
    runner?.remove();
    sandbox.remove();
  });

  const theRelease = async (): Promise<Release> => {
    const releases = await github.emulator.ask<Release[]>("releases");
    assert.equal(releases.length, 1, "one release");
    return releases[0] as Release;
  };
  const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  const uploads = () => github.count(/^POST .*\/assets$/);
  const succeeded = ({ code, log }: Outcome) => assert.equal(code, 0, log.slice(-8000));
  const said = ({ log }: Outcome, what: RegExp) => assert.ok(what.test(log), `${what} is not in ${log.slice(-8000)}`);

  test("a machine that dies in the middle of an upload leaves a draft with half a file", async () => {
    const { reached, over } = github.stallNext(/\.tar\.zst$/, 1 << 16);
    const outcome = await runner.run({ ...run, kill: reached });
    assert.equal(outcome.code, null, outcome.log.slice(-8000));
    await over();
    const release = await theRelease();
    assert.equal(release.draft, true);
    const assets = await github.assets(release.id);
    assert.deepEqual(
      assets.map(({ state }) => state),
      ["starter"],
    );
  });

  test("the next run repairs it: every file is there with its digest, and the release is published", async () => {
    const outcome = await runner.run(run);
    succeeded(outcome);
    said(outcome, /only half uploaded/);
    said(outcome, /::warning::this release has no attestation/);
    const release = await theRelease();
    assert.deepEqual([release.draft, release.target_commitish], [false, commit]);
    kernels = manifestOf(join(outcome.artifacts, "release")).kernels.gfx1010;
    const sums = readFileSync(join(outcome.artifacts, "release/SHA256SUMS"), "utf8");
    const wanted = [...sums.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)].map(([, digest, name]) => [
      name,
      `sha256:${digest}`,
    ]);
    assert.ok(wanted.length >= 7, sums);
    const assets = await github.assets(release.id);
    const found = assets.filter(({ name }) => name !== "SHA256SUMS").map(({ name, digest }) => [name, digest]);
    assert.deepEqual(found.sort(), wanted.sort());
    assert.ok(assets.every(({ state }) => state === "uploaded"));
  });
  test("the major tag has moved to the commit of the release", async () => {
    const { object } = await github.emulator.ask<{ object: { sha: string } }>("git/ref/tags/v1");
    assert.equal(object.sha, commit);
  });

  test("a second run builds nothing, uploads nothing and changes nothing", async () => {
    const before = uploads();
    const outcome = await runner.run(run);
    succeeded(outcome);
    said(outcome, /release v1\.2\.3 is published already: nothing is built/);
    said(outcome, /moved v1 to/);
    assert.deepEqual(readdirSync(outcome.artifacts), []);
    assert.equal(uploads(), before);
    assert.equal((await theRelease()).draft, false);
  });

  test("a rebuild under a tag that is published already is refused before anything is built", async () => {
    const payload = { ref: "refs/heads/main", deleted: false, after: commit, inputs: { publish: TAG } };
    const event = "workflow_dispatch";
    const outcome = await runner.run({ ...run, workflow: ".github/workflows/rebuild.yml", event, payload });
    assert.equal(outcome.code, 1, outcome.log.slice(-8000));
    said(outcome, /release v1\.2\.3 is published already, and what people may have downloaded is not replaced/);
    assert.deepEqual(readdirSync(outcome.artifacts), []);
  });

  test("the rebuild workflow, in two shards, makes the same kernels and a draft under the tag that it is given, and leaves other releases alone", async () => {
    // GitHub sends every input as text
    const inputs = {
      ...{ "rocm-version": "7.2.4", toolchain: "debian", miopen: "distribution", "miopen-source": "", patches: "auto" },
      ...{
        targets: "gfx1010",
        "kernel-set": RELEASED,
        verify: "virtual",
        shards: "2",
        publish: "v1.2.4-rocm7.2.4",
        draft: "true",
      },
    };
    const payload = { ref: "refs/heads/main", deleted: false, after: commit, inputs };
    const event = "workflow_dispatch";
    const outcome = await runner.run({ ...run, workflow: ".github/workflows/rebuild.yml", event, payload });
    succeeded(outcome);
    const parts = readdirSync(outcome.artifacts).filter((name) => name.includes("-part-"));
    const made = ["kernels", "proofs"].flatMap((what) => [1, 2].map((n) => `rebuild-part-${what}-gfx1010-${n}-of-2`));
    assert.deepEqual(parts.sort(), made);
    said(outcome, /gfx1010: \d+ kernels from \d+ of \d+ commands/);
    said(outcome, /gfx1010: \d+ kernels from \d+ commands in 2 parts/);
    assert.notEqual(kernels, undefined);
    const { kernels: merged, proofs } = manifestOf(join(outcome.artifacts, "rebuild"));
    assert.deepEqual(merged.gfx1010, kernels);
    assert.deepEqual([proofs.failed, proofs.skipped], [0, 0]);
    const releases = await github.emulator.ask<(Release & { tag_name: string })[]>("releases");
    assert.deepEqual(releases.map(({ tag_name, draft }) => [tag_name, draft]).sort(), [
      [TAG, false],
      ["v1.2.4-rocm7.2.4", true],
    ]);
  });

  test("the workflow in the README installs that release and runs MIOpenDriver with its kernels", async (t) => {
    if ("skip" in act || typeof toolchain === "string") return;
    const user = new ActRunner(act.program, "empty", "someone/project");
    t.after(() => user.remove());
    const [, example = ""] =
      /```yaml\n(on: push\n[^`]*)```/.exec(readFileSync(join(projectRoot, "README.md"), "utf8")) ?? [];
    // There is no sigstore here, so the release has no attestation, and its user has to say that this is all right
    const text = example.replace("command: install", "command: install\n          attestation: ATTESTATION");
    assert.notEqual(text, example);
    user.file(".github/workflows/required.yml", text.replace("ATTESTATION", "required"));
    user.file(".github/workflows/off.yml", text.replace("ATTESTATION", '"off"'));
    user.commit();
    const using = {
      event: "push" as const,
      env: { GITHUB_API_URL: github.address },
      secrets: { GITHUB_TOKEN: TOKEN },
      repositories: { "org/rdna1-miopen@v1": runner.tree },
      programs: await machineWithCard(toolchain, user.path("bin")),
    };
    const refused = await user.run({ ...using, workflow: ".github/workflows/required.yml" });
    assert.equal(refused.code, 1, refused.log);
    said(refused, /has no attestation for rdna1-miopen-/);

    const outcome = await user.run({ ...using, workflow: ".github/workflows/off.yml" });
    succeeded(outcome);
    said(outcome, /loaded binary/);
    said(outcome, /Forward Convolution Verifies OK/);
  });
});
