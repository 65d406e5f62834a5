import { userError } from "../../errors.ts";
import { CHECKSUMS } from "../output.ts";
import type { Asset, Release } from "./api.ts";
import type { LocalFile } from "./local.ts";

/** What is to be done for one file of the output folder. */
export interface FilePlan {
  file: LocalFile;
  /** A whole copy that is there already; null: it is to be uploaded */
  kept: Asset | null;
  /** Assets of this name that are no whole copy of the file: half an upload, or other bytes */
  remove: readonly Asset[];
  /** Why nothing is kept, in words; empty when something is */
  why: string;
}

/** Where a release comes from: the tag's present commit at GitHub, and the commit that the build is of. */
export interface Commits {
  /** null: there is no such tag yet */
  tag: string | null;
  wanted: string;
}

/** Which release a tag has. */
export interface Choice {
  /** null: there is none, a draft is to be made */
  release: Release | null;
  /** Further drafts of the same tag, as two runs at once leave them */
  others: readonly Release[];
}

/**
 * The release of a tag: a published one, else the oldest draft, so that two runs agree on one. A user error for a draft
 * of another commit. A branch as target says nothing where the tag exists, because GitHub then takes the tag's commit.
 */
export function chooseRelease(releases: readonly Release[], tag: string, commits: Commits): Choice {
  const ours = releases.filter((release) => release.tag === tag).sort((a, b) => a.id - b.id);
  const release = ours.find(({ draft }) => !draft) ?? ours[0] ?? null;
  const others = ours.filter((other) => other !== release && other.draft);
  if (release?.draft) {
    const isCommit = /^[0-9a-f]{40}$/.test(release.commit);
    const fits = isCommit ? release.commit === commits.wanted : commits.tag === commits.wanted;
    if (!fits) {
      throw userError(
        `the draft release of ${tag} is for ${isCommit ? `commit ${release.commit}` : `'${release.commit}'`}, but this build is of ${commits.wanted}`,
        "delete that draft if it is of no use any more, or publish under another tag",
      );
    }
  }
  return { release, others };
}

/**
 * What makes the assets of a release equal to the files, in the order of `files`. An asset is kept only when its state,
 * size and digest say that it is whole; without a digest (an older Enterprise Server) nothing does, unless this very
 * run has sent it (`sent` holds such ids).
 */
export function planAssets(
  files: readonly LocalFile[],
  assets: readonly Asset[],
  sent: ReadonlySet<number> = new Set(),
): FilePlan[] {
  return files.map((file) => {
    const named = assets.filter(({ name }) => name === file.name);
    const kept = named.find((asset) => flawOf(file, asset, sent.has(asset.id)) === null) ?? null;
    const remove = named.filter((asset) => asset !== kept);
    const [first] = remove;
    const why = first === undefined ? "not there yet" : (flawOf(file, first, sent.has(first.id)) ?? "");
    return { file, kept, remove, why: kept === null ? why : "" };
  });
}

/** Why an asset is no whole copy of a file; null: it is one. */
export function flawOf(file: LocalFile, asset: Asset, sentByUs: boolean): string | null {
  if (asset.state !== "uploaded") return `only half uploaded (state ${asset.state})`;
  if (asset.bytes !== file.bytes) return `has ${asset.bytes} bytes instead of ${file.bytes}`;
  if (asset.digest === null) return sentByUs ? null : "has no digest to compare";
  return asset.digest === `sha256:${file.sha256}` ? null : `has digest ${asset.digest}, not sha256:${file.sha256}`;
}

/** A published release is never changed: null when it has every file, else the user error that says what is missing. */
export function refusalOf(release: Release, plans: readonly FilePlan[]): Error | null {
  const changed = plans.filter(({ kept }) => kept === null).map(({ file, why }) => `${file.name} (${why})`);
  if (changed.length === 0) return null;
  const kind = release.immutable ? "published and immutable" : "published";
  return userError(
    `release ${release.tag} is ${kind} already, with other files than this build: ${changed.join(", ")}`,
    "publish under a new tag; what people may have downloaded is not replaced",
  );
}

/** A tarball of ours that is not of this build would be published unverified beside it. */
export function refuseForeignTarballs(release: Release, files: readonly LocalFile[], assets: readonly Asset[]): void {
  const ours = new Set(files.map(({ name }) => name));
  const foreign = assets.filter(({ name }) => /^rdna1-.*\.tar\.zst$/.test(name) && !ours.has(name));
  if (foreign.length === 0) return;
  throw userError(
    `the draft release of ${release.tag} has ${foreign.map(({ name }) => name).join(", ")}, which ${CHECKSUMS} does not list`,
    "delete it from the draft if an earlier build left it, or publish each build under a tag of its own",
  );
}
