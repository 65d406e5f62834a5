import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "./emulator.ts";
import { publishTo, sampleFiles, TOKEN } from "./support.ts";

/*
 * The emulator keeps releases and assets, but computes no digests and takes two assets of one name, so what depends on
 * those is tested with a server of ours.
 */

let scratch = "";
let emulator: Emulator;
let address = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-emulate-"));
  emulator = await startEmulator(scratch);
  ({ address } = emulator);
});
after(async () => {
  await emulator.stop();
  await rm(scratch, { recursive: true, force: true });
});

const ask = async (what: string) => {
  const response = await fetch(`${address}/repos/maintainer/kernels/${what}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return (await response.json()) as Record<string, unknown>[];
};

test("a release of the emulated GitHub: draft, all files, a second run over the draft, published", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  const [{ sha } = {}] = (await ask("commits")) as { sha?: string }[];
  const commit = sha ?? "";
  assert.match(commit, /^[0-9a-f]{40}$/);
  const request = {
    repository: "maintainer/kernels",
    draft: { tag: "v1", commit, body: "notes" },
    commits: { tag: null, wanted: commit },
  };
  await publishTo(address, files, { ...request, stayDraft: true }).done;
  const [draft] = await ask("releases");
  assert.deepEqual([draft?.tag_name, draft?.draft, draft?.target_commitish], ["v1", true, commit]);

  const published = await publishTo(address, files, request).done;
  const releases = await ask("releases");
  assert.deepEqual(
    releases.map(({ id, draft }) => [id, draft]),
    [[published.release.id, false]],
  );
  const assets = await ask(`releases/${published.release.id}/assets`);
  assert.deepEqual(
    assets.map(({ name, size, state }) => [name, size, state]).reverse(),
    files.map(({ name, bytes }) => [name, bytes, "uploaded"]),
  );
});

test("a repository that the emulated GitHub does not know is the user's error", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  await assert.rejects(publishTo(address, files, { repository: "maintainer/none" }).done, {
    kind: "user",
    message: /404/,
  });
});
