import { GitHubClient, type GitHubPlace, type GitHubPorts } from "../github/client.ts";
import { inPath } from "../github/path.ts";
import { withRetries } from "../publish/retry.ts";
import type { Offered, Place } from "./place.ts";

/** A release as GitHub lists it, as far as installing needs it. */
interface ListedRelease {
  tag_name: string;
  html_url: string;
  draft: boolean;
  prerelease: boolean;
  assets: readonly ListedAsset[];
}

interface ListedAsset {
  id: number;
  name: string;
  state: string;
  size: number;
  /** `sha256:…`; servers that compute none leave it out */
  digest?: string | null;
}

/** The releases of a repository where packages may lie. */
export class GitHubPackages {
  readonly #client: GitHubClient;
  readonly #ports: GitHubPorts;
  readonly #proxyEnv: NodeJS.ProcessEnv;

  constructor(place: GitHubPlace, ports: GitHubPorts, proxyEnv: NodeJS.ProcessEnv) {
    this.#client = new GitHubClient(place, ports, "read");
    this.#ports = ports;
    this.#proxyEnv = proxyEnv;
  }

  /** The release of a tag, or all published ones, newest first and without preliminary ones. */
  async places(tag: string | null): Promise<Place[]> {
    const { repository } = this.#client.place;
    if (tag !== null) {
      const what = `read release ${tag} of ${repository}`;
      return [
        this.#place(
          await this.#tried(what, () => this.#client.json<ListedRelease>(what, "GET", `releases/tags/${inPath(tag)}`)),
        ),
      ];
    }
    const what = `list the releases of ${repository}`;
    const all = (await this.#tried(what, () => this.#client.pages(what, "releases"))) as ListedRelease[];
    return all.filter(({ draft, prerelease }) => !draft && prerelease !== true).map((release) => this.#place(release));
  }

  #place(release: ListedRelease): Place {
    const { repository } = this.#client.place;
    const assets = new Map((release.assets ?? []).filter(({ state }) => state === "uploaded").map((a) => [a.name, a]));
    return {
      name: `release ${release.tag_name} of ${repository}`,
      tag: release.tag_name,
      page: release.html_url,
      local: false,
      names: [...assets.keys()],
      offered: (name) => {
        const asset = assets.get(name);
        return asset === undefined ? null : this.#offered(asset);
      },
      attestations: (sha256) => this.#attestations(sha256),
    };
  }

  #offered({ id, size, digest }: ListedAsset): Offered {
    return {
      url: this.#client.url(`releases/assets/${id}`),
      headers: { ...this.#client.headers(), accept: "application/octet-stream" },
      bytes: size,
      sha256: /^sha256:([0-9a-f]{64})$/.exec(digest ?? "")?.[1] ?? null,
      proxyEnv: this.#proxyEnv,
    };
  }

  /** Those of one digest are few: one page is all that is read. A server without them (Enterprise) answers 404. */
  async #attestations(sha256: string): Promise<readonly unknown[]> {
    const what = "read the attestations";
    return await this.#tried(what, async () => {
      const url = this.#client.url(`attestations/sha256:${sha256}?per_page=100`);
      const response = await this.#client.call({ method: "GET", url });
      if (response.status === 404) return [];
      const { attestations } = this.#client.parsed<{ attestations?: { bundle?: unknown }[] }>(what, response);
      return (attestations ?? [])
        .map(({ bundle }) => bundle)
        .filter((bundle) => bundle !== null && bundle !== undefined);
    });
  }

  async #tried<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return await withRetries(what, attempt, this.#ports);
  }
}
