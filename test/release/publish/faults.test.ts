import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { test } from "node:test";
import { type Fault, GitHubServer } from "./github-server.ts";
import { assertPublished, files, isError, scratch, server, stored, UPLOAD } from "./setting.ts";
import { publishTo, sampleFiles, TOKEN } from "./support.ts";

const TARBALL = "rdna1-miopen-x.tar.zst";

interface Case {
  on: RegExp;
  fault: Fault;
  /** Uploads of the tarball in all */
  uploads?: number;
  /** Waits in milliseconds, with chance at one half */
  waits: number[];
}
const busy = { kind: "answer", status: 502 } as const;
const faults: Record<string, Case> = {
  "429 with Retry-After is waited for": {
    on: UPLOAD,
    fault: { kind: "answer", status: 429, headers: { "retry-after": "7" } },
    waits: [7_500],
  },
  "an exhausted rate limit is waited for until its reset": {
    on: /^GET .*releases\?/,
    fault: {
      kind: "answer",
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Date.UTC(2026, 0, 1) / 1000 + 90) },
    },
    uploads: 1,
    waits: [90_500],
  },
  "502 while listing": { on: /^GET .*releases\?/, fault: busy, uploads: 1, waits: [750] },
  "502 instead of storing an asset": { on: UPLOAD, fault: busy, waits: [750] },
  "a lost answer to making the draft makes no second draft": {
    on: /^POST \/repos/,
    fault: { kind: "lost answer" },
    uploads: 1,
    waits: [750],
  },
  "a connection cut in mid-upload leaves half an asset, which is replaced": {
    on: UPLOAD,
    fault: { kind: "cut", after: 1_000_000 },
    waits: [750],
  },
  "a lost answer to a whole upload is not sent again": {
    on: UPLOAD,
    fault: { kind: "lost answer" },
    uploads: 1,
    waits: [750],
  },
  "bytes that arrive wrong once are sent again": { on: UPLOAD, fault: { kind: "wrong digest" }, waits: [750] },
  "a lost answer to publishing": { on: /^PATCH/, fault: { kind: "lost answer" }, uploads: 1, waits: [750] },
  "502 while publishing": { on: /^PATCH/, fault: busy, uploads: 1, waits: [750] },
};
for (const [name, { on, fault, uploads = 2, waits }] of Object.entries(faults)) {
  test(name, async () => {
    server.faults.push({ on, fault });
    const run = publishTo(server.address, files);
    await run.done;
    assertPublished();
    assert.deepEqual(run.clock.waits, waits);
    assert.equal(server.count(UPLOAD), uploads + files.length - 1);
    assert.equal(server.faults.length, 0);
  });
}

test("gives up after five tries, leaves a draft, and the next run finishes it", async () => {
  for (let tries = 0; tries < 5; tries++) server.faults.push({ on: /^POST.*SHA256SUMS/, fault: busy });
  const run = publishTo(server.address, files);
  await assert.rejects(
    run.done,
    isError("machine", /upload SHA256SUMS: GitHub answers 502 \(tried 5 times\).*run the same/),
  );
  assert.deepEqual(run.clock.waits, [750, 1500, 3000, 6000]);
  assert.equal(server.releases[0]?.draft, true);
  assert.deepEqual((await publishTo(server.address, files).done).uploaded, ["SHA256SUMS"]);
  assertPublished();
});

test("bytes that arrive wrong twice: an error names the file, and the release stays a draft", async () => {
  const on = /^POST.*manifest\.json/;
  server.faults.push({ on, fault: { kind: "wrong digest" } }, { on, fault: { kind: "wrong digest" } });
  await assert.rejects(
    publishTo(server.address, files).done,
    isError("machine", /manifest\.json did not arrive as it was sent: the asset has digest sha256:.*stays a draft/),
  );
  assert.equal(server.releases[0]?.draft, true);
});

