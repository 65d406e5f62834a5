import type { LocalFile } from "./local.ts";

/** A GitHub release, as far as publishing needs it. */
export interface Release {
  id: number;
  tag: string;
  /** What the tag is, or would be, made from: a commit, or a branch's name */
  commit: string;
  draft: boolean;
  immutable: boolean;
  /** Page for people */
  url: string;
  /** Where assets are sent to */
  uploadUrl: string;
}

export interface Asset {
  id: number;
  name: string;
  /** `uploaded`; anything else (`starter`, `open`) is half an upload */
  state: string;
  bytes: number;
  /** `sha256:…`; null from servers that do not compute it */
  digest: string | null;
}

export interface NewDraft {
  tag: string;
  commit: string;
  body: string;
  /** A preliminary one is not the newest release, and `install` takes it only by its tag */
  preliminary: boolean;
}

/**
 * What publishing asks of GitHub; each call is one try. It throws a `TransientError` where another may help, else
 * an error that says what to do.
 */
export interface ReleaseApi {
  /** All releases, drafts too: a draft is not found by its tag */
  releases(): Promise<Release[]>;
  release(id: number): Promise<Release>;
  /** The commit of a tag; null: there is no such tag */
  tagCommit(tag: string): Promise<string | null>;
  createDraft(draft: NewDraft): Promise<Release>;
  assets(release: Release): Promise<Asset[]>;
  upload(release: Release, file: LocalFile, onSent: (bytes: number) => void): Promise<Asset>;
  /** Done, too, when it is gone already */
  deleteAsset(asset: Asset): Promise<void>;
  /** Makes a draft public */
  publish(release: Release): Promise<Release>;
}
