import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { RdnaError } from "../../../src/errors.ts";
import type { LocalFile } from "../../../src/release/publish/local.ts";
import { GitHubServer } from "./github-server.ts";
import { sampleFiles } from "./support.ts";

// What the tests of a file work with, as soon as the file imports it: four files, and for each test a new server.

export let scratch = "";
export let files: LocalFile[] = [];
export let server: GitHubServer;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-publish-"));
  files = await sampleFiles(scratch);
});
after(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  server = new GitHubServer();
  await server.listen();
});
afterEach(() => server.close());

export const UPLOAD = /^POST \/uploads/;

/** The assets of the first release. */
export const stored = () => server.assets.get(server.releases[0]?.id ?? 0) ?? [];

export const isError = (kind: string, pattern: RegExp) => (error: unknown) =>
  error instanceof RdnaError && error.kind === kind && pattern.test(`${error.message} ${error.remedy}`);

/** One release, public, with exactly the four files. */
export function assertPublished(): void {
  assert.equal(server.releases.length, 1);
  assert.equal(server.releases[0]?.draft, false);
  assert.deepEqual(
    stored().map(({ name, size, digest, state }) => ({ name, size, digest, state })),
    files.map(({ name, bytes, sha256 }) => ({ name, size: bytes, digest: `sha256:${sha256}`, state: "uploaded" })),
  );
}
