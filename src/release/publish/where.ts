import { userError } from "../../errors.ts";
import type { Inputs } from "../../inputs.ts";
import type { Secret } from "../../secret.ts";

/** Where a release goes, and with what right. */
export interface Destination {
  api: string;
  repository: string;
  tag: string;
  /** Commit that the build is of; null: the one that the tag has */
  commit: string | null;
  token: Secret;
  /** Whether the release stays a draft */
  draft: boolean;
}

/**
 * Fills what the options leave open from the environment of a GitHub runner: the tag and the commit that the workflow
 * runs for (only for the workflow's own repository), and the address of the API, which on an Enterprise Server is its own.
 */
export function destinationOf(inputs: Inputs, env: NodeJS.ProcessEnv): Destination {
  const { token } = inputs;
  if (inputs.offline)
    throw userError("offline: a release cannot be published without the network", "leave offline out");
  if (token === null) {
    throw userError(
      "no token: publishing needs one that may write the repository's contents",
      "set the environment variable GITHUB_TOKEN; in a workflow leave the input token at its default",
    );
  }
  checkToken(token);
  const repository = inputs.repository ?? env.GITHUB_REPOSITORY ?? "";
  if (repository === "") {
    throw userError("repository: it is not known where to publish", "write --repository owner/name");
  }
  const own = repository === env.GITHUB_REPOSITORY;
  const tag = inputs.tag ?? (own && env.GITHUB_REF_TYPE === "tag" ? (env.GITHUB_REF_NAME ?? "") : "");
  if (tag === "") throw userError("tag: it is not known which release to publish", "write --tag, as in --tag v1.2.3");
  return {
    api: apiOf(env),
    repository,
    tag,
    commit: inputs.commit ?? (own ? env.GITHUB_SHA?.toLowerCase() || null : null),
    token,
    draft: inputs.draft,
  };
}

/** Refuses what no header can carry. */
export function checkToken(token: Secret): void {
  if (/^[\x21-\x7e]+$/.test(token.reveal())) return;
  throw userError(
    "the token has blanks, line breaks or other characters that no token has",
    "set GITHUB_TOKEN to the bare token",
  );
}

/** The API of the GitHub server that the environment names. */
export function apiOf(env: NodeJS.ProcessEnv): string {
  return apiAddress(env.GITHUB_API_URL || "https://api.github.com");
}

/** The token must not travel in clear text; on this machine itself (tests, a tunnel) it may. */
function apiAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const here = url !== null && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && here)) || url.username !== "") {
    throw userError(
      "GITHUB_API_URL is not an https:// address without a user name",
      "set it as the runner does, or unset it",
    );
  }
  return text.replace(/\/+$/, "");
}
