import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { userError } from "../../errors.ts";
import { choice, parsePlace } from "../../option-values.ts";
import type { Target } from "../../rdna1/targets.ts";
import type { MiopenKind } from "./names.ts";

/** Where a package comes from. */
export type Source =
  | { kind: "release" }
  /** A tarball on this machine, absolute */
  | { kind: "file"; path: string }
  /** A folder: an address with `file:`, `http:` or `https:`, without a slash at its end */
  | { kind: "mirror"; address: string };

/** What `install` was asked for, apart from what it has in common with other commands. */
export interface InstallRequest {
  source: Source;
  /** null: the ROCm of this machine, or any where it has none */
  rocmVersion: string | null;
  /** null: the cards of this machine, or any target where it has none */
  targets: readonly Target[] | null;
  /** null: either kind, patched first */
  miopen: MiopenKind | null;
  /** Absolute; null: the files stay in the cache */
  prefix: string | null;
  attestation: AttestationChoice;
  /** Workflow file that must have made the package, e.g. `.github/workflows/release.yml` */
  signerWorkflow: string;
  /** Absolute path of a file with trusted roots; null: those of Sigstore's public good instance */
  trustedRoot: string | null;
  fallback: "none" | "build";
}

export interface AttestationChoice {
  demand: "auto" | "required" | "off";
  /** Absolute path of a file with Sigstore bundles; null: they are looked for where the package lies */
  bundles: string | null;
}

/** Values that belong to several commands, and a reader for those that are ours alone. */
export interface RawRequest {
  rocmVersion: string | null;
  targets: readonly Target[] | null;
  miopen: string | null;
  prefix: string | null;
  get: (name: string) => string;
  cwd: string;
}

/** Checks the options of `install`. */
export function parseInstall({ rocmVersion, targets, miopen, prefix, get, cwd }: RawRequest): InstallRequest {
  const attestation = parsePlace("attestation", get("attestation"), ["auto", "required", "off"], cwd);
  const bundles = attestation.startsWith("/") ? attestation : null;
  const workflow = get("signer-workflow");
  if (!/^\.github\/workflows\/[A-Za-z0-9._-]+\.ya?ml$/.test(workflow)) {
    throw userError(
      `signer-workflow: '${workflow}' is not the path of a workflow file`,
      "write it as in .github/workflows/release.yml",
    );
  }
  return {
    source: parseSource(get("source"), cwd),
    rocmVersion,
    targets,
    miopen: miopen === "patched" || miopen === "distribution" ? miopen : null,
    prefix,
    attestation: { demand: bundles === null ? (attestation as AttestationChoice["demand"]) : "required", bundles },
    signerWorkflow: workflow,
    trustedRoot: get("trusted-root") === "" ? null : resolve(cwd, get("trusted-root")),
    fallback: choice("fallback", get("fallback"), ["none", "build"]),
  };
}

function parseSource(text: string, cwd: string): Source {
  if (/^(https?|file):\/\//i.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.username !== "" || url.search !== "" || url.hash !== "") {
      throw userError(
        "source: the address is not one of a folder, without a user name and without a query",
        "write it as in https://mirror.example/rdna1-miopen",
      );
    }
    if (url.protocol === "file:") return localSource(fileURLToPath(url));
    return { kind: "mirror", address: url.href.replace(/\/+$/, "") };
  }
  const place = parsePlace("source", text, ["release"], cwd);
  return place === "release" ? { kind: "release" } : localSource(place);
}

function localSource(path: string): Source {
  if (path.endsWith(".tar.zst")) return { kind: "file", path };
  return { kind: "mirror", address: pathToFileURL(path).href.replace(/\/+$/, "") };
}
