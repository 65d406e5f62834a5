import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ReleaseServer } from "../../release/install/release-server.ts";
import { TestSigstore } from "../../release/install/sigstore.ts";
import { attestRelease, PACKAGE, samplePackage } from "../../release/install/support.ts";
import { sha256 } from "../../release/sample.ts";
import { realToolchain, Sandbox } from "../sandbox.ts";
import { shareBuilds } from "../shared-builds.ts";
import { ActRunner, type Run } from "./runner.ts";
import { ACT, find } from "./tools.ts";

const act = find(ACT);
const PROBER = ".github/workflows/prober.yml";
const REPOSITORY = "org/rdna1-miopen";

describe("the prober workflow in act", { skip: "skip" in act ? act.skip : false }, () => {
  const sandbox = new Sandbox();
  let server: ReleaseServer;
  let sigstore: TestSigstore;
  let project: ActRunner;
  let files: Record<string, Buffer>;

  before(async () => {
    if ("skip" in act) return;
    server = new ReleaseServer();
    server.repository = REPOSITORY;
    await server.listen();
    sigstore = await TestSigstore.start();
    mkdirSync(sandbox.path("package"));
    files = await samplePackage(sandbox.path("package"));
    server.add("v1.0.0", files);
    const workflow = `${REPOSITORY}/.github/workflows/publish.yml@refs/tags/v1.0.0`;
    await attestRelease(server, sigstore, sha256(files[PACKAGE] ?? ""), { repository: REPOSITORY, workflow });
    project = new ActRunner(act.program);
    // There is no Sigstore here but ours, which has to be named, and no Docker
    const text = readFileSync(join(project.tree, PROBER), "utf8");
    const roots = sandbox.file("roots.json", JSON.stringify(sigstore.root));
    const here = text.replace("command: install", `command: install\n          trusted-root: ${roots}`);
    project.file(PROBER, here.replace(/^ *container: .*\n/m, ""));
    project.commit();
  });
  after(() => {
    server?.close();
    sigstore?.close();
    project?.remove();
    sandbox.remove();
  });

  const probe = async (job: string, { vars = {}, cache = "cache" }: { vars?: Run["vars"]; cache?: string } = {}) =>
    await project.run({
      workflow: PROBER,
      vars,
      event: "schedule",
      job,
      repositories: { [`${REPOSITORY}@v1`]: project.tree },
      env: { GITHUB_API_URL: server.api, RDNA1_MIOPEN_CACHE: sandbox.path(cache) },
    });

  test("installs the newest release, whose origin is proven", async () => {
    const { code, log } = await probe("install");
    assert.equal(code, 0, log.slice(-8000));
    assert.match(log, /set-output:: attested=true/);
  });
  test("fails when the newest release was made by somebody else", async () => {
    const other = { ...files, "report.html": Buffer.from("another one") };
    server.add("v1.0.1", other);
    server.attestations.clear();
    const digest = sha256(files[PACKAGE] ?? "");
    const workflow = "org/fork/.github/workflows/publish.yml@refs/tags/v1.0.1";
    await attestRelease(server, sigstore, digest, { repository: "org/fork", workflow });
    const { code, log } = await probe("install");
    assert.equal(code, 1, log.slice(-8000));
    assert.match(log, /org\/fork/);
  });
  test("takes a release without attestation where the repository attests nothing, and not where it does", async () => {
    server.add("v1.0.2", { ...files, "report.html": Buffer.from("a third one") });
    server.attestations.clear();
    // On a machine that has not proven the same package before
    mkdirSync(sandbox.path("empty"));
    const { code, log } = await probe("install", { vars: { RDNA1_ATTEST: "off" }, cache: "empty" });
    assert.equal(code, 0, log.slice(-8000));
    assert.match(log, /set-output:: attested=false/);
    assert.equal((await probe("install", { cache: "empty" })).code, 1);
  });
  test("builds a small kernel set, and every proof passes", async (t) => {
    const toolchain = await realToolchain();
    if (typeof toolchain === "string") return t.skip(toolchain);
    await shareBuilds(toolchain);
    const { code, log } = await probe("build");
    assert.equal(code, 0, log.slice(-8000));
    assert.match(log, /\d+ kernels, (\d+)\/\1 proofs/);
  });
});
