import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What goes wrong with one request. */
export type Fault =
  /** Answered at once, the body unread, nothing done */
  | { kind: "answer"; status: number; headers?: Record<string, string>; body?: unknown }
  /** Cut after this many bytes of the body; GitHub keeps half an asset then */
  | { kind: "cut"; after: number }
  /** Not read beyond this many bytes until the client goes away */
  | { kind: "stall"; after: number }
  /** Done, but the connection ends before the answer */
  | { kind: "lost answer" }
  /** Done, and answered late */
  | { kind: "late"; milliseconds: number }
  /** Done, but another run has made a draft of the same commit just before */
  | { kind: "rival draft" }
  /** The asset is stored with the digest of other bytes */
  | { kind: "wrong digest" };

export interface StoredAsset {
  id: number;
  name: string;
  state: string;
  size: number;
  digest: string | null;
  content_type: string;
}

export interface StoredRelease {
  id: number;
  tag_name: string;
  target_commitish: string;
  draft: boolean;
  immutable: boolean;
  html_url: string;
  upload_url: string;
  body: string;
}

/**
 * The releases of one GitHub repository over real HTTP, with what the emulator lacks: digests, refused duplicates, half
 * uploads, immutable releases, and faults on request. Answers like GitHub's OpenAPI description.
 */
export class GitHubServer {
  readonly releases: StoredRelease[] = [];
  readonly assets = new Map<number, StoredAsset[]>();
  readonly tags = new Map<string, string>();
  /** `METHOD /path` of every request, without the query */
  readonly requests: string[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** Each is used once, by the first request that its pattern fits (`METHOD /path?query`) */
  readonly faults: { on: RegExp; fault: Fault }[] = [];
  /** Whether releases become immutable when they are published */
  immutable = false;
  digests = true;
  address = "";
  readonly #server: Server;
  #id = 100;

  constructor() {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    this.#server = createServer(handle).on("checkContinue", handle);
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this.address;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  addRelease(values: Partial<StoredRelease>): StoredRelease {
    const id = ++this.#id;
    const release = {
      id,
      tag_name: "v1",
      target_commitish: "main",
      draft: true,
      immutable: false,
      html_url: `${this.address}/org/kernels/releases/${id}`,
      upload_url: `${this.address}/uploads/repos/org/kernels/releases/${id}/assets{?name,label}`,
      body: "",
      ...values,
    };
    this.releases.push(release);
    this.assets.set(release.id, []);
    return release;
  }

  addAsset(release: StoredRelease, values: Partial<StoredAsset>): StoredAsset {
    const asset = {
      id: ++this.#id,
      name: "",
      state: "uploaded",
      size: 0,
      digest: null,
      content_type: "text/plain",
      ...values,
    };
    this.assets.get(release.id)?.push(asset);
    return asset;
  }

  /** Requests of this form, e.g. `/^POST .*assets/` */
  count(pattern: RegExp): number {
    return this.requests.filter((request) => pattern.test(request)).length;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.address);
    const line = `${request.method} ${url.pathname}`;
    this.requests.push(line);
    this.authorizations.add(request.headers.authorization);
    const index = this.faults.findIndex(({ on }) => on.test(`${line}${url.search}`));
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
    if (fault?.kind === "answer") return answer(response, fault.status, fault.body, fault.headers);
    if (fault?.kind === "rival draft") this.addRelease({ target_commitish: this.tags.get("v1") ?? "" });
    if (request.headers.expect !== undefined) response.writeContinue();
    const result = url.pathname.startsWith("/uploads/")
      ? await this.#upload(url, request, fault)
      : this.#serve(line, url, await textOf(request));
    if (result === "cut" || fault?.kind === "lost answer") return void request.socket.destroy();
    if (fault?.kind === "late") await sleep(fault.milliseconds);
    answer(response, result.status, result.body);
  }

  #serve(line: string, url: URL, text: string): { status: number; body?: unknown } {
    const [, method, path = ""] = /^(\w+) \/repos\/org\/kernels\/(.*)$/.exec(line) ?? [];
    const page = <T>(all: readonly T[]) => {
      const size = Number(url.searchParams.get("per_page") ?? 30);
      const begin = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
      return { status: 200, body: all.slice(begin, begin + size) };
    };
    const release = this.releases.find(({ id }) => path.startsWith(`releases/${id}`));
    if (method === "GET" && path.startsWith("git/ref/tags/")) {
      const sha = this.tags.get(decodeURIComponent(path.slice(13)));
      return sha === undefined ? NOT_FOUND : { status: 200, body: { object: { type: "commit", sha } } };
    }
    if (method === "GET" && path === "releases") return page([...this.releases].reverse());
    if (method === "POST" && path === "releases") return { status: 201, body: this.addRelease(JSON.parse(text)) };
    if (method === "DELETE" && path.startsWith("releases/assets/")) return this.#delete(Number(path.slice(16)));
    if (release === undefined) return NOT_FOUND;
    if (method === "GET" && path.endsWith("/assets")) return page(this.assets.get(release.id) ?? []);
    if (method === "PATCH") {
      Object.assign(release, JSON.parse(text), { immutable: this.immutable });
      return { status: 200, body: release };
    }
    return { status: 200, body: release };
  }

  async #upload(url: URL, request: IncomingMessage, fault: Fault | undefined) {
    const release = this.releases.find(({ id }) => url.pathname.endsWith(`/releases/${id}/assets`));
    const name = url.searchParams.get("name") ?? "";
    if (release === undefined) return NOT_FOUND;
    if (this.assets.get(release.id)?.some((asset) => asset.name === name)) {
      request.resume();
      await once(request, "end");
      const errors = [{ resource: "ReleaseAsset", code: "already_exists", field: "name" }];
      return { status: 422, body: { message: "Validation Failed", errors } };
    }
    const asset = this.addAsset(release, {
      name,
      state: "starter",
      content_type: request.headers["content-type"] ?? "",
    });
    const hash = createHash("sha256");
    for await (const chunk of request as AsyncIterable<Buffer>) {
      asset.size += chunk.length;
      hash.update(chunk);
      if (fault?.kind === "stall" && asset.size > fault.after) {
        await once(request, "close");
        return "cut" as const;
      }
      if (fault?.kind === "cut" && asset.size > fault.after) return "cut" as const;
    }
    if (asset.size !== Number(request.headers["content-length"])) return { status: 400 };
    if (fault?.kind === "wrong digest") hash.update("x");
    asset.digest = this.digests ? `sha256:${hash.digest("hex")}` : null;
    asset.state = "uploaded";
    return { status: 201, body: asset };
  }

  #delete(id: number): { status: number; body?: unknown } {
    for (const list of this.assets.values()) {
      const index = list.findIndex((asset) => asset.id === id);
      if (index >= 0) list.splice(index, 1);
      if (index >= 0) return { status: 204 };
    }
    return NOT_FOUND;
  }
}

const NOT_FOUND = { status: 404, body: { message: "Not Found" } };

function answer(response: ServerResponse, status: number, body?: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? "" : JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
