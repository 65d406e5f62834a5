import { machineError, type RdnaError, userError } from "../../errors.ts";
import type { HttpResponse } from "../../ports/http.ts";
import { TransientError } from "./retry.ts";

/** The body of GitHub's error answers. */
interface Problem {
  message?: unknown;
  errors?: readonly ({ code?: unknown; message?: unknown; field?: unknown } | string)[];
}

/** What is done with a repository. */
export type Access = "read" | "write";

const FORBIDDEN: Readonly<Record<Access, string>> = {
  write:
    "the token may not write releases: give the job `permissions: contents: write`, or use a token with contents read and write",
  read: "the token may not read releases there: give the job `permissions: contents: read`, or set GITHUB_TOKEN to one that may",
};

const NOT_FOUND: Readonly<Record<Access, string>> = {
  write: "check the repository's name, and that the token may read and write its contents",
  read: "check the repository's name and the tag; for a private repository set GITHUB_TOKEN to a token that may read it",
};

const AFTERWARDS: Readonly<Record<Access, string>> = {
  write: "the release stays as it is; run the same command again, with RUNNER_DEBUG=1 for more",
  read: "nothing was installed; run the same command again, with RUNNER_DEBUG=1 for more",
};

/** The error for an answer that is none of the wanted ones. `what` says what was tried. */
export function errorOf(
  what: string,
  response: HttpResponse,
  now: number,
  access: Access = "write",
): RdnaError | TransientError {
  const { status } = response;
  const says = `GitHub answers ${status}${detailOf(response.text)}`;
  const wait = askedWait(response, now);
  if (status === 429 || (status === 403 && isRateLimit(response))) {
    // GitHub's rule for secondary limits that name no time: at least a minute
    return new TransientError(says, wait ?? 60_000);
  }
  if (status === 408 || status >= 500) return new TransientError(says, wait);
  const message = `${what}: ${says}`;
  if (status === 401) return userError(message, "the token is not valid (any more): give a new one in GITHUB_TOKEN");
  if (status === 403) return userError(message, FORBIDDEN[access]);
  if (status === 404) return userError(message, NOT_FOUND[access]);
  if (status === 422 && /immutable/i.test(response.text)) {
    return userError(message, "an immutable release and its tag name can never be used again: publish under a new tag");
  }
  if (status >= 300 && status < 400) {
    return userError(
      `${message}, which leads to another host; the token is not sent there`,
      "check GITHUB_API_URL, and the repository's present name",
    );
  }
  return machineError(message, AFTERWARDS[access]);
}

/** Whether an upload was refused because an asset of this name is there already. */
export function isAlreadyThere({ status, text }: HttpResponse): boolean {
  return status === 422 && /already_exists/.test(text);
}

/** Milliseconds that a server asks to wait, by `Retry-After` (seconds or a date) or GitHub's rate limit; else null. */
export function askedWait({ headers }: HttpResponse, now: number): number | null {
  const after = headers["retry-after"];
  if (after !== undefined) {
    if (/^\d+$/.test(after.trim())) return Number(after) * 1000;
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const reset = Number(headers["x-ratelimit-reset"]);
  if (headers["x-ratelimit-remaining"] === "0" && reset > 0) return Math.max(0, reset * 1000 - now);
  return null;
}

function isRateLimit({ headers, text }: HttpResponse): boolean {
  return (
    headers["retry-after"] !== undefined ||
    headers["x-ratelimit-remaining"] === "0" ||
    /rate limit|abuse detection/i.test(text)
  );
}

/** What GitHub itself says, short; a proxy's page says nothing. */
function detailOf(text: string): string {
  let problem: Problem;
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    return "";
  }
  const parts = [problem?.message];
  for (const error of Array.isArray(problem?.errors) ? (problem.errors ?? []) : []) {
    parts.push(
      typeof error === "string" ? error : (error.message ?? [error.field, error.code].filter(Boolean).join(" ")),
    );
  }
  const words = parts.filter((part) => typeof part === "string" && part !== "").join("; ");
  return words === "" ? "" : `: ${words.slice(0, 300)}`;
}
