import type { TrustedRoot } from "@sigstore/protobuf-specs";
import { machineError, userError } from "../../errors.ts";
import type { Log } from "../../ports/log.ts";
import type { Attested } from "./attestation.ts";
import { bundlesOf, parseBundles, readJsonOrLines } from "./bundles.ts";
import { type Identity, whyNotSigner } from "./identity.ts";
import type { Piece } from "./offer.ts";
import type { FetchPorts, Place } from "./place.ts";
import type { AttestationChoice } from "./request.ts";
import type { TrustOptions } from "./trusted-root.ts";

export interface ProvenanceRequest {
  place: Pick<Place, "name" | "local">;
  choice: AttestationChoice;
  /** null: it is not known which repository's release this should be */
  identity: Identity | null;
  trust: TrustOptions;
}

const UNATTESTED = "or set attestation 'off' if you trust the place all the same";

/** Whether a package without an attestation is refused. */
export function demandsAttestation({ demand }: AttestationChoice, local: boolean): boolean {
  return demand === "required" || (demand === "auto" && !local);
}

/** Whether what an earlier run has proven is what this one wants. */
export function provesEnough(proven: Attested | null, { place, choice, identity }: ProvenanceRequest): boolean {
  if (choice.demand === "off") return true;
  if (proven === null) return !demandsAttestation(choice, place.local) && choice.bundles === null;
  return identity !== null && whyNotSigner(proven, identity) === null;
}

/**
 * Proves where every piece of a package comes from, before any of it is fetched. Returns null when nothing was proven and
 * that is allowed. Throws a user error when there is no attestation, a machine error when none of them is good.
 */
export async function proveOrigin(
  pieces: readonly Piece[],
  place: Place,
  request: ProvenanceRequest,
  ports: FetchPorts,
): Promise<Attested | null> {
  const { choice } = request;
  if (choice.demand === "off") {
    ports.log.warning("attestation is off: it is not proven who has made this package");
    return null;
  }
  const demanded = demandsAttestation(choice, place.local);
  const given = choice.bundles === null ? null : await givenBundles(choice.bundles);
  let proven: Attested | null = null;
  let roots: readonly TrustedRoot[] | null = null;
  for (const { file, sha256 } of pieces) {
    const bundles = given ?? (await bundlesOf(place, file, sha256, ports));
    if (bundles.length === 0 && !demanded) {
      ports.log.info(`${file}: no attestation beside it; its digest is the one in SHA256SUMS`);
      return null;
    }
    if (bundles.length === 0) {
      throw userError(
        `the ${place.name} has no attestation for ${file} (sha256 ${sha256})`,
        `take a release that was attested, give a file of bundles with attestation, ${UNATTESTED}`,
      );
    }
    if (request.identity === null) {
      throw userError(
        "repository: it is not known whose attestation is to be checked",
        `write --repository owner/name, ${UNATTESTED}`,
      );
    }
    // Sigstore is loaded where something is to be checked: it takes longer than all the rest of an installation from the cache
    const { trustedRoots } = await import("./trusted-root.ts");
    roots ??= await trustedRoots(request.trust, ports.log);
    proven = await pieceProven({ file, sha256 }, bundles, roots, request.identity, place, ports.log);
  }
  return proven;
}

async function givenBundles(file: string): Promise<readonly unknown[]> {
  const texts = await readJsonOrLines(file, "attestation");
  const bundles = parseBundles(JSON.stringify(texts));
  if (bundles.length > 0) return bundles;
  throw userError(`attestation: ${file} has no Sigstore bundle`, "write it with gh attestation download");
}

async function pieceProven(
  { file, sha256 }: Pick<Piece, "file" | "sha256">,
  bundles: readonly unknown[],
  roots: readonly TrustedRoot[],
  identity: Identity,
  place: Pick<Place, "name">,
  log: Log,
): Promise<Attested> {
  const { checkAttestation } = await import("./attestation.ts");
  const reasons = new Set<string>();
  for (const bundle of bundles) {
    const result = checkAttestation(bundle, sha256, identity, roots);
    if (typeof result !== "string") {
      log.info(`${file}: attested by ${result.workflow}${result.commit === null ? "" : `, commit ${result.commit}`}`);
      return result;
    }
    reasons.add(result);
  }
  throw machineError(
    `no attestation of ${file} in the ${place.name} is good: ${[...reasons].slice(0, 4).join("; ")}`,
    "nothing was installed. Another workflow is named with signer-workflow, roots of a private repository with trusted-root; else do not use the file",
  );
}
