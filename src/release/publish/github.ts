import { createReadStream } from "node:fs";
import { userError } from "../../errors.ts";
import { CHUNK } from "../../ports/http.ts";
import { GitHubClient, type GitHubPlace, type GitHubPorts } from "../github/client.ts";
import { inPath } from "../github/path.ts";
import { isAlreadyThere } from "./answers.ts";
import type { Asset, NewDraft, Release, ReleaseApi } from "./api.ts";
import type { LocalFile } from "./local.ts";
import { TransientError } from "./retry.ts";

/** GitHub's REST API, also of an Enterprise Server. */
export class GitHubReleases implements ReleaseApi {
  readonly #client: GitHubClient;

  constructor(place: GitHubPlace, ports: GitHubPorts) {
    this.#client = new GitHubClient(place, ports, "write");
  }

  async releases(): Promise<Release[]> {
    return (await this.#client.pages("list releases", "releases")).map(toRelease);
  }

  async release(id: number): Promise<Release> {
    return toRelease(await this.#client.json("read the release", "GET", `releases/${id}`));
  }

  async tagCommit(tag: string): Promise<string | null> {
    const what = `read tag ${tag}`;
    const response = await this.#client.call({ method: "GET", url: this.#client.url(`git/ref/tags/${inPath(tag)}`) });
    if (response.status === 404) return null;
    let { object } = this.#client.parsed<GitObject>(what, response);
    // An annotated tag is an object of its own, and may stand for another one
    for (let depth = 0; object.type === "tag" && depth < 5; depth++) {
      ({ object } = await this.#client.json<GitObject>(what, "GET", `git/tags/${object.sha}`));
    }
    return object.sha;
  }

  async createDraft({ tag, commit, body, preliminary }: NewDraft): Promise<Release> {
    const draft = { tag_name: tag, target_commitish: commit, name: tag, body, draft: true, prerelease: preliminary };
    return toRelease(await this.#client.json("make a draft release", "POST", "releases", draft));
  }

  async assets(release: Release): Promise<Asset[]> {
    return (await this.#client.pages("list the assets", `releases/${release.id}/assets`)).map(toAsset);
  }

  async upload(release: Release, file: LocalFile, onSent: (bytes: number) => void): Promise<Asset> {
    const url = new URL(release.uploadUrl.replace(/\{.*$/, ""));
    if (url.protocol !== new URL(this.#client.place.api).protocol) {
      throw userError(
        `upload ${file.name}: GitHub names ${url.origin} for uploads, which is not as safe as ${this.#client.place.api}`,
        "check GITHUB_API_URL; the token was not sent",
      );
    }
    url.searchParams.set("name", file.name);
    const what = `upload ${file.name}`;
    const response = await this.#client.send({
      method: "POST",
      url: url.href,
      headers: { ...this.#client.headers(), "content-type": contentType(file.name) },
      body: {
        bytes: file.bytes,
        open: () => createReadStream(file.path, { highWaterMark: CHUNK }),
        onSent,
      },
    });
    if (isAlreadyThere(response)) throw new TransientError("GitHub has an asset of this name already");
    return toAsset(this.#client.parsed(what, response));
  }

  async deleteAsset(asset: Asset): Promise<void> {
    const what = `delete the damaged asset ${asset.name}`;
    const response = await this.#client.call({
      method: "DELETE",
      url: this.#client.url(`releases/assets/${asset.id}`),
    });
    if (response.status !== 204 && response.status !== 404) throw this.#client.errorOf(what, response);
  }

  async publish(release: Release): Promise<Release> {
    return toRelease(await this.#client.json("publish the draft", "PATCH", `releases/${release.id}`, { draft: false }));
  }
}

interface GitObject {
  object: { type: string; sha: string };
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
