import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalFile } from "../../../src/release/publish/local.ts";
import { assertPublished, files, isError, server, stored, UPLOAD } from "./setting.ts";
import { COMMIT, publishTo, TOKEN } from "./support.ts";

const names = () => files.map(({ name }) => name);

test("makes a draft of the commit, uploads in order with SHA256SUMS last, lists again and only then publishes", async () => {
  const result = await publishTo(server.address, files).done;
  assertPublished();
  assert.deepEqual(result.uploaded, names());
  assert.equal(server.releases[0]?.target_commitish, COMMIT);
  assert.deepEqual(server.requests.slice(-2), [
    `GET /repos/org/kernels/releases/${result.release.id}/assets`,
    `PATCH /repos/org/kernels/releases/${result.release.id}`,
  ]);
  assert.deepEqual([...server.authorizations], [`Bearer ${TOKEN}`]);
});

for (const immutable of [false, true]) {
  test(`a second run changes nothing of a release that is ${immutable ? "immutable" : "published"}`, async () => {
    server.immutable = immutable;
    await publishTo(server.address, files).done;
    server.requests.length = 0;
    const { uploaded, kept } = await publishTo(server.address, files).done;
    assert.deepEqual([uploaded, kept], [[], names()]);
    assert.equal(server.count(/^(POST|PATCH|DELETE)/), 0);
  });
}

test("refuses a published release with other files, and touches nothing", async () => {
  server.immutable = true;
  await publishTo(server.address, files).done;
  const changed = files.map((file, index) => (index === 1 ? { ...file, sha256: "0".repeat(64) } : file));
  server.requests.length = 0;
  await assert.rejects(
    publishTo(server.address, changed).done,
    isError("user", /published and immutable already.*manifest\.json \(has digest.*new tag/),
  );
  assert.equal(server.count(/^(POST|PATCH|DELETE)/), 0);
});

test("leaves a verified draft when asked, and publishes it in a later run without uploading", async () => {
  await publishTo(server.address, files, { stayDraft: true }).done;
  assert.equal(server.releases[0]?.draft, true);
  assert.deepEqual((await publishTo(server.address, files).done).uploaded, []);
  assertPublished();
});

test("repairs half an upload, a short one and other bytes; keeps what is whole", async () => {
  const draft = server.addRelease({ target_commitish: COMMIT });
  const [tarball, manifest, sbom, sums] = files as [LocalFile, LocalFile, LocalFile, LocalFile];
  const good = (file: LocalFile) => ({ name: file.name, size: file.bytes, digest: `sha256:${file.sha256}` });
  server.addAsset(draft, { ...good(tarball), state: "starter" });
  const whole = server.addAsset(draft, good(manifest));
  server.addAsset(draft, { ...good(sbom), size: 5 });
  server.addAsset(draft, { ...good(sums), digest: `sha256:${"1".repeat(64)}` });
  const { uploaded, kept } = await publishTo(server.address, files).done;
  assert.deepEqual([uploaded, kept], [[tarball.name, sbom.name, sums.name], [manifest.name]]);
  assert.equal(server.requests.includes(`DELETE /repos/org/kernels/releases/assets/${whole.id}`), false);
  assert.equal(server.count(/^DELETE/), 3);
  assert.equal(stored().length, 4);
});

test("refuses a draft of another commit and a draft with another build's tarball", async () => {
  const draft = server.addRelease({ target_commitish: "b".repeat(40) });
  await assert.rejects(publishTo(server.address, files).done, isError("user", /draft release of v1 is for commit bbb/));
  draft.target_commitish = COMMIT;
  server.addAsset(draft, { name: "rdna1-miopen-other.tar.zst" });
  await assert.rejects(publishTo(server.address, files).done, isError("user", /rdna1-miopen-other\.tar\.zst, which/));
  assert.equal(server.count(/^(POST|PATCH|DELETE)/), 0);
});

/** From GitHub's OpenAPI description (@octokit/openapi 23.0.2: api.github.com, and GHES 3.17 and 3.18 alike). */
const DESCRIBED = [
  /^(GET|POST) \/repos\/[^/]+\/[^/]+\/releases$/,
  /^(GET|PATCH|DELETE) \/repos\/[^/]+\/[^/]+\/releases\/\d+$/,
  /^GET \/repos\/[^/]+\/[^/]+\/releases\/\d+\/assets$/,
  /^POST \/uploads\/repos\/[^/]+\/[^/]+\/releases\/\d+\/assets$/,
  /^(GET|PATCH|DELETE) \/repos\/[^/]+\/[^/]+\/releases\/assets\/\d+$/,
  /^GET \/repos\/[^/]+\/[^/]+\/git\/ref\/.+$/,
];

test("asks for nothing that GitHub's description does not have", async () => {
  server.tags.set("v1/final", COMMIT);
  server.faults.push(
    { on: UPLOAD, fault: { kind: "cut", after: 9 } },
    { on: /^PATCH/, fault: { kind: "lost answer" } },
  );
  const run = publishTo(server.address, files);
  await run.done;
  assert.equal(await run.api.tagCommit("v1/final"), COMMIT);
  assert.equal(await run.api.tagCommit("v9"), null);
  assert.deepEqual(
    server.requests.filter((request) => !DESCRIBED.some((pattern) => pattern.test(request))),
    [],
  );
  assert.equal(new Set(server.requests.map((request) => request.replace(/\d+/g, "N"))).size, 9);
});

test("two runs that make a draft at the same moment go on with the older", async () => {
  server.tags.set("v1", COMMIT);
  server.faults.push({ on: /^POST \/repos/, fault: { kind: "rival draft" } });
  const run = publishTo(server.address, files);
  await run.done;
  assert.deepEqual(
    server.releases.map(({ draft }) => draft),
    [false, true],
  );
  assert.match(
    run.log.lines.join("\n"),
    new RegExp(`another draft of v1 is left as it is: ${server.releases[1]?.html_url}`),
  );
});

test("does not publish when GitHub lists something else than it answered, and names the file", async () => {
  const on = /^GET .*assets/;
  server.faults.push({ on, fault: { kind: "late", milliseconds: 0 } });
  server.faults.push({ on, fault: { kind: "answer", status: 200, body: [] } });
  await assert.rejects(
    publishTo(server.address, files).done,
    isError("machine", /not published.*SHA256SUMS \(not there yet\).*stays a draft/),
  );
  assert.equal(server.releases[0]?.draft, true);
  assert.deepEqual((await publishTo(server.address, files).done).uploaded, []);
  assertPublished();
});

test("sends nothing where uploads would be less safe than the API", async () => {
  server.addRelease({ target_commitish: COMMIT, upload_url: "https://uploads.invalid/assets{?name,label}" });
  await assert.rejects(publishTo(server.address, files).done, isError("user", /not as safe as.*token was not sent/));
});

test("finds a draft behind more than a page of releases", async () => {
  server.addRelease({ target_commitish: COMMIT });
  for (let index = 0; index < 120; index++) server.addRelease({ tag_name: `old-${index}`, draft: false });
  await publishTo(server.address, files).done;
  assert.equal(server.releases.length, 121);
});
