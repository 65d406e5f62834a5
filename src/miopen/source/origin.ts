import { resolve } from "node:path";
import { userError } from "../../errors.ts";
import { withoutCredentials } from "../../secret.ts";

/** Where MIOpen's source is to come from, as the user or the ROCm release says. */
export type Origin =
  | {
      kind: "archive";
      url: string;
      /** SHA-256 of the archive, or null: it is recorded when the archive is first fetched */
      sha256: string | null;
      /** Size and the first digits of the SHA-512 that a distribution has published, where the facts give them */
      published?: { bytes: number; sha512?: string };
    }
  | { kind: "git"; url: string; ref: string }
  | { kind: "tarball"; path: string; sha256: string | null }
  | {
      kind: "path";
      /** A folder or a tarball; looked at when it is read */
      path: string;
    };

/** The option that names sources: `drift` takes several. Errors and remedies speak of it. */
export type SourceOption = "miopen-source" | "sources";

export function sourceOption(command: string): SourceOption {
  return command === "drift" ? "sources" : "miopen-source";
}

const TARBALL = /\.(tar(\.(gz|xz|bz2|zst))?|tgz|txz|tbz2?)$/i;
const DIGEST = /^sha256=([0-9a-f]{64})$/i;

/**
 * Reads one `miopen-source`: `https://…/x.tar.gz[#sha256=…]`, a git address with `#ref`, a tarball with `[#sha256=…]`, or a
 * folder. Relative paths are taken from `cwd`. Throws a user error that names `option` for anything else.
 */
export function parseOrigin(text: string, cwd: string, option: SourceOption = "miopen-source"): Origin {
  const [, address = text, fragment] = /^(.*?)#([^#]*)$/.exec(text) ?? [];
  const digest = DIGEST.exec(fragment ?? "")?.[1]?.toLowerCase() ?? null;
  if (fragment?.startsWith("sha256=") === true && digest === null) {
    throw userError(`${option}: '${fragment}' is not a SHA-256`, "write #sha256= and 64 hexadecimal digits");
  }
  if (isGit(address, digest)) return git(address, fragment, option);
  if (/^https?:/.test(address)) {
    if (!URL.canParse(address)) throw userError(`${option}: '${address}' is not an address`, EXAMPLES);
    return { kind: "archive", url: address, sha256: digest };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) throw userError(`${option}: '${text}' is not understood`, EXAMPLES);
  if (digest !== null) return { kind: "tarball", path: resolve(cwd, address), sha256: digest };
  const path = resolve(cwd, text);
  return TARBALL.test(text) ? { kind: "tarball", path, sha256: null } : { kind: "path", path };
}

const EXAMPLES =
  "allowed are https://…/miopen.tar.gz#sha256=…, https://…/miopen.git#rocm-7.0.2, a tarball, or a folder (write ./name)";

function isGit(address: string, digest: string | null): boolean {
  if (digest !== null) return false;
  if (/^(git|ssh|git\+https?|git\+ssh|git\+file):\/\//.test(address) || /^[\w.-]+@[\w.-]+:/.test(address)) return true;
  if (/^file:\/\//.test(address)) return true;
  return /^https?:/.test(address) && !TARBALL.test(address.replace(/\?.*$/, ""));
}

function git(address: string, ref: string | undefined, option: SourceOption): Origin {
  if (ref === undefined || ref === "") {
    throw userError(
      `${option}: '${address}' is a git address without a ref`,
      "add #<tag, branch or commit>, as in #rocm-7.0.2",
    );
  }
  if (ref.startsWith("-") || /[\s~^:?*[\\]|\.\./.test(ref)) {
    throw userError(`${option}: '${ref}' is not a tag, branch or commit`, "write it as in #rocm-7.0.2");
  }
  const url = address.replace(/^git\+/, "");
  if (url.startsWith("-")) throw userError(`${option}: '${address}' is not an address`, EXAMPLES);
  return { kind: "git", url, ref };
}

/** The origin in one line without user and password, for logs, the manifest and cache keys. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "archive":
      return withoutCredentials(origin.url);
    case "git":
      return `${withoutCredentials(origin.url)}#${origin.ref}`;
    default:
      return origin.path;
  }
}
