import { bundleFromJSON } from "@sigstore/bundle";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { messageOf } from "../../errors.ts";
import { type Identity, type SignedBy, whyNotSigner } from "./identity.ts";

/** What an attestation has proven: who has signed, and from what. */
export interface Attested extends SignedBy {
  /** Commit that the package was made from; null: the certificate does not say */
  commit: string | null;
}

/** Provenance as GitHub's `actions/attest` makes it. */
const PROVENANCE = "https://slsa.dev/provenance/v1";
const IN_TOTO = "application/vnd.in-toto+json";

/** Certificate extensions of Fulcio: source repository, and its commit [sigstore/fulcio, docs/oid-info.md]. */
const REPOSITORY = "1.3.6.1.4.1.57264.1.12";
const COMMIT = "1.3.6.1.4.1.57264.1.13";

/**
 * Checks one Sigstore bundle for the digest of a file: signature, certificate chain, transparency log, time stamps, the
 * statement's subject and kind, and who signed. Returns what it proves, or in words why it proves nothing.
 *
 * A root without transparency logs (GitHub's own, for private repositories) vouches by time stamps alone, as in `gh`.
 */
export function checkAttestation(
  bundle: unknown,
  sha256: string,
  wanted: Identity,
  roots: readonly TrustedRoot[],
): Attested | string {
  let why = "no trusted root is known";
  for (const root of roots) {
    const result = checkWith(bundle, sha256, wanted, root);
    if (typeof result !== "string") return result;
    why = result;
  }
  return why;
}

function checkWith(json: unknown, sha256: string, wanted: Identity, root: TrustedRoot): Attested | string {
  try {
    const bundle = bundleFromJSON(json);
    if (bundle.content.$case !== "dsseEnvelope") return "it is a plain signature, not a statement of provenance";
    const verifier = new Verifier(toTrustMaterial(root), {
      tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
      ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
      timestampThreshold: 1,
    });
    const { identity } = verifier.verify(toSignedEntity(bundle));
    const extension = (id: string) => derText(identity?.oids?.find(({ oid }) => oid?.id.join(".") === id)?.value);
    const by: SignedBy = {
      workflow: identity?.subjectAlternativeName ?? "",
      issuer: identity?.extensions?.issuer ?? "",
      repository: extension(REPOSITORY),
    };
    const { payload, payloadType } = bundle.content.dsseEnvelope;
    const unfit = whyNotStatement(payloadType, payload.toString("utf8"), sha256) ?? whyNotSigner(by, wanted);
    return unfit ?? { ...by, commit: extension(COMMIT) || null };
  } catch (error) {
    return messageOf(error);
  }
}

/** Why a statement says nothing about the file; null when it does. */
function whyNotStatement(payloadType: string, payload: string, sha256: string): string | null {
  if (payloadType !== IN_TOTO) return `its payload is '${payloadType}', not an in-toto statement`;
  const { predicateType, subject } = JSON.parse(payload) as {
    predicateType?: unknown;
    subject?: readonly { digest?: { sha256?: unknown } }[];
  };
  if (predicateType !== PROVENANCE) return `it states '${String(predicateType)}', not where the file comes from`;
  if (Array.isArray(subject) && subject.some(({ digest }) => digest?.sha256 === sha256)) return null;
  return "it is about other files";
}

/** The text of a DER UTF8String; empty for anything else. */
function derText(value: Buffer | undefined): string {
  if (value?.[0] !== 0x0c) return "";
  const first = value[1] ?? 0;
  // Above 127 the byte tells how many bytes hold the length
  return value.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f)).toString("utf8");
}
