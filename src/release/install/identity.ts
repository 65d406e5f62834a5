import { userError } from "../../errors.ts";

/** Who must have made a package. */
export interface Identity {
  /** Address of the repository, e.g. `https://github.com/org/kernels` */
  repository: string;
  /** Workflow file in it */
  workflow: string;
  /** Who issued the workflow's identity */
  issuer: string;
  /** Tag of the release; null: any */
  tag: string | null;
}

/** Who a certificate says has signed. */
export interface SignedBy {
  /** e.g. `https://github.com/org/kernels/.github/workflows/release.yml@refs/tags/v1.2.3` */
  workflow: string;
  /** Address of the repository that the workflow ran for */
  repository: string;
  issuer: string;
}

/** The identity that a release of `repository` (`owner/name`) has on a GitHub server. */
export function identityOf(server: string, repository: string, workflow: string, tag: string | null): Identity {
  if (!URL.canParse(server)) throw userError("GITHUB_SERVER_URL is not an address", "set it as the runner does");
  const { host, origin } = new URL(server);
  return { repository: `${origin}/${repository}`, workflow, issuer: issuerOf(host, origin), tag };
}

/** GitHub, its data-residency hosts, and Enterprise Server each have an issuer of their own [GitHub docs, OpenID Connect]. */
function issuerOf(host: string, origin: string): string {
  if (host === "github.com") return "https://token.actions.githubusercontent.com";
  return host.endsWith(".ghe.com") ? `https://token.actions.${host}` : `${origin}/_services/token`;
}

/**
 * Why a signer is not the wanted one, in words; null when it is. The workflow must have run for a branch or a tag of the
 * repository itself, not for a pull request; for a tag, it must be the release's.
 */
export function whyNotSigner(by: SignedBy, wanted: Identity): string | null {
  if (by.issuer !== wanted.issuer)
    return `its identity was issued by ${by.issuer || "nobody"}, not by ${wanted.issuer}`;
  if (by.repository !== wanted.repository) {
    return `it was made for ${by.repository || "no repository"}, not for ${wanted.repository}`;
  }
  const at = by.workflow.lastIndexOf("@");
  const [file, ref] = [by.workflow.slice(0, at), by.workflow.slice(at + 1)];
  const expected = `${wanted.repository}/${wanted.workflow}`;
  if (file !== expected) return `it was made by ${by.workflow}, not by ${expected}`;
  if (!/^refs\/(heads|tags)\//.test(ref)) return `it was made for ${ref}, which is no branch and no tag`;
  if (ref.startsWith("refs/tags/") && wanted.tag !== null && ref !== `refs/tags/${wanted.tag}`) {
    return `it was made for ${ref}, not for refs/tags/${wanted.tag}`;
  }
  return null;
}
