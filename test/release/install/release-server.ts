import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../sample.ts";

/** What goes wrong with one download. */
export type DownloadFault =
  /** The connection ends after this many bytes */
  | { kind: "cut"; after: number }
  /** A bit is turned on the way */
  | { kind: "garble" }
  /** Answered late */
  | { kind: "late"; milliseconds: number }
  | { kind: "answer"; status: number; headers?: Record<string, string>; body?: unknown }
  /** No further byte until the client goes away */
  | { kind: "stall"; after: number };

interface Stored {
  id: number;
  name: string;
  content: Buffer;
  /** What the API says; null: it computes none, as old Enterprise Servers */
  digest: string | null;
  state: string;
}

interface StoredRelease {
  tag: string;
  draft: boolean;
  prerelease: boolean;
  assets: Stored[];
}

/**
 * Releases of one GitHub repository, for reading, over real HTTP: lists, assets behind a redirect to another host (as
 * GitHub's storage is), ranges, attestations, and faults on request.
 */
export class ReleaseServer {
  readonly releases: StoredRelease[] = [];
  /** By digest */
  readonly attestations = new Map<string, unknown[]>();
  /** Requests to the API, and to the storage */
  readonly requests: string[] = [];
  readonly ranges: (string | undefined)[] = [];
  /** What the storage was told of who asks */
  readonly leaked: string[] = [];
  /** Each is used once, by the first download of a file whose name fits */
  readonly faults: { on: RegExp; fault: DownloadFault }[] = [];
  /** Before `/repos`, as Enterprise Servers have it */
  base = "";
  repository = "org/kernels";
  /** null: no token is asked for */
  token: string | null = null;
  api = "";
  #storage = "";
  #id = 0;
  readonly #servers: Server[] = [];

  async listen(): Promise<string> {
    const start = async (handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>) => {
      const server = createServer((request, response) => {
        handle(request, response).catch(() => response.destroy());
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      this.#servers.push(server);
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    this.#storage = await start((request, response) => this.#download(request, response));
    this.api = await start((request, response) => this.#answer(request, response));
    return `${this.api}${this.base}`;
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** The newest release comes last, as they are made. */
  add(tag: string, files: Readonly<Record<string, Buffer>>, changes: Partial<StoredRelease> = {}): StoredRelease {
    const assets = Object.entries(files).map(([name, content]) => ({
      id: ++this.#id,
      name,
      content,
      digest: `sha256:${sha256(content)}`,
      state: "uploaded",
    }));
    const release = { tag, draft: false, prerelease: false, assets, ...changes };
    this.releases.push(release);
    return release;
  }

  count(pattern: RegExp): number {
    return this.requests.filter((request) => pattern.test(request)).length;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.api);
    this.requests.push(`${request.method} ${url.pathname}`);
    const fault = this.#fault(url.pathname);
    if (fault?.kind === "answer") return json(response, fault.status, fault.body ?? {}, fault.headers);
    const wrong = this.token !== null && request.headers.authorization !== `Bearer ${this.token}`;
    if (wrong) return json(response, 404, { message: "Not Found" });
    const own = `${this.base}/repos/${this.repository}/`;
    const path = url.pathname.startsWith(own) ? decodeURIComponent(url.pathname.slice(own.length)) : "";
    if (path === "releases") {
      const page = Number(url.searchParams.get("page"));
      const size = Number(url.searchParams.get("per_page"));
      const listed = [...this.releases].reverse().map((release) => this.#listed(release));
      return json(response, 200, listed.slice((page - 1) * size, page * size));
    }
    if (path.startsWith("releases/tags/")) {
      const release = this.releases.find(({ tag, draft }) => tag === path.slice(14) && !draft);
      return release === undefined
        ? json(response, 404, { message: "Not Found" })
        : json(response, 200, this.#listed(release));
    }
    if (path.startsWith("releases/assets/") && request.headers.accept === "application/octet-stream") {
      response.writeHead(302, { location: `${this.#storage}/${path.slice(16)}?signature=x` }).end();
      return;
    }
    if (path.startsWith("attestations/sha256:")) {
      const bundles = this.attestations.get(path.slice(20));
      if (bundles !== undefined) return json(response, 200, { attestations: bundles.map((bundle) => ({ bundle })) });
    }
    json(response, 404, { message: "Not Found" });
  }

  #listed({ tag, draft, prerelease, assets }: StoredRelease) {
    return {
      tag_name: tag,
      html_url: `${this.api}/${this.repository}/releases/tag/${tag}`,
      draft,
      prerelease,
      assets: assets.map(({ id, name, state, content, digest }) => ({ id, name, state, size: content.length, digest })),
    };
  }

  #fault(name: string): DownloadFault | undefined {
    const index = this.faults.findIndex(({ on }) => on.test(name));
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
  }

  async #download(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = Number(new URL(request.url ?? "", this.#storage).pathname.slice(1));
    const asset = this.releases.flatMap(({ assets }) => assets).find((one) => one.id === id);
    if (request.headers.authorization !== undefined) this.leaked.push(request.headers.authorization);
    if (asset === undefined) return void response.writeHead(404).end();
    this.requests.push(`GET ${asset.name}`);
    const fault = this.#fault(asset.name);
    if (fault?.kind === "answer") return json(response, fault.status, fault.body ?? {}, fault.headers);
    if (fault?.kind === "late") await sleep(fault.milliseconds);
    const { range } = request.headers;
    this.ranges.push(range);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const all = asset.content.length;
    if (from >= all) return void response.writeHead(416, { "content-range": `bytes */${all}` }).end();
    const body = Buffer.from(asset.content.subarray(from));
    if (fault?.kind === "garble") body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    response.writeHead(range === undefined ? 200 : 206, {
      "content-length": body.length,
      ...(range !== undefined && { "content-range": `bytes ${from}-${all - 1}/${all}` }),
    });
    if (fault?.kind === "cut" || fault?.kind === "stall") {
      response.write(body.subarray(0, fault.after));
      if (fault.kind === "stall") await once(request.socket, "close");
      else setTimeout(() => request.socket.destroy(), 50);
      return;
    }
    response.end(body);
  }
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
