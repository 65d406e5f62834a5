import { join } from "node:path";
import type { Context } from "../context.ts";
import { userError } from "../errors.ts";
import { SYSTEM_CLOCK } from "../ports/clock.ts";
import { NodeHttp } from "../ports/http.ts";
import { GitHubReleases } from "../release/publish/github.ts";
import { readLocalRelease } from "../release/publish/local.ts";
import { releaseNotes } from "../release/publish/notes.ts";
import type { Commits } from "../release/publish/plan.ts";
import { type Published, publishRelease } from "../release/publish/publish.ts";
import { withRetries } from "../release/publish/retry.ts";
import { type Destination, destinationOf } from "../release/publish/where.ts";

/** What `publish` did. */
export interface PublishResult extends Published {
  /** The tarball that was published, absolute, and its SHA-256 */
  tarball: string;
  sha256: string;
}

/** Uploads what `build` left in the output folder to the GitHub release of a tag. */
export async function publish(context: Context): Promise<PublishResult> {
  const { inputs, log, env, version } = context;
  const destination = destinationOf(inputs, env);
  const local = await readLocalRelease(inputs.output);
  const ports = { log, clock: SYSTEM_CLOCK };
  const api = new GitHubReleases({ ...destination, version }, { ...ports, http: new NodeHttp(env) });
  const { tag, draft: stayDraft } = destination;
  const tagCommit = await withRetries(`read tag ${tag}`, () => api.tagCommit(tag), ports);
  const commits = commitsOf(destination, tagCommit);
  const draft = { tag, commit: commits.wanted, body: releaseNotes(local), preliminary: isPreliminary(tag) };
  const published = await log.group(`publish ${tag} in ${destination.repository}`, () =>
    publishRelease({ draft, commits, files: local.files, stayDraft }, api, ports),
  );
  const { file, sha256 } = local.manifest.tarball;
  return { ...published, tarball: join(inputs.output, file), sha256 };
}

/** A tag that is there already must be of the commit that was built. */
export function commitsOf({ tag, commit, repository }: Destination, tagCommit: string | null): Commits {
  const wanted = commit ?? tagCommit;
  if (wanted === null) {
    throw userError(
      `tag ${tag} is not in ${repository}, and it is not known which commit to make it from`,
      "push the tag first, or name the commit: --commit $(git rev-parse HEAD)",
    );
  }
  if (tagCommit !== null && tagCommit !== wanted) {
    throw userError(
      `tag ${tag} is commit ${tagCommit}, but this build is of ${wanted}`,
      "build the tagged commit, or publish under another tag",
    );
  }
  return { tag: tagCommit, wanted };
}

/** `v1.2.3-rc1`, but not `v1.2.3` and not `v1.2.3-rocm7.2.4`: the same release for another ROCm. */
export function isPreliminary(tag: string): boolean {
  return /^v?\d+(\.\d+)*-/.test(tag.replace(/-rocm\d+(\.\d+)*$/, ""));
}
