import { posix } from "node:path";

/** An entry of an archive, as far as safety needs it. */
export interface Entry {
  path: string;
  /** As npm's `tar` names it: `File`, `Directory`, `SymbolicLink`, `Link`, `CharacterDevice`, … */
  type: string;
  size: number;
  /** Permission bits, with set-user-ID and the like */
  mode: number;
  linkpath: string | null;
}

/** What the files of a package must be: name and bytes; null: nobody has said. */
export type ExpectedFiles = ReadonlyMap<string, number> | null;

/** Characters that no file of ours has, and that terminals or shells take for something else. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNPRINTABLE = /[\x00-\x1f\x7f\\]/;

/**
 * Looks at one entry after the other, before anything is written. Only files, folders and symbolic links that stay inside
 * are let in; what our packages never have (hard links, devices, set-user-ID, a name twice, a way through a link) is refused,
 * even where unpacking it might be harmless.
 */
export class EntryCheck {
  readonly #expected: ExpectedFiles;
  readonly #below: string | null;
  readonly #seen = new Map<string, string>();
  readonly #files = new Map<string, number>();

  /** `below`: a folder that everything must lie in, or null */
  constructor(expected: ExpectedFiles, below: string | null) {
    this.#expected = expected;
    this.#below = below;
  }

  /** Why the entry is refused, in words; null when it is let in. */
  refuse(entry: Entry): string | null {
    const path = entry.path.replace(/\/$/, "");
    if (UNPRINTABLE.test(entry.path)) return "has a name with control characters or backslashes";
    if (path.startsWith("/")) return "has an absolute path";
    const parts = path.split("/");
    if (parts.some((part) => part === "" || part === "." || part === "..")) return "has a path that is not plain";
    if ((entry.mode & 0o7000) !== 0) return "has set-user-ID, set-group-ID or sticky";
    for (let depth = 1; depth < parts.length; depth++) {
      const above = this.#seen.get(parts.slice(0, depth).join("/"));
      if (above !== undefined && above !== "Directory") return "lies below something that is no folder";
    }
    if (this.#seen.has(path)) return "is there twice";
    this.#seen.set(path, entry.type);
    const leadsThere = entry.type === "Directory" && this.#below?.startsWith(`${path}/`);
    if (this.#below !== null && path !== this.#below && !path.startsWith(`${this.#below}/`) && !leadsThere) {
      return `does not lie below ${this.#below}`;
    }
    if (entry.type === "Directory") return null;
    if (entry.type === "SymbolicLink") return whyNotLink(path, entry.linkpath ?? "");
    if (entry.type !== "File") return `is a ${entry.type}, neither file nor folder nor symbolic link`;
    this.#files.set(path, entry.size);
    return this.#unexpected(path, entry.size);
  }

  /** Files that were let in, and their bytes. */
  files(): Iterable<readonly [path: string, bytes: number]> {
    return this.#files;
  }

  /** Files that were promised and did not come; to be asked at the end. */
  missing(): string[] {
    return [...(this.#expected?.keys() ?? [])].filter((path) => !this.#files.has(path));
  }

  #unexpected(path: string, size: number): string | null {
    if (this.#expected === null) return null;
    const bytes = this.#expected.get(path);
    if (bytes === undefined) return "is not in the manifest";
    return bytes === size ? null : `has ${size} bytes, but the manifest says ${bytes}`;
  }
}

function whyNotLink(path: string, to: string): string | null {
  if (UNPRINTABLE.test(to)) return "is a link with control characters or backslashes";
  if (to === "" || to.startsWith("/")) return `is a link with an absolute path (${to})`;
  // Past the start a `..` would lead out of wherever another link has led before
  if (
    to
      .replace(/^(\.\.\/)+/, "")
      .split("/")
      .includes("..") &&
    to !== ".."
  )
    return `is a link that turns back (${to})`;
  const leads = posix.normalize(posix.join(posix.dirname(path), to));
  return leads === ".." || leads.startsWith("../") ? `is a link that leads out (${to})` : null;
}