test("a wait longer than a quarter of an hour is refused with the time to come back", async () => {
  server.faults.push({ on: UPLOAD, fault: { kind: "answer", status: 429, headers: { "retry-after": "3000" } } });
  const run = publishTo(server.address, files);
  await assert.rejects(run.done, isError("machine", /429.*after 2026-01-01 00:50 UTC/));
  assert.deepEqual(run.clock.waits, []);
});

test("a slow answer to a whole body is waited for; a silent server is not", async () => {
  const limits = { silence: 200, answer: 3_000 };
  server.faults.push({ on: UPLOAD, fault: { kind: "late", milliseconds: 900 } });
  const run = publishTo(server.address, files, { limits });
  await run.done;
  assertPublished();
  assert.deepEqual(run.clock.waits, []);
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  try {
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const short = { silence: 50, answer: 50 };
    await assert.rejects(
      publishTo(`http://127.0.0.1:${port}`, files, { limits: short }).done,
      isError("machine", /127\.0\.0\.1:\d+ is silent.*tried 5 times/),
    );
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

for (const [what, status, body, pattern] of [
  ["a token that is not valid", 401, { message: "Bad credentials" }, /401: Bad credentials.*GITHUB_TOKEN/],
  ["a token without the right", 403, { message: "Resource not accessible" }, /contents: write/],
  ["an unknown repository", 404, { message: "Not Found" }, /repository's name/],
  ["a tag that an immutable release burnt", 422, { message: "tag_name was used by an immutable release" }, /new tag/],
] as const) {
  test(`${what} is the user's error and is not tried again`, async () => {
    server.faults.push({ on: /^POST/, fault: { kind: "answer", status, body } });
    const run = publishTo(server.address, files);
    await assert.rejects(run.done, isError("user", pattern));
    assert.deepEqual(run.clock.waits, []);
  });
}

test("the token goes to no other host, and into no log and no error", async () => {
  const other = new GitHubServer();
  await other.listen();
  try {
    const headers = { location: `${other.address}/repos/org/kernels/releases` };
    server.faults.push({ on: /^GET .*releases\?/, fault: { kind: "answer", status: 302, headers } });
    const moved = publishTo(server.address, files);
    await assert.rejects(moved.done, isError("user", /leads to another host; the token is not sent/));
    assert.deepEqual(other.requests, []);
    server.faults.push({ on: UPLOAD, fault: { kind: "answer", status: 400, body: { message: `no ${TOKEN}` } } });
    const echoed = publishTo(server.address, files);
    await assert.rejects(
      echoed.done,
      (error) => isError("machine", /no \*\*\*/)(error) && !String(error).includes(TOKEN),
    );
    assert.equal([...moved.log.lines, ...echoed.log.lines].join("\n").includes(TOKEN), false);
  } finally {
    other.close();
  }
});

test("follows a renamed repository on the same host", async () => {
  const headers = { location: `${server.address}/repos/org/kernels/releases?per_page=100&page=1` };
  server.faults.push({ on: /^GET .*releases\?/, fault: { kind: "answer", status: 301, headers } });
  await publishTo(server.address, files).done;
  assertPublished();
});

test("a file that changed after it was checked is never published", async () => {
  const folder = path.join(scratch, "changing");
  const own = await sampleFiles(folder);
  await writeFile(path.join(folder, "manifest.json"), "{}");
  await assert.rejects(publishTo(server.address, own).done, isError("machine", /does not have 900 bytes any more/));
  await writeFile(path.join(folder, "manifest.json"), "x".repeat(900));
  await assert.rejects(publishTo(server.address, own).done, isError("machine", /manifest\.json did not arrive/));
  assert.equal(server.releases[0]?.draft, true);
});

test("without digests (an older Enterprise Server) what this run sent is compared by size and said so", async () => {
  server.digests = false;
  const run = publishTo(server.address, files, { stayDraft: true });
  await run.done;
  assert.match(run.log.lines.join("\n"), new RegExp(`${TARBALL}: GitHub tells no digest`));
  assert.equal((await publishTo(server.address, files).done).uploaded.length, files.length);
  assert.equal(stored().length, files.length);
});
