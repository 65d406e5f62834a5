import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { messageOf, RdnaError, userError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { CHUNK, type Http, type HttpRequest, type HttpResponse } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import type { Secret } from "../../secret.ts";
import { errorOf, isAlreadyThere } from "./answers.ts";
import type { Asset, NewDraft, Release, ReleaseApi } from "./api.ts";
import type { LocalFile } from "./local.ts";
import { TransientError } from "./retry.ts";

export interface GitHubPlace {
  /** Without a slash at its end, e.g. `https://api.github.com` */
  api: string;
  /** `owner/name` */
  repository: string;
  token: Secret;
  /** Version of this program, for the `user-agent` */
  version: string;
}

export interface GitHubPorts {
  http: Http;
  clock: Clock;
  log: Log;
}

const PAGE = 100;
/** GitHub lists no more than 10 000 releases. */
const LAST_PAGE = 100;
const REDIRECTS = 3;

/** GitHub's REST API, also of an Enterprise Server. */
export class GitHubReleases implements ReleaseApi {
  readonly #place: GitHubPlace;
  readonly #ports: GitHubPorts;
  readonly #repository: string;

  constructor(place: GitHubPlace, ports: GitHubPorts) {
    this.#place = place;
    this.#ports = ports;
    this.#repository = `${place.api}/repos/${place.repository}`;
  }

  async releases(): Promise<Release[]> {
    return (await this.#pages("list releases", "releases")).map(toRelease);
  }

  async release(id: number): Promise<Release> {
    return toRelease(await this.#json("read the release", "GET", `releases/${id}`));
  }

  async tagCommit(tag: string): Promise<string | null> {
    const what = `read tag ${tag}`;
    const response = await this.#call({ method: "GET", url: `${this.#repository}/git/ref/tags/${inPath(tag)}` });
    if (response.status === 404) return null;
    let { object } = this.#parsed<GitObject>(what, response);
    // An annotated tag is an object of its own, and may stand for another one
    for (let depth = 0; object.type === "tag" && depth < 5; depth++) {
      ({ object } = await this.#json<GitObject>(what, "GET", `git/tags/${object.sha}`));
    }
    return object.sha;
  }

  async createDraft({ tag, commit, body }: NewDraft): Promise<Release> {
    const draft = { tag_name: tag, target_commitish: commit, name: tag, body, draft: true };
    return toRelease(await this.#json("make a draft release", "POST", "releases", draft));
  }

  async assets(release: Release): Promise<Asset[]> {
    return (await this.#pages("list the assets", `releases/${release.id}/assets`)).map(toAsset);
  }

  async upload(release: Release, file: LocalFile, onSent: (bytes: number) => void): Promise<Asset> {
    const url = new URL(release.uploadUrl.replace(/\{.*$/, ""));
    if (url.protocol !== new URL(this.#place.api).protocol) {
      throw userError(
        `upload ${file.name}: GitHub names ${url.origin} for uploads, which is not as safe as ${this.#place.api}`,
        "check GITHUB_API_URL; the token was not sent",
      );
    }
    url.searchParams.set("name", file.name);
    const what = `upload ${file.name}`;
    const response = await this.#send({
      method: "POST",
      url: url.href,
      headers: { ...this.#headers(), "content-type": contentType(file.name) },
      body: {
        bytes: file.bytes,
        open: () => createReadStream(file.path, { highWaterMark: CHUNK }),
        onSent,
      },
    });
    if (isAlreadyThere(response)) throw new TransientError("GitHub has an asset of this name already");
    return toAsset(this.#parsed(what, response));
  }

  async deleteAsset(asset: Asset): Promise<void> {
    const what = `delete the damaged asset ${asset.name}`;
    const response = await this.#call({
      method: "DELETE",
      url: `${this.#repository}/releases/assets/${asset.id}`,
    });
    if (response.status !== 204 && response.status !== 404) throw this.#errorOf(what, response);
  }

  async publish(release: Release): Promise<Release> {
    return toRelease(await this.#json("publish the draft", "PATCH", `releases/${release.id}`, { draft: false }));
  }

  async #pages(what: string, path: string): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let page = 1; page <= LAST_PAGE; page++) {
      const some = await this.#json<unknown[]>(what, "GET", `${path}?per_page=${PAGE}&page=${page}`);
      all.push(...some);
      if (some.length < PAGE) break;
    }
    return all;
  }

  async #json<T>(what: string, method: HttpRequest["method"], path: string, content?: unknown): Promise<T> {
    return this.#parsed<T>(what, await this.#call({ method, url: `${this.#repository}/${path}` }, content));
  }

  /** Sends JSON, and goes along with redirects on the same host, as a renamed repository makes them. */
  async #call({ method, url }: Pick<HttpRequest, "method" | "url">, content?: unknown) {
    let to = url;
    for (let hop = 0; ; hop++) {
      const request = { method, url: to, headers: this.#headers(), ...(content !== undefined && jsonBody(content)) };
      const response = await this.#send(request);
      const next = method === "GET" || [307, 308].includes(response.status) ? response.headers.location : undefined;
      if (response.status < 300 || response.status >= 400 || next === undefined || hop === REDIRECTS) return response;
      const address = new URL(next, to);
      if (address.origin !== new URL(to).origin) return response;
      to = address.href;
    }
  }

  async #send(request: HttpRequest): Promise<HttpResponse> {
    const { http, log } = this.#ports;
    const line = `${request.method} ${request.url}`;
    try {
      const response = await http.send(request);
      log.debug(`${line}: ${response.status}`);
      return response;
    } catch (error) {
      log.debug(`${line}: ${messageOf(error)}`);
      if (error instanceof RdnaError) throw error;
      throw new TransientError(`no answer from ${new URL(request.url).host} (${messageOf(error)})`, null, {
        cause: error,
      });
    }
  }

  #parsed<T>(what: string, response: HttpResponse): T {
    if (response.status < 200 || response.status >= 300) throw this.#errorOf(what, response);
    try {
      return JSON.parse(response.text) as T;
    } catch {
      throw new TransientError(`GitHub's answer to '${what}' is no JSON`);
    }
  }

  #errorOf(what: string, response: HttpResponse): Error {
    return errorOf(what, { ...response, text: this.#place.token.redact(response.text) }, this.#ports.clock.now());
  }

  #headers(): Record<string, string> {
    return {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${this.#place.token.reveal()}`,
      "user-agent": `rdna1-miopen/${this.#place.version}`,
      "x-github-api-version": "2022-11-28",
    };
  }
}

interface GitObject {
  object: { type: string; sha: string };
}

function jsonBody(content: unknown): Pick<HttpRequest, "body"> {
  const bytes = Buffer.from(JSON.stringify(content));
  return { body: { bytes: bytes.length, open: () => Readable.from([bytes]) } };
}

/** A tag may hold slashes, which stay. */
function inPath(tag: string): string {
  return tag.split("/").map(encodeURIComponent).join("/");
}

function contentType(name: string): string {
  if (name.endsWith(".zst")) return "application/zstd";
  if (name.endsWith(".json")) return "application/json";
  return name.endsWith(".html") ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
}

function toRelease(raw: unknown): Release {
  const data = raw as Record<string, unknown>;
  return {
    id: Number(data.id),
    tag: String(data.tag_name),
    commit: String(data.target_commitish),
    draft: data.draft === true,
    immutable: data.immutable === true,
    url: String(data.html_url),
    uploadUrl: String(data.upload_url),
  };
}

function toAsset(raw: unknown): Asset {
  const data = raw as Record<string, unknown>;
  return {
    id: Number(data.id),
    name: String(data.name),
    state: String(data.state),
    bytes: Number(data.size),
    digest: typeof data.digest === "string" ? data.digest : null,
  };
}
