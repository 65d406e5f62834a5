import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Context } from "../../../src/context.ts";
import type { RdnaError } from "../../../src/errors.ts";
import { parseOrigin } from "../../../src/miopen/source/origin.ts";
import { unpackSource } from "../../../src/miopen/source/pack.ts";
import { sourceStage } from "../../../src/miopen/source/stage.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { contextIn, freshContext } from "../context.ts";
import { writeTree } from "../small-miopen.ts";

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A tarball with one folder on top, as forges make them. */
function tarball(
  folder: string,
  changes: Record<string, string> = {},
): { file: string; bytes: Buffer; sha256: string } {
  writeTree(join(folder, "MIOpen-rocm-7.0.2"), changes);
  const file = join(folder, "m.tar.gz");
  execFileSync("tar", ["-C", folder, "-czf", file, "MIOpen-rocm-7.0.2"]);
  const bytes = readFileSync(file);
  return { file, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

test("takes a folder without its version control, by content, and is skipped until a byte changes", async (t) => {
  const { folder, context, log } = await freshContext(t);
  const tree = writeTree(join(folder, "tree"), { ".git/config": "x", "src/.git": "a submodule" });
  const first = await sourceStage(context, parseOrigin("tree", folder));
  assert.equal(first.version, "3.4.0");
  assert.ok(first.files.has("src/solver.cpp"));
  assert.ok(![...first.files].some((name) => name.includes(".git")));
  const out = join(folder, "unpacked");
  await unpackSource(first.packed, out, new NodeExec());
  assert.deepEqual(readdirSync(out).sort(), ["CMakeLists.txt", "driver", "include", "src"]);
  writeFileSync(join(tree, ".git/config"), "y");
  assert.equal((await sourceStage(context, parseOrigin("tree", folder))).digest, first.digest);
  assert.ok(log.lines.some((line) => /miopen-source: skipped/.test(line)));
  writeFileSync(join(tree, "src/api.cpp"), "int x;\n");
  assert.notEqual((await sourceStage(context, parseOrigin("tree", folder))).digest, first.digest);
});

test("takes a tarball, a folder and a monorepo with the same files for the same source", async (t) => {
  const { folder, context } = await freshContext(t);
  const { sha256 } = tarball(folder);
  writeTree(join(folder, "mono/projects/miopen"));
  const digests = [];
  for (const text of [`m.tar.gz#sha256=${sha256}`, "MIOpen-rocm-7.0.2", "mono"]) {
    digests.push((await sourceStage(context, parseOrigin(text, folder))).digest);
  }
  assert.equal(new Set(digests).size, 1);
});

test("refuses a tarball whose digest is another one, and what is not MIOpen", async (t) => {
  const { folder, context } = await freshContext(t);
  tarball(folder);
  const wrong = sourceStage(context, parseOrigin(`m.tar.gz#sha256=${"0".repeat(64)}`, folder));
  await assert.rejects(wrong, /SHA-256 is [0-9a-f]{64}, not 0{64}/);
  writeTree(join(folder, "other"), { "CMakeLists.txt": "project(other)\n" }, {});
  await assert.rejects(sourceStage(context, parseOrigin("./other", folder)), /is not MIOpen's source/);
  writeFileSync(join(folder, "text.tar.gz"), "no tarball");
  await assert.rejects(sourceStage(context, parseOrigin("text.tar.gz", folder)), /cannot be unpacked/);
  await assert.rejects(sourceStage(context, parseOrigin("./none", folder)), /does not exist/);
});

test("records the digest of an archive that nobody has published, says so, and holds the next download to it", async (t) => {
  const { folder, context, log } = await freshContext(t);
  const { bytes, sha256 } = tarball(folder);
  let answer = bytes;
  let requests = 0;
  const url = await serve(t, (_, response) => {
    requests += 1;
    response.end(answer);
  });
  const origin = parseOrigin(`${url}/m.tar.gz`, folder);
  await sourceStage(context, origin);
  assert.ok(log.lines.some((line) => line.startsWith("warning:") && line.includes(`${sha256} is recorded`)));
  await sourceStage(context, origin);
  assert.equal(requests, 1);
  execFileSync("rm", ["-r", join(folder, "cache/stages")]);
  answer = tarball(folder, { "src/api.cpp": "int another;\n" }).bytes;
  await assert.rejects(sourceStage(context, origin), /is damaged: its SHA-256 is [0-9a-f]{64}, not/);
});

test("fetches an archive through the proxy of the environment", async (t) => {
  const { folder, context } = await freshContext(t);
  const { bytes, sha256 } = tarball(folder);
  const asked: (string | undefined)[] = [];
  const proxy = await serve(t, ({ url }, response) => {
    asked.push(url);
    response.end(bytes);
  });
  context.env = { ...context.env, HTTP_PROXY: proxy };
  await sourceStage(context, parseOrigin(`http://files.invalid/m.tar.gz#sha256=${sha256}`, folder));
  assert.deepEqual(asked, ["http://files.invalid/m.tar.gz"]);
});

test("says, keeps and records nothing of the query of an address, which may hold a token", async (t) => {
  const { folder, context, log } = await freshContext(t);
  const { bytes } = tarball(folder);
  const url = await serve(t, (_, response) => response.end(bytes));
  const address = `${url}/m.tar.gz?token=short`;
  const { origin } = await sourceStage(context, parseOrigin(address, folder));
  assert.equal(origin, `${url}/m.tar.gz`);
  const wrong = sourceStage(context, parseOrigin(`${address}#sha256=${"0".repeat(64)}`, folder));
  const message = await wrong.then(String, String);
  assert.match(message, /m\.tar\.gz is damaged/);
  const names = readdirSync(join(folder, "cache/sources")).filter((name) => name.endsWith(".json"));
  const records = names.map((name) => readFileSync(join(folder, "cache/sources", name), "utf8"));
  assert.equal(records.length, 1);
  const said = [message, ...records, ...log.lines.filter((line) => line.startsWith("info") || line.startsWith("warn"))];
  assert.deepEqual(
    said.filter((line) => line.includes("token=")),
    [],
  );
});

test("goes on with a download that was cut off, and takes it only when it is whole", async (t) => {
  const { folder, context } = await freshContext(t);
  const { bytes, sha256 } = tarball(folder, {
    "src/noise.bin": createHash("sha512").update("x").digest("hex").repeat(500),
  });
  const starts: number[] = [];
  const url = await serve(t, (request, response) => {
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    starts.push(start);
    const range = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, { "content-length": bytes.length - start, ...(start > 0 && range) });
    if (start > 0) return response.end(bytes.subarray(start));
    response.write(bytes.subarray(0, 500));
    setTimeout(() => response.destroy(), 50);
    return response;
  });
  const source = await sourceStage(context, parseOrigin(`${url}/m.tar.gz#sha256=${sha256}`, folder));
  assert.equal(source.version, "3.4.0");
  assert.deepEqual(starts, [0, 500]);
});

test("says what to do without a network, without the file, and offline", async (t) => {
  const { folder, context } = await freshContext(t);
  const url = await serve(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(sourceStage(context, parseOrigin(`${url}/m.tar.gz`, folder)), /the server answers 404/);
  const offline = await contextIn(folder, { offline: "true" });
  await assert.rejects(
    sourceStage(offline.context, parseOrigin(`${url}/m.tar.gz`, folder)),
    /offline, and the source .* is not in the cache/,
  );
  await assert.rejects(
    sourceStage(offline.context, parseOrigin(`${url}/m.git#v1`, folder)),
    /offline, and the commit .* is not known/,
  );
  await assert.rejects(
    sourceStage(context, parseOrigin("http://127.0.0.1:9/m.git#v1", folder)),
    /cannot fetch MIOpen's source from http:\/\/127\.0\.0\.1:9\/m\.git/,
  );
});

test("every refusal speaks of the option that named the source: for drift that is sources", async (t) => {
  const { folder, context } = await freshContext(t, { command: "drift" });
  const { context: offline } = await contextIn(folder, { command: "drift", offline: "true" });
  const url = await serve(t, (_, response) => response.writeHead(404).end());
  tarball(folder);
  writeFileSync(join(folder, "text.tar.gz"), "no tarball");
  writeTree(join(folder, "other"), { "CMakeLists.txt": "project(other)\n" }, {});
  execFileSync("tar", ["-C", folder, "-czf", join(folder, "other.tar.gz"), "other"]);
  const zeros = "0".repeat(64);
  const texts = ["./none", "./other", "other.tar.gz", "text.tar.gz", `m.tar.gz#sha256=${zeros}`, `${url}/m.tar.gz`];
  const refused: [Context, string | null][] = texts.map((text) => [context, text]);
  refused.push([offline, `${url}/m.tar.gz`], [offline, `${url}/m.git#v1`]);
  const { context: old } = await contextIn(folder, { command: "drift", "rocm-version": "5.7.1" });
  refused.push([old, null]);
  for (const [how, text] of refused) {
    const source = sourceStage(how, text === null ? null : parseOrigin(text, folder, "sources"));
    const error = await source.then(String, (caught: RdnaError) => `${caught.message}; ${caught.remedy}`);
    assert.match(error, /^sources: |with sources/, String(text));
    assert.doesNotMatch(error, /miopen-source/);
  }
});

test("checks out one commit of one project of a monorepo, without history and without large files", async (t) => {
  const { folder, context } = await freshContext(t);
  const repo = join(folder, "mono");
  mkdirSync(repo);
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", repo, "-c", "user.name=n", "-c", "user.email=n@example.invalid", ...args], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: process.env.PATH ?? "", HOME: folder },
    })
      .toString()
      .trim();
  git("init", "--quiet");
  git("config", "uploadpack.allowFilter", "true");
  writeTree(join(repo, "projects/miopen"), { "src/kernels/large.kdb.bz2": "version https://git-lfs" });
  writeTree(join(repo, "projects/rocblas"), { "huge.txt": "not wanted" }, {});
  git("add", ".");
  git("commit", "--quiet", "-m", "one");
  git("tag", "-a", "rocm-7.2.0", "-m", "tag");
  const commit = git("rev-parse", "HEAD");
  const origin = parseOrigin(`file://${repo}#rocm-7.2.0`, folder);
  const source = await sourceStage(context, origin);
  assert.match(source.origin, new RegExp(`#rocm-7\\.2\\.0 \\(${commit}\\)$`));
  assert.ok(source.files.has("src/solver.cpp"));
  // The commit is what counts: a branch that moves is another source, and offline the last one is used.
  writeTree(join(repo, "projects/miopen"), { "src/api.cpp": "int moved;\n" });
  git("commit", "--quiet", "-am", "two");
  const { context: offline } = await contextIn(folder, { offline: "true" });
  assert.equal((await sourceStage(offline, origin)).digest, source.digest);
  const moved = await sourceStage(context, parseOrigin(`file://${repo}#${git("rev-parse", "HEAD")}`, folder));
  assert.notEqual(moved.digest, source.digest);
  await assert.rejects(sourceStage(context, parseOrigin(`file://${repo}#none`, folder)), /has no tag or branch none/);
  const left = readdirSync(join(folder, "cache/stages/miopen-source"), { recursive: true }).map(String);
  assert.ok(!left.some((name) => /\.git$|huge|raw/.test(name)), left.join(" "));
  assert.ok(existsSync(repo));
});
