import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type SbomInput, spdxDocument } from "../../src/release/sbom.ts";
import { licenseFields, packageUrl, spdxExpression, spdxId } from "../../src/release/sbom-fields.ts";
import { sampleToolchain, sha256 } from "./sample.ts";

const digests = (text: string) => ({ sha1: createHash("sha1").update(text).digest("hex"), sha256: sha256(text) });
const INPUT: SbomInput = {
  version: "0.1.0",
  name: "rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64",
  tarball: { file: "x.tar.zst", digests: digests("tarball") },
  files: ["activate", "share/miopen/db/gfx1010.kdb", "share-miopen/db/gfx1010.kdb"].map((file) => ({
    file,
    digests: digests(file),
    binary: file.endsWith(".kdb"),
  })),
  overlays: [
    { name: "rdna1-rocblas-gfx1011-rocm7.2.4", file: "o.tar.zst", digests: digests("o"), rocmVersion: "7.2.4" },
  ],
  miopen: { version: "3.5.1", source: "distribution" },
  toolchain: sampleToolchain("/nowhere"),
  sourceDate: 1_000_000_000,
};

/** The parts of an SPDX document that the tests look at. */
interface Document {
  [key: string]: unknown;
  SPDXID: string;
  creationInfo: { created: string; creators: string[] };
  packages: Record<string, unknown>[];
  files: Record<string, unknown>[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

const document = spdxDocument(INPUT) as unknown as Document;

test("has every field that SPDX 2.3 requires of a document, its packages and its files", () => {
  assert.equal(document.spdxVersion, "SPDX-2.3");
  assert.equal(document.dataLicense, "CC0-1.0");
  assert.equal(document.SPDXID, "SPDXRef-DOCUMENT");
  assert.match(String(document.documentNamespace), /^https:\/\/[^#\s]+$/);
  assert.deepEqual(document.creationInfo, { created: "2001-09-09T01:46:40Z", creators: ["Tool: rdna1-miopen-0.1.0"] });
  for (const entry of document.packages) {
    for (const field of ["SPDXID", "name", "downloadLocation"]) assert.ok(entry[field], `${field} of ${entry.name}`);
    if (entry.filesAnalyzed !== false) assert.ok(entry.packageVerificationCode);
  }
  for (const file of document.files) {
    const checksums = file.checksums as { algorithm: string; checksumValue: string }[];
    assert.deepEqual(
      checksums.map(({ algorithm }) => algorithm),
      ["SHA1", "SHA256"],
    );
    assert.match(String(file.fileName), /^\.\//);
  }
});

test("identifiers are legal, unique, and every relationship points at one that is there", () => {
  const ids = ["SPDXRef-DOCUMENT", ...[...document.packages, ...document.files].map(({ SPDXID }) => String(SPDXID))];
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  assert.equal(new Set(ids).size, ids.length);
  for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
    assert.ok(ids.includes(spdxElementId) && ids.includes(relatedSpdxElement));
  }
});

test("says what was built with what: tools, MIOpen, and kernels that come from MIOpen", () => {
  const has = (type: string) =>
    document.relationships.filter(({ relationshipType }) => relationshipType === type).length;
  assert.equal(has("BUILD_TOOL_OF"), INPUT.toolchain.packages.length);
  assert.equal(has("CONTAINS"), INPUT.files.length);
  assert.equal(has("DEPENDS_ON"), 1);
  assert.equal(has("GENERATED_FROM"), 2);
  assert.equal(has("DESCRIBES"), 2);
});

test("the verification code is the SHA-1 of the sorted SHA-1 values", () => {
  const joined = INPUT.files
    .map((entry) => entry.digests.sha1)
    .sort()
    .join("");
  assert.deepEqual(document.packages[0]?.packageVerificationCode, {
    packageVerificationCodeValue: createHash("sha1").update(joined).digest("hex"),
  });
});

test("the same build gives the same document, another one another namespace", () => {
  assert.deepEqual(spdxDocument(INPUT), spdxDocument(structuredClone(INPUT)));
  const other = spdxDocument({ ...INPUT, tarball: { file: "x.tar.zst", digests: digests("other") } });
  assert.notEqual(other.documentNamespace, document.documentNamespace);
});

test("two names that look alike after cleaning keep different identifiers", () => {
  assert.notEqual(spdxId("File", "a/b"), spdxId("File", "a-b"));
  assert.notEqual(spdxId("File", "a/b"), spdxId("File", "a_b"));
});

test("Debian packages have a purl with their version encoded, others none", () => {
  const entry = { name: "libstdc++6", version: "1:16~1+dfsg-2" };
  assert.equal(packageUrl("debian", entry), "pkg:deb/debian/libstdc%2B%2B6@1%3A16~1%2Bdfsg-2?arch=amd64");
  assert.equal(packageUrl("system", entry), null);
});

test("licences become SPDX expressions where they are known, and a comment where not", () => {
  assert.equal(spdxExpression("Expat and BSD-3-clause"), "MIT AND BSD-3-Clause");
  assert.equal(spdxExpression("GPL-2+ or Expat"), "GPL-2.0-or-later OR MIT");
  assert.equal(spdxExpression("Expat and mine"), null);
  assert.deepEqual(licenseFields("see the file"), {
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    licenseComments: "as stated by the archive: see the file",
  });
});
