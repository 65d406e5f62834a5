import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { listen } from "./loopback.ts";

/** An entry as the server keeps it. */
export interface StoredEntry {
  version: string;
  body: Buffer;
}

/**
 * A loopback server that speaks version 2 of the Actions cache's protocol, as far as @actions/cache 6.3 uses it: reserve, one
 * PUT of a blob, finalize; look up, GET. What it can do wrong is what the tests are about.
 */
export class CacheServer {
  address = "";
  /** Finished entries by key, the oldest first */
  readonly entries = new Map<string, StoredEntry>();
  /** `<method> <key>` of every call, in order */
  readonly calls: string[] = [];
  /** Refuses writes in these words, as for a run whose token may only read */
  denial: string | null = null;
  /** Never answers a call of this method (`GET` is the download of an entry) */
  hangsAt: string | null = null;
  /** Calls that hang: how often, and whether the client is gone */
  readonly hanging = { begun: 0, ended: 0 };
  readonly #blobs = new Map<string, Buffer>();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  /** Ends with the test. */
  static async start(t: TestContext): Promise<CacheServer> {
    const server = new CacheServer();
    server.address = await listen(t, server.#server);
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? "/", this.address);
    const rpc = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1];
    const input = rpc === undefined ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
    const key = rpc === undefined ? decodeURIComponent(url.pathname.split("/").at(-1) ?? "") : String(input.key);
    const method = rpc ?? request.method ?? "";
    this.calls.push(`${method} ${key}`);
    if (method === this.hangsAt) {
      this.hanging.begun += 1;
      response.once("close", () => {
        this.hanging.ended += 1;
      });
      return;
    }
    if (rpc !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(this.#call(rpc, key, input)));
    } else if (method === "PUT") {
      this.#blobs.set(key, body);
      response.writeHead(201).end();
    } else {
      const found = this.entries.get(key)?.body;
      if (found === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-length": found.length }).end(found);
    }
  }

  #call(rpc: string, key: string, input: Record<string, unknown>): unknown {
    const version = String(input.version);
    const blob = `${this.address}account/cache/${encodeURIComponent(key)}?sig=signed`;
    switch (rpc) {
      case "CreateCacheEntry":
        if (this.denial !== null) return { ok: false, message: this.denial };
        return this.entries.has(key) ? { ok: false, message: "exists" } : { ok: true, signed_upload_url: blob };
      case "FinalizeCacheEntryUpload":
        this.entries.set(key, { version, body: this.#blobs.get(key) ?? Buffer.alloc(0) });
        return { ok: true, entry_id: "1" };
      case "GetCacheEntryDownloadURL": {
        const found = this.#find(key, version, (input.restore_keys ?? []) as string[]);
        const url = `${this.address}account/cache/${encodeURIComponent(found ?? "")}?sig=signed`;
        return found === null ? { ok: false } : { ok: true, signed_download_url: url, matched_key: found };
      }
      default:
        throw new Error(`no method ${rpc}`);
    }
  }

  /** The entry of this key, else the newest that begins with one of the prefixes, in their order. */
  #find(key: string, version: string, prefixes: readonly string[]): string | null {
    const known = [...this.entries].filter(([, entry]) => entry.version === version).map(([name]) => name);
    if (known.includes(key)) return key;
    for (const prefix of prefixes) {
      const found = known.findLast((name) => name.startsWith(prefix));
      if (found !== undefined) return found;
    }
    return null;
  }
}
