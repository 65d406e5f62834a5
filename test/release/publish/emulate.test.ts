import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Emulator } from "./emulator.ts";
import { publishTo, sampleFiles } from "./support.ts";

let scratch = "";
let emulator: Emulator;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-emulate-"));
  emulator = await Emulator.start(scratch, "maintainer/kernels");
});
after(async () => {
  await emulator.stop();
  await rm(scratch, { recursive: true, force: true });
});

test("a release of the emulated GitHub: draft, all files, a second run over the draft, published", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  const commit = await emulator.commit();
  assert.match(commit, /^[0-9a-f]{40}$/);
  const request = {
    repository: "maintainer/kernels",
    draft: { tag: "v1", commit, body: "notes", preliminary: false },
    commits: { tag: null, wanted: commit },
  };
  await publishTo(emulator.address, files, { ...request, stayDraft: true }).done;
  const [draft] = await emulator.ask("releases");
  assert.deepEqual([draft?.tag_name, draft?.draft, draft?.target_commitish], ["v1", true, commit]);

  const published = await publishTo(emulator.address, files, request).done;
  const releases = await emulator.ask("releases");
  assert.deepEqual(
    releases.map(({ id, draft }) => [id, draft]),
    [[published.release.id, false]],
  );
  const assets = await emulator.ask(`releases/${published.release.id}/assets`);
  assert.deepEqual(
    assets.map(({ name, size, state }) => [name, size, state]).reverse(),
    files.map(({ name, bytes }) => [name, bytes, "uploaded"]),
  );
});

test("a preliminary release is not the newest", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  const commit = await emulator.commit();
  const draft = { tag: "v2-rc1", commit, body: "", preliminary: true };
  const request = { repository: "maintainer/kernels", draft, commits: { tag: null, wanted: commit } };
  await publishTo(emulator.address, files, request).done;
  const releases: { tag_name: string; prerelease?: boolean }[] = await emulator.ask("releases");
  assert.equal(releases.find(({ tag_name: tag }) => tag === "v2-rc1")?.prerelease, true);
});

test("a repository that the emulated GitHub does not know is the user's error", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  await assert.rejects(publishTo(emulator.address, files, { repository: "maintainer/none" }).done, {
    kind: "user",
    message: /404/,
  });
});
