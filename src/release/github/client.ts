import { messageOf, RdnaError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Http, type HttpRequest, type HttpResponse, jsonBody } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import type { Secret } from "../../secret.ts";
import { type Access, errorOf } from "../publish/answers.ts";
import { TransientError } from "../publish/retry.ts";

export interface GitHubPlace {
  /** Without a slash at its end, e.g. `https://api.github.com` */
  api: string;
  /** `owner/name` */
  repository: string;
  /** null: as anybody, which public repositories allow */
  token: Secret | null;
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

/**
 * Calls of GitHub's REST API for one repository, also of an Enterprise Server. Each is one try: it throws a
 * `TransientError` where another may help, else an error that says what to do. `what` in messages is what was tried.
 */
export class GitHubClient {
  readonly place: GitHubPlace;
  readonly #ports: GitHubPorts;
  readonly #access: Access;

  constructor(place: GitHubPlace, ports: GitHubPorts, access: Access) {
    this.place = place;
    this.#ports = ports;
    this.#access = access;
  }

  /** Address of something in the repository. */
  url(path: string): string {
    return `${this.place.api}/repos/${this.place.repository}/${path}`;
  }

  headers(): Record<string, string> {
    const { token, version } = this.place;
    return {
      accept: "application/vnd.github+json",
      ...(token !== null && { authorization: `Bearer ${token.reveal()}` }),
      "user-agent": `rdna1-miopen/${version}`,
      "x-github-api-version": "2022-11-28",
    };
  }

  /** Every entry of a list, from all its pages. */
  async pages(what: string, path: string): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let page = 1; page <= LAST_PAGE; page++) {
      const some = await this.json<unknown[]>(what, "GET", `${path}?per_page=${PAGE}&page=${page}`);
      all.push(...some);
      if (some.length < PAGE) break;
    }
    return all;
  }

  async json<T>(what: string, method: HttpRequest["method"], path: string, content?: unknown): Promise<T> {
    return this.parsed<T>(what, await this.call({ method, url: this.url(path) }, content));
  }

  /** Sends JSON, and goes along with redirects on the same host, as a renamed repository makes them. */
  async call({ method, url }: Pick<HttpRequest, "method" | "url">, content?: unknown): Promise<HttpResponse> {
    let to = url;
    for (let hop = 0; ; hop++) {
      const headers = { ...this.headers(), ...(content !== undefined && { "content-type": "application/json" }) };
      const request = { method, url: to, headers, ...(content !== undefined && jsonBody(content)) };
      const response = await this.send(request);
      const next = method === "GET" || [307, 308].includes(response.status) ? response.headers.location : undefined;
      if (response.status < 300 || response.status >= 400 || next === undefined || hop === REDIRECTS) return response;
      const address = new URL(next, to);
      if (address.origin !== new URL(to).origin) return response;
      to = address.href;
    }
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
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

  parsed<T>(what: string, response: HttpResponse): T {
    if (response.status < 200 || response.status >= 300) throw this.errorOf(what, response);
    try {
      return JSON.parse(response.text) as T;
    } catch {
      throw new TransientError(`GitHub's answer to '${what}' is no JSON`);
    }
  }

  /** The error for an answer, without the token if the server has sent it back. */
  errorOf(what: string, response: HttpResponse): Error {
    const text = this.place.token?.redact(response.text) ?? response.text;
    return errorOf(what, { ...response, text }, this.#ports.clock.now(), this.#access);
  }
}
