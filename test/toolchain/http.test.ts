import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DamagedError, fetchFile, GoneError, isIntact, sizeOf } from "../../src/toolchain/debian/http.ts";
import { scratch } from "./helpers.ts";

const DATA = Buffer.from("0123456789".repeat(1000));
const signal = new AbortController().signal;

async function file(t: TestContext, answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const sha256 = createHash("sha256").update(DATA).digest("hex");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.deb`;
  return { url, bytes: DATA.length, sha256, target: join(await scratch(t), "a.deb") };
}

test("begins anew where the server does not continue files", async (t) => {
  const wanted = await file(t, (_, response) => response.end(DATA));
  await writeFile(`${wanted.target}.part`, DATA.subarray(0, 100));
  await fetchFile(wanted, signal);
  assert.deepEqual(await readFile(wanted.target), DATA);
  assert.ok(await isIntact(wanted));
});

test("follows a redirection", async (t) => {
  const wanted = await file(t, ({ url }, response) => {
    if (url === "/b.deb") response.end(DATA);
    else response.writeHead(302, { location: "/b.deb" }).end();
  });
  await fetchFile(wanted, signal);
  assert.ok(await isIntact(wanted));
});

test("copies from a folder", async (t) => {
  const wanted = await file(t, (_, response) => response.end());
  await writeFile(`${wanted.target}.source`, DATA);
  await fetchFile({ ...wanted, url: `file:${wanted.target}.source` }, signal);
  assert.ok(await isIntact(wanted));
});

test("tells a file that is gone from a server that is ill", async (t) => {
  const gone = await file(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(fetchFile(gone, signal), GoneError);
  const ill = await file(t, (_, response) => response.writeHead(503).end());
  await assert.rejects(fetchFile(ill, signal), /answers 503/);
});

test("keeps nothing of a file whose digest is wrong, nor of one that is too long", async (t) => {
  const other = await file(t, (_, response) => response.end(Buffer.alloc(DATA.length)));
  await assert.rejects(fetchFile(other, signal), DamagedError);
  assert.equal(await sizeOf(`${other.target}.part`), 0);
  const long = await file(t, (_, response) => response.end(Buffer.concat([DATA, DATA])));
  await assert.rejects(fetchFile(long, signal), DamagedError);
  assert.equal(await sizeOf(long.target), 0);
});

test("keeps what came before the connection was cut", async (t) => {
  let part = "";
  const wanted = await file(t, (_, response) => {
    response.writeHead(200, { "content-length": DATA.length });
    response.write(DATA.subarray(0, 4000));
    // Cut when it has been written, however long that takes on a busy machine.
    const timer = setInterval(async () => {
      if ((await sizeOf(part)) === 4000) response.destroy();
    }, 10);
    response.on("close", () => clearInterval(timer));
  });
  part = `${wanted.target}.part`;
  await assert.rejects(fetchFile(wanted, signal));
  assert.equal(await sizeOf(part), 4000);
});

test("takes a file of which nothing is known, says its digest, and never continues one", async (t) => {
  const starts: (string | undefined)[] = [];
  const known = await file(t, ({ headers }, response) => {
    starts.push(headers.range);
    response.end(DATA);
  });
  await writeFile(`${known.target}.part`, "of another time");
  const digest = await fetchFile({ ...known, bytes: null, sha256: null }, signal);
  assert.equal(digest, known.sha256);
  assert.deepEqual(await readFile(known.target), DATA);
  assert.deepEqual(starts, [undefined]);
});

test("begins anew when what is there is longer than the server's file", async (t) => {
  const wanted = await file(t, ({ headers }, response) => {
    if (headers.range === undefined) response.end(DATA);
    else response.writeHead(416).end();
  });
  await writeFile(`${wanted.target}.part`, Buffer.concat([DATA, DATA]));
  await fetchFile({ ...wanted, bytes: null }, signal);
  assert.deepEqual(await readFile(wanted.target), DATA);
});

test("sends its headers to the address's own host, and to no other that it leads to", async (t) => {
  const told: (string | undefined)[] = [];
  const storage = await file(t, ({ headers }, response) => {
    told.push(headers.authorization);
    response.end(DATA);
  });
  const wanted = await file(t, ({ url, headers }, response) => {
    told.push(headers.authorization);
    response.writeHead(302, { location: url === "/a.deb" ? "/b.deb" : storage.url }).end();
  });
  await fetchFile({ ...wanted, headers: { authorization: "Bearer x" } }, signal);
  assert.deepEqual(told, ["Bearer x", "Bearer x", undefined]);
});

test("keeps the signature of a storage's address out of its errors", async (t) => {
  const wanted = await file(t, ({ url }, response) => {
    if (url === "/a.deb") response.writeHead(302, { location: "/b.deb?signature=secret" }).end();
    else response.writeHead(403).end();
  });
  await assert.rejects(fetchFile(wanted, signal), (error: Error) => {
    assert.match(error.message, /\/b\.deb: the server answers 403/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test("takes no more than it may, whatever the server says of its file", async (t) => {
  for (const headers of [{}, { "content-length": DATA.length }]) {
    const wanted = await file(t, (_, response) => void response.writeHead(200, headers).end(DATA));
    await assert.rejects(fetchFile({ ...wanted, bytes: null, most: 5000 }, signal), DamagedError);
    assert.equal(await sizeOf(wanted.target), 0);
  }
  const fits = await file(t, (_, response) => response.end(DATA));
  await fetchFile({ ...fits, bytes: null, most: DATA.length }, signal);
});

test("goes through the proxy that the environment names, and only then", async (t) => {
  const lines: (string | undefined)[] = [];
  const proxy = await file(t, ({ url }, response) => {
    lines.push(url);
    response.end(DATA);
  });
  const wanted = { ...proxy, url: "http://files.invalid/a.deb" };
  await fetchFile({ ...wanted, proxyEnv: { HTTP_PROXY: new URL(proxy.url).origin } }, signal);
  assert.deepEqual(lines, ["http://files.invalid/a.deb"]);
  await assert.rejects(fetchFile({ ...wanted, target: `${wanted.target}.2` }, signal), /files\.invalid/);
});
