import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { GitHubServer } from "./github-server.ts";
import { COMMIT, TOKEN } from "./support.ts";

/*
 * Memory of a large upload, and a server that answers late. By hand with the sizes of a real release:
 *   LARGE_MB=2000 LATE_SECONDS=310 node --test test/release/publish/large.real.test.ts
 */
const MEGABYTES = Number(process.env.LARGE_MB ?? 512);
const LATE_SECONDS = Number(process.env.LATE_SECONDS ?? 3);

let scratch = "";
let server: GitHubServer;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-large-"));
  server = new GitHubServer();
  await server.listen();
});
after(async () => {
  server.close();
  await rm(scratch, { recursive: true, force: true });
});

/** Zeros that take no room on the disk. */
async function sparseFile(bytes: number): Promise<{ file: string; sha256: string }> {
  const file = path.join(scratch, "rdna1-miopen-large.tar.zst");
  const handle = await open(file, "w");
  await handle.truncate(bytes);
  await handle.close();
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(1_000_000);
  for (let done = 0; done < bytes; done += zeros.length) hash.update(zeros);
  return { file, sha256: hash.digest("hex") };
}

const source = (file: string) => JSON.stringify(new URL(`../../../src/${file}`, import.meta.url).href);
const CHILD = `
  import { NodeHttp } from ${source("ports/http.ts")};
  import { SYSTEM_CLOCK } from ${source("ports/clock.ts")};
  import { GitHubReleases } from ${source("release/publish/github.ts")};
  import { publishRelease } from ${source("release/publish/publish.ts")};
  import { Secret } from ${source("secret.ts")};
  const { place, token, request } = JSON.parse(process.argv[1]);
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, warning: console.error, error: nothing, progress: nothing };
  const before = process.resourceUsage().maxRSS;
  const api = new GitHubReleases({ ...place, token: new Secret(token) }, { http: new NodeHttp({}), clock: SYSTEM_CLOCK, log });
  const { uploaded } = await publishRelease(request, api, { log, clock: SYSTEM_CLOCK });
  console.log(JSON.stringify({ uploaded, before, after: process.resourceUsage().maxRSS }));
`;

test(`uploads ${MEGABYTES} MB in constant memory to a server that answers ${LATE_SECONDS} s late`, async (t) => {
  const bytes = MEGABYTES * 1_000_000;
  const { file, sha256 } = await sparseFile(bytes);
  server.faults.push({ on: /^POST \/uploads/, fault: { kind: "late", milliseconds: LATE_SECONDS * 1000 } });
  const input = {
    place: { api: server.address, repository: "org/kernels", version: "0" },
    token: TOKEN,
    request: {
      draft: { tag: "v1", commit: COMMIT, body: "", preliminary: false },
      commits: { tag: null, wanted: COMMIT },
      files: [{ name: path.basename(file), path: file, bytes, sha256 }],
      stayDraft: false,
    },
  };
  const started = performance.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", CHILD, JSON.stringify(input)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  const { uploaded, before, after } = JSON.parse(output) as { uploaded: string[]; before: number; after: number };
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  t.diagnostic(`resident memory ${before} kB before, ${after} kB at most; ${seconds} s`);
  assert.deepEqual(uploaded, [path.basename(file)]);
  assert.equal(server.count(/^POST \/uploads/), 1, "sent once");
  assert.equal(server.releases[0]?.draft, false);
  assert.ok(after < 200_000, `${after} kB of resident memory`);
});
