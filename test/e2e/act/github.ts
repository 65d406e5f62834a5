import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Emulator } from "../../release/publish/emulator.ts";

interface AssetJson {
  id: number;
  name: string;
  state: string;
  digest?: string | null;
}

interface Stall {
  name: RegExp;
  after: number;
  reached: () => void;
  /** The client does not live any more */
  gone: Promise<void>;
  /** The half asset is listed */
  kept: () => void;
}

interface Answer {
  status: number;
  type: string;
  text: string;
  json: unknown;
}

/**
 * The emulated GitHub behind a proxy of ours, which adds what it lacks: digests of what was uploaded, downloads, and
 * uploads that break off half way and leave an asset in the state `starter`, as GitHub does.
 */
export class GitHub {
  /** `METHOD /path` of every request */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #folder: string;
  readonly #facts = new Map<number, { digest: string | null; state: string; file: string }>();
  #emulator: Emulator | null = null;
  #uploads = 0;
  #stall: Stall | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    this.#server = createServer(handle).on("checkContinue", handle);
  }

  static async start(folder: string, repository: string): Promise<GitHub> {
    const github = new GitHub(folder);
    github.#server.listen(0, "127.0.0.1");
    await once(github.#server, "listening");
    github.#emulator = await Emulator.start(folder, repository, github.address);
    return github;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get emulator(): Emulator {
    if (this.#emulator === null) throw new Error("not started");
    return this.#emulator;
  }

  async stop(): Promise<void> {
    await this.emulator.stop();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /**
   * The next upload of a file whose name fits is not read beyond so many bytes. `over` is called when the client is gone, which
   * nobody notices who does not read; half a file is there then.
   */
  stallNext(name: RegExp, after: number): { reached: Promise<void>; over: () => Promise<void> } {
    const reached = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const kept = Promise.withResolvers<void>();
    this.#stall = { name, after, reached: reached.resolve, gone: gone.promise, kept: kept.resolve };
    const over = () => {
      gone.resolve();
      return kept.promise;
    };
    return { reached: reached.promise, over };
  }

  /** Requests of this form, e.g. `/^POST .*assets/` */
  count(pattern: RegExp): number {
    return this.requests.filter((line) => pattern.test(line)).length;
  }

  /** The assets of a release, with what the proxy knows of them. */
  async assets(release: number): Promise<AssetJson[]> {
    return this.#completed(await this.emulator.ask<AssetJson[]>(`releases/${release}/assets?per_page=100`));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.address);
    this.requests.push(`${request.method} ${url.pathname}`);
    if (request.headers.expect !== undefined) response.writeContinue();
    if (request.method === "POST" && /\/releases\/\d+\/assets$/.test(url.pathname)) {
      return await this.#upload(url, request, response);
    }
    const asset = /\/releases\/assets\/(\d+)$/.exec(url.pathname);
    const wantsBytes = request.headers.accept === "application/octet-stream";
    if (request.method === "GET" && asset !== null && wantsBytes)
      return this.#download(Number(asset[1]), request, response);
    this.#answer(response, await this.#ask(url, request, await bytesOf(request)));
  }

  async #upload(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = url.searchParams.get("name") ?? "";
    const file = join(this.#folder, `upload-${++this.#uploads}`);
    const hash = createHash("sha256");
    const out = createWriteStream(file);
    const stall = this.#stall?.name.test(name) ? this.#stall : null;
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      hash.update(chunk);
      out.write(chunk);
      if (stall !== null && size > stall.after) {
        this.#stall = null;
        stall.reached();
        await stall.gone;
        break;
      }
    }
    out.end();
    await once(out, "finish");
    const half = stall !== null;
    const answered = await this.#ask(url, request, await readFile(file));
    const id = (answered.json as AssetJson | null)?.id;
    const digest = half ? null : `sha256:${hash.digest("hex")}`;
    if (id !== undefined) this.#facts.set(id, { digest, state: half ? "starter" : "uploaded", file });
    this.#answer(response, answered);
    stall?.kept();
  }

  #download(id: number, request: IncomingMessage, response: ServerResponse): void {
    const file = this.#facts.get(id)?.file;
    if (file === undefined) return void response.writeHead(404).end();
    const { size } = statSync(file);
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(from ?? 0);
    response.writeHead(from === undefined ? 200 : 206, {
      "content-type": "application/octet-stream",
      "content-length": size - start,
      ...(from === undefined ? {} : { "content-range": `bytes ${start}-${size - 1}/${size}` }),
    });
    createReadStream(file, { start }).pipe(response);
  }

  async #ask(url: URL, from: IncomingMessage, body: Buffer): Promise<Answer> {
    const target = new URL(`${url.pathname}${url.search}`, this.emulator.address);
    const headers: Record<string, string | number> = { "content-length": body.length };
    for (const name of ["accept", "authorization", "content-type"]) headers[name] = String(from.headers[name] ?? "");
    const outgoing = send(target, { method: from.method ?? "GET", headers });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const text = (await bytesOf(incoming)).toString();
    const type = incoming.headers["content-type"] ?? "text/plain";
    return { status: incoming.statusCode ?? 500, type, text, json: type.includes("json") ? JSON.parse(text) : null };
  }

  #answer(to: ServerResponse, { status, type, text, json }: Answer): void {
    to.writeHead(status, { "content-type": type });
    to.end(json === null ? text : JSON.stringify(this.#completed(json)));
  }

  /** The same JSON, with digest and state in everything that is an asset of ours. */
  #completed<T>(json: T): T {
    if (Array.isArray(json)) return json.map((item) => this.#completed(item)) as T;
    if (typeof json !== "object" || json === null) return json;
    const copy = { ...json } as Record<string, unknown>;
    if (Array.isArray(copy.assets)) copy.assets = this.#completed(copy.assets);
    const facts = typeof copy.browser_download_url === "string" ? this.#facts.get(Number(copy.id)) : undefined;
    if (facts !== undefined) Object.assign(copy, { digest: facts.digest, state: facts.state });
    return copy as T;
  }
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
