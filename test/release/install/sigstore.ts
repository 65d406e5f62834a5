import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { bundleToJSON } from "@sigstore/bundle";
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from "@sigstore/mock";
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from "@sigstore/protobuf-specs";
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } from "@sigstore/sign";

/** What an attestation says, and who signs it; the defaults are those of a release of org/kernels. */
export interface Statement {
  sha256: string;
  name?: string;
  repository?: string;
  /** Workflow file at its ref */
  workflow?: string;
  issuer?: string;
  predicateType?: string;
  payloadType?: string;
  /** Whether the transparency log, or a time stamp authority, takes part */
  log?: boolean;
}

export const RELEASE_WORKFLOW = "org/kernels/.github/workflows/publish.yml@refs/tags/v1";
export const ATTESTED_COMMIT = "c".repeat(40);

/**
 * A whole Sigstore of our own over real HTTP: certificate authority, certificate log, transparency log and time stamps, from
 * Sigstore's own `@sigstore/mock`; what it signs is made by Sigstore's own client.
 */
export class TestSigstore {
  readonly #server: Server;
  readonly #address: string;
  /** For `trusted-root` */
  readonly root: unknown;

  private constructor(server: Server, address: string, root: unknown) {
    this.#server = server;
    this.#address = address;
    this.root = root;
  }

  /** Without `logs`, one such as GitHub has for private repositories: time stamps instead of public logs. */
  static async start(logs = true): Promise<TestSigstore> {
    const keys = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // Whole seconds: the mock writes one in ten of all milliseconds in a form that Sigstore's own reader refuses. A few
    // ahead, for its authorities' certificates begin when they are made, whatever this clock says
    const clock = new Date(Math.ceil(Date.now() / 1000) * 1000 + 5000);
    const ctlog = await initializeCTLog(keys(), clock);
    const ca = await initializeCA(keys(), logs ? ctlog : undefined, clock);
    const tlog = await initializeTLog(address, keys(), clock);
    const tsa = await initializeTSA(keys(), clock);
    const handlers = [fulcioHandler(ca), rekorHandler(tlog), tsaHandler(tsa)];
    server.on("request", async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      const { fn } = handlers.find(({ path }) => path === request.url) ?? {};
      if (fn === undefined) return void response.writeHead(404).end();
      const answer = await fn(body);
      const type = answer.contentType ?? "text/plain";
      response.writeHead(answer.statusCode, { "content-type": type }).end(answer.response);
    });

    const start = new Date(Date.now() - 60_000);
    const log = (publicKey: Buffer, keyId: Buffer) => ({
      baseUrl: address,
      logId: { keyId },
      hashAlgorithm: HashAlgorithm.SHA2_256,
      publicKey: {
        rawBytes: publicKey,
        keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
        validFor: { start, end: undefined },
      },
      checkpointKeyId: undefined,
      operator: "test",
    });
    const authority = (certificates: readonly ArrayBufferView[]) => ({
      subject: undefined,
      uri: address,
      certChain: { certificates: certificates.map((certificate) => ({ rawBytes: bytesOf(certificate) })) },
      validFor: { start, end: undefined },
      operator: "test",
    });
    const root = TrustedRoot.toJSON({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: logs ? [log(tlog.publicKey, createHash("sha256").update(tlog.publicKey).digest())] : [],
      ctlogs: logs ? [log(ctlog.publicKey, bytesOf(ctlog.logID))] : [],
      certificateAuthorities: [authority([ca.rootCertificate])],
      timestampAuthorities: [authority([tsa.intCertificate, tsa.rootCertificate])],
    });
    return new TestSigstore(server, address, root);
  }

  /** A bundle as JSON, such as `actions/attest` makes it. */
  async attest({
    sha256,
    name = "package.tar.zst",
    repository = "org/kernels",
    workflow = RELEASE_WORKFLOW,
    issuer = "https://token.actions.githubusercontent.com",
    predicateType = "https://slsa.dev/provenance/v1",
    payloadType = "application/vnd.in-toto+json",
    log = true,
  }: Statement): Promise<unknown> {
    const claims = { sub: `https://github.com/${workflow}`, iss: issuer, repository, sha: ATTESTED_COMMIT };
    const token = ["{}", JSON.stringify(claims), "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");
    const fetch = { retry: false, timeout: 5000 };
    // The mock keeps entries as they were proposed, and only `intoto` ones have the same form when they are kept
    const witnesses = log
      ? [new RekorWitness({ rekorBaseURL: this.#address, entryType: "intoto", ...fetch })]
      : [new TSAWitness({ tsaBaseURL: this.#address, ...fetch })];
    const builder = new DSSEBundleBuilder({
      signer: new FulcioSigner({
        fulcioBaseURL: this.#address,
        identityProvider: { getToken: async () => token },
        ...fetch,
      }),
      witnesses,
    });
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name, digest: { sha256 } }],
      predicateType,
      predicate: {},
    };
    return bundleToJSON(await builder.create({ data: Buffer.from(JSON.stringify(statement)), type: payloadType }));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
