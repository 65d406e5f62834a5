import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { describe, type TestContext, test } from "node:test";
import { type HttpBody, NodeHttp } from "../../src/ports/http.ts";

interface Setting {
  /** Takes every request that does not announce its body */
  handle: RequestListener;
  /** Takes those that do; without it Node answers 100 */
  announced?: RequestListener;
}

/** Runs `work` against a server on this machine. */
async function withServer({ handle, announced }: Setting, work: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  if (announced !== undefined) server.on("checkContinue", announced);
  await once(server, "listening");
  try {
    await work(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const body = (bytes: number, given = bytes): HttpBody => ({
  bytes,
  open: () => Readable.from([Buffer.alloc(given, 1)]),
});
const post = (url: string, content: HttpBody, http = new NodeHttp({})) =>
  http.send({ method: "POST", url, headers: { "x-test": "1" }, body: content });
const LARGE = 2 << 20;

async function sizeOf(request: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) size += chunk.length;
  return size;
}
const tellSize: RequestListener = async (request, response) => response.end(String(await sizeOf(request)));

test("announces a large body and not a small one", async () => {
  const asked: (string | undefined)[] = [];
  const announced: RequestListener = (request, response) => {
    asked.push(request.headers.expect);
    response.writeContinue();
    tellSize(request, response);
  };
  await withServer({ handle: tellSize, announced }, async (address) => {
    assert.equal((await post(address, body(LARGE))).text, String(LARGE));
    assert.equal((await post(address, body(9))).text, "9");
    assert.deepEqual(asked, ["100-continue"]);
  });
});

test("sends the body all the same to a server that does not know announcements, silent or refusing", async () => {
  const refusing: RequestListener = (_request, response) => response.writeHead(417).end();
  for (const announced of [tellSize, refusing]) {
    await withServer({ handle: tellSize, announced }, async (address) => {
      const { status, text } = await post(address, body(LARGE));
      assert.deepEqual([status, text], [200, String(LARGE)]);
    });
  }
});

test("reads the answer of a server that does not want the body", async () => {
  let read = false;
  const announced: RequestListener = (request, response) => {
    request.on("data", () => {
      read = true;
    });
    response.writeHead(429, { "retry-after": "5" }).end("later");
  };
  await withServer({ handle: tellSize, announced }, async (address) => {
    const { status, headers, text } = await post(address, body(LARGE));
    assert.deepEqual([status, headers["retry-after"], text, read], [429, "5", "later", false]);
  });
});

test("follows no redirect", async () => {
  const handle: RequestListener = (_request, response) => response.writeHead(302, { location: "/there" }).end();
  await withServer({ handle }, async (address) => {
    const { status, headers } = await new NodeHttp({}).send({ method: "GET", url: address, headers: {} });
    assert.deepEqual([status, headers.location], [302, "/there"]);
  });
});

for (const given of [5, 15]) {
  test(`a body of ${given} bytes instead of 10 is a machine error, and the server gets no whole request`, async () => {
    let whole = false;
    const handle: RequestListener = (request) => {
      sizeOf(request).then(
        () => {
          whole = true;
        },
        () => {},
      );
    };
    await withServer({ handle }, async (address) => {
      await assert.rejects(post(address, body(10, given)), { kind: "machine", message: /does not have 10 bytes/ });
      assert.equal(whole, false);
    });
  });
}

test("goes through the proxy of the environment", async () => {
  const handle: RequestListener = (request, response) => response.end(`${request.method} ${request.url}`);
  await withServer({ handle }, async (address) => {
    const http = new NodeHttp({ HTTP_PROXY: address });
    const { text } = await http.send({ method: "GET", url: "http://github.invalid/x", headers: {} });
    assert.equal(text, "GET http://github.invalid/x");
  });
});

describe("a server that is silent", () => {
  const limits = { silence: 800, answer: 60_000 };
  const get = (url: string, env = {}) => new NodeHttp(env, limits).send({ method: "GET", url, headers: {} });

  test("is given up on at once, but for the answer to a large body", async () => {
    const late: RequestListener = async (request, response) => {
      const size = await sizeOf(request);
      if (size === LARGE) setTimeout(() => response.end("stored"), 2000);
    };
    await withServer({ handle: late }, async (address) => {
      await assert.rejects(get(address), /is silent/);
      await assert.rejects(post(address, body(9), new NodeHttp({}, limits)), /is silent/);
      assert.equal((await post(address, body(LARGE), new NodeHttp({}, limits))).text, "stored");
    });
  });

  test("may take its time also where it has refused to have a large body announced", async () => {
    const late: RequestListener = async (request, response) => {
      await sizeOf(request);
      setTimeout(() => response.end("stored"), 2000);
    };
    const refusing: RequestListener = (_request, response) => response.writeHead(417).end();
    await withServer({ handle: late, announced: refusing }, async (address) => {
      assert.equal((await post(address, body(LARGE), new NodeHttp({}, limits))).text, "stored");
    });
  });

  test("is given up on before there is a connection, directly and as a proxy", { timeout: 20_000 }, async (t) => {
    const address = await unreachable(t);
    await assert.rejects(get(address), /is silent/);
    await assert.rejects(get("http://github.invalid/x", { HTTP_PROXY: address }), /is silent/);
    await assert.rejects(get("https://github.invalid/x", { HTTPS_PROXY: address }), /timed out/);
  });
});

/** A server that stands still with a full queue: the kernel drops what asks it for a connection. */
async function unreachable(t: TestContext): Promise<string> {
  const code = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () {
    console.log(this.address().port);
    process.kill(process.pid, "SIGSTOP");
  });`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const port = Number((await once(child.stdout, "data"))[0]);
  for (let filler = 0; filler < 6; filler++) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    t.after(() => socket.destroy());
  }
  await new Promise((done) => setTimeout(done, 200));
  return `http://127.0.0.1:${port}`;
}
