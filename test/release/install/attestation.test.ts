import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { checkAttestation } from "../../../src/release/install/attestation.ts";
import { identityOf } from "../../../src/release/install/identity.ts";
import { sha256 } from "../sample.ts";
import { ATTESTED_COMMIT, RELEASE_WORKFLOW, type Statement, TestSigstore } from "./sigstore.ts";

const DIGEST = sha256("the tarball");
const WANTED = identityOf("https://github.com", "org/kernels", ".github/workflows/publish.yml", "v1");

let sigstore: TestSigstore;
let other: TestSigstore;
before(async () => {
  sigstore = await TestSigstore.start();
  other = await TestSigstore.start();
});
after(() => {
  sigstore.close();
  other.close();
});

const rootsOf = (...services: TestSigstore[]) => services.map(({ root }) => TrustedRoot.fromJSON(root));
const checked = async (statement: Partial<Statement>, roots = rootsOf(sigstore)) =>
  checkAttestation(await sigstore.attest({ sha256: DIGEST, ...statement }), DIGEST, WANTED, roots);

test("an attestation by the release's workflow proves workflow, repository and commit", async () => {
  assert.deepEqual(await checked({}), {
    issuer: "https://token.actions.githubusercontent.com",
    workflow: `https://github.com/${RELEASE_WORKFLOW}`,
    repository: "https://github.com/org/kernels",
    commit: ATTESTED_COMMIT,
  });
});

test("one made for a branch is good, and one of several roots is enough", async () => {
  const branch = "org/kernels/.github/workflows/publish.yml@refs/heads/main";
  assert.equal(typeof (await checked({ workflow: branch }, rootsOf(other, sigstore))), "object");
});

for (const [what, statement, why] of [
  ["another file", { sha256: sha256("another") }, /about other files/],
  ["another repository", { repository: "evil/kernels" }, /made for https:\/\/github.com\/evil\/kernels/],
  [
    "the workflow of another repository",
    { workflow: "evil/kernels/.github/workflows/publish.yml@refs/tags/v1" },
    /made by .*evil/,
  ],
  [
    "another workflow",
    { workflow: "org/kernels/.github/workflows/ci.yml@refs/heads/main" },
    /made by .*ci\.yml@.*not by .*publish\.yml/,
  ],
  [
    "a repository whose name begins alike",
    { workflow: "org/kernels-evil/.github/workflows/publish.yml@refs/tags/v1" },
    /made by/,
  ],
  [
    "a pull request",
    { workflow: "org/kernels/.github/workflows/publish.yml@refs/pull/7/merge" },
    /no branch and no tag/,
  ],
  [
    "another tag",
    { workflow: "org/kernels/.github/workflows/publish.yml@refs/tags/v0" },
    /refs\/tags\/v0, not for refs\/tags\/v1/,
  ],
  ["another issuer", { issuer: "https://evil.example" }, /issued by https:\/\/evil.example/],
  ["another kind of statement", { predicateType: "https://in-toto.io/attestation/release/v0.1" }, /not where the file/],
  ["another kind of payload", { payloadType: "application/json" }, /payload is 'application\/json'/],
  ["a bundle that the transparency log does not know", { log: false }, /tlog entries/],
] as const) {
  test(`refuses an attestation of ${what}`, async () => {
    const result = await checked(statement);
    assert.ok(typeof result === "string", JSON.stringify(result));
    assert.match(result, why);
  });
}

test("refuses an attestation that another Sigstore has signed", async () => {
  const result = await checked({}, rootsOf(other));
  assert.ok(typeof result === "string");
});

test("a root without public logs, as GitHub has for private repositories, takes time stamps", async () => {
  const github = await TestSigstore.start(false);
  try {
    const bundle = await github.attest({ sha256: DIGEST, log: false });
    const result = checkAttestation(bundle, DIGEST, WANTED, rootsOf(github));
    assert.equal(typeof result, "object", String(result));
  } finally {
    github.close();
  }
});

test("refuses a bundle in which any part was changed", async () => {
  const bundle = (await sigstore.attest({ sha256: DIGEST })) as {
    dsseEnvelope: { payload: string; signatures: { sig: string }[] };
    verificationMaterial: { certificate: { rawBytes: string }; tlogEntries: { inclusionPromise: unknown }[] };
  };
  const forged = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8").replace(DIGEST, sha256("evil"));
  const changes: ((copy: typeof bundle) => void)[] = [
    (copy) => (copy.dsseEnvelope.payload = Buffer.from(forged).toString("base64")),
    (copy) => (copy.dsseEnvelope.signatures = copy.dsseEnvelope.signatures.map(({ sig }) => ({ sig: flipped(sig) }))),
    (copy) =>
      (copy.verificationMaterial.certificate.rawBytes = flipped(copy.verificationMaterial.certificate.rawBytes)),
    (copy) => (copy.verificationMaterial.tlogEntries = []),
  ];
  for (const [index, change] of changes.entries()) {
    const copy = structuredClone(bundle);
    change(copy);
    for (const digest of [DIGEST, sha256("evil")]) {
      const result = checkAttestation(copy, digest, WANTED, rootsOf(sigstore));
      assert.equal(typeof result, "string", `change ${index}`);
    }
  }
});

for (const [what, json] of [
  ["no bundle", {}],
  ["null", null],
  ["text", "x"],
] as const) {
  test(`refuses ${what} in words`, () => {
    assert.equal(typeof checkAttestation(json, DIGEST, WANTED, rootsOf(sigstore)), "string");
  });
}

test("the issuer is the server's own", () => {
  const issuerOf = (server: string) => identityOf(server, "a/b", "w", null).issuer;
  assert.equal(issuerOf("https://github.com"), "https://token.actions.githubusercontent.com");
  assert.equal(issuerOf("https://corp.ghe.com"), "https://token.actions.corp.ghe.com");
  assert.equal(issuerOf("https://github.corp.example"), "https://github.corp.example/_services/token");
});

/** Base64 with a bit of its middle byte turned. */
function flipped(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes.toString("base64");
}
