import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../../src/ports/clock.ts";
import { type HttpLimits, NodeHttp } from "../../../src/ports/http.ts";
import type { Log } from "../../../src/ports/log.ts";
import { GitHubReleases } from "../../../src/release/publish/github.ts";
import type { LocalFile } from "../../../src/release/publish/local.ts";
import { type PublishRequest, publishRelease } from "../../../src/release/publish/publish.ts";
import { Secret } from "../../../src/secret.ts";
import { noise, sha256 } from "../sample.ts";

export const COMMIT = "a".repeat(40);
export const TOKEN = "ghp_verySecretToken";

/** Remembers every line. */
export class MemoryLog implements Log {
  readonly lines: string[] = [];
  debug = (message: string) => void this.lines.push(message);
  info = (message: string) => void this.lines.push(message);
  warning = (message: string) => void this.lines.push(message);
  error = (message: string) => void this.lines.push(message);
  progress = (message: string) => void this.lines.push(message);
  group = <T>(_title: string, work: () => Promise<T>) => work();
}

/** A clock that never waits and remembers how long it should have. */
export class FastClock implements Clock {
  readonly waits: number[] = [];
  time = Date.UTC(2026, 0, 1);
  now = () => this.time;
  random = () => 0.5;
  sleep = async (milliseconds: number) => {
    this.waits.push(milliseconds);
    this.time += milliseconds;
  };
}

/** Four files in upload order. */
export async function sampleFiles(folder: string): Promise<LocalFile[]> {
  await mkdir(folder, { recursive: true });
  const files: LocalFile[] = [];
  const sizes = { "rdna1-miopen-x.tar.zst": 3_000_000, "manifest.json": 900, "sbom.spdx.json": 700, SHA256SUMS: 300 };
  for (const [name, bytes] of Object.entries(sizes)) {
    const content = noise(name, bytes);
    const full = path.join(folder, name);
    await writeFile(full, content);
    files.push({ name, path: full, bytes: content.length, sha256: sha256(content) });
  }
  return files;
}

/** Publishes over HTTP as the command does, without waiting between tries. */
export function publishTo(
  address: string,
  files: readonly LocalFile[],
  changes: Partial<PublishRequest> & { limits?: HttpLimits; repository?: string } = {},
) {
  const log = new MemoryLog();
  const clock = new FastClock();
  const { limits, repository = "org/kernels", ...rest } = changes;
  const place = { api: address, repository, token: new Secret(TOKEN), version: "0" };
  const api = new GitHubReleases(place, { http: new NodeHttp({}, limits), clock, log });
  const request: PublishRequest = {
    draft: { tag: "v1", commit: COMMIT, body: "notes", preliminary: false },
    commits: { tag: COMMIT, wanted: COMMIT },
    files,
    stayDraft: false,
    ...rest,
  };
  return { log, clock, api, done: publishRelease(request, api, { log, clock }) };
}
