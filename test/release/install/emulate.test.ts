import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { NodeHttp } from "../../../src/ports/http.ts";
import { GitHubPackages } from "../../../src/release/install/release-place.ts";
import { Secret } from "../../../src/secret.ts";
import { Emulator } from "../publish/emulator.ts";
import { FastClock, MemoryLog, publishTo, sampleFiles, TOKEN } from "../publish/support.ts";

/* The emulator keeps no contents and computes no digests: what is read here are its releases. */

let scratch = "";
let emulator: Emulator;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-emulate-install-"));
  emulator = await Emulator.start(scratch, "maintainer/kernels");
});
after(async () => {
  await emulator.stop();
  await rm(scratch, { recursive: true, force: true });
});

const packages = (repository: string) =>
  new GitHubPackages(
    { api: emulator.address, repository, token: new Secret(TOKEN), version: "0" },
    { http: new NodeHttp({}), clock: new FastClock(), log: new MemoryLog() },
    {},
  );

test("what publish has made in the emulated GitHub is found, by its tag and in the list; a draft is not listed", async () => {
  const commit = await emulator.commit();
  const files = await sampleFiles(path.join(scratch, "out"));
  for (const [tag, stayDraft] of [
    ["v1", false],
    ["v2", true],
  ] as const) {
    const draft = { tag, commit, body: "notes", preliminary: false };
    const commits = { tag: null, wanted: commit };
    await publishTo(emulator.address, files, { repository: "maintainer/kernels", draft, commits, stayDraft }).done;
  }
  const listed = await packages("maintainer/kernels").places(null);
  assert.deepEqual(
    listed.map(({ tag }) => tag),
    ["v1"],
  );
  const [byTag] = await packages("maintainer/kernels").places("v1");
  assert.deepEqual([...(byTag?.names ?? [])].sort(), files.map(({ name }) => name).sort());
  for (const { name, bytes } of files) assert.equal(byTag?.offered(name)?.bytes, bytes, name);
  assert.equal(byTag?.offered("none"), null);
  assert.deepEqual(await byTag?.attestations("0".repeat(64)), []);
});

test("a repository and a tag that it does not know are the user's error", async () => {
  await assert.rejects(packages("maintainer/none").places(null), { kind: "user", message: /404/ });
  await assert.rejects(packages("maintainer/kernels").places("v9"), { kind: "user", remedy: /the tag/ });
});
