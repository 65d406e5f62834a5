import { createHash } from "node:crypto";
import type { Toolchain } from "../toolchain/toolchain.ts";
import type { FileDigests } from "./checksums.ts";
import { licenseFields, packageUrl, spdxId } from "./sbom-fields.ts";

/** What an SPDX document is written from. */
export interface SbomInput {
  /** Version of this project */
  version: string;
  /** Name of the main tarball without its ending */
  name: string;
  tarball: { file: string; digests: FileDigests };
  /** Every regular file inside the tarball */
  files: readonly PackagedFile[];
  /** Overlay tarballs */
  overlays: readonly { name: string; file: string; digests: FileDigests; rocmVersion: string }[];
  miopen: { version: string; source: string };
  toolchain: Pick<Toolchain, "kind" | "rocmVersion" | "packages">;
  /** Unix seconds */
  sourceDate: number;
}

export interface SbomFile {
  file: string;
  digests: FileDigests;
}

/** A file inside the tarball. */
export interface PackagedFile extends SbomFile {
  /** Compiled from MIOpen: a kernel database, the library, a program. Everything else is text */
  binary: boolean;
}

const OURS = "SPDXRef-Package-rdna1-miopen";
const MIOPEN = "SPDXRef-Package-MIOpen";
const MIT = { licenseConcluded: "MIT", licenseDeclared: "MIT" } as const;
const AMD = "Copyright Advanced Micro Devices, Inc.";

/**
 * An SPDX 2.3 document [SPDX 2.3, clauses 6, 7, 8, 11]: our package with every file of the tarball, MIOpen, and the
 * toolchain's packages as build tools. It depends on the arguments only, so the same build gives the same document.
 */
export function spdxDocument(input: SbomInput): Record<string, unknown> {
  const files = input.files.map(fileElement);
  const tools = input.toolchain.packages.map((entry) => {
    const url = packageUrl(input.toolchain.kind, entry);
    return {
      SPDXID: spdxId("Tool", `${entry.name}-${entry.version}`),
      name: entry.name,
      versionInfo: entry.version,
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      ...licenseFields(entry.license),
      copyrightText: "NOASSERTION",
      ...(entry.sha256 === null ? {} : { checksums: [{ algorithm: "SHA256", checksumValue: entry.sha256 }] }),
      ...(url === null
        ? {}
        : {
            externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: url }],
          }),
    };
  });
  const overlays = input.overlays.map((overlay) => ({
    SPDXID: spdxId("Package", overlay.name),
    name: overlay.name,
    versionInfo: overlay.rocmVersion,
    packageFileName: overlay.file,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    ...MIT,
    copyrightText: AMD,
    checksums: checksums(overlay.digests),
    comment: "rocBLAS code objects of the toolchain with the machine field changed to another target",
  }));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: input.name,
    documentNamespace: `https://spdx.org/spdxdocs/${input.name}-${namespaceDigest(input)}`,
    creationInfo: {
      created: new Date(input.sourceDate * 1000).toISOString().replace(".000Z", "Z"),
      creators: [`Tool: rdna1-miopen-${input.version}`],
    },
    packages: [ourPackage(input, files), miopenPackage(input), ...overlays, ...tools],
    files,
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", OURS),
      ...overlays.map(({ SPDXID }) => relation("SPDXRef-DOCUMENT", "DESCRIBES", SPDXID)),
      ...files.map(({ SPDXID }) => relation(OURS, "CONTAINS", SPDXID)),
      relation(OURS, "DEPENDS_ON", MIOPEN),
      ...files
        .filter(({ fileTypes }) => fileTypes.includes("BINARY"))
        .map(({ SPDXID }) => relation(SPDXID, "GENERATED_FROM", MIOPEN)),
      ...tools.map(({ SPDXID }) => relation(SPDXID, "BUILD_TOOL_OF", OURS)),
    ],
  };
}

function ourPackage(input: SbomInput, files: readonly ReturnType<typeof fileElement>[]) {
  return {
    SPDXID: OURS,
    name: "rdna1-miopen",
    versionInfo: input.version,
    packageFileName: input.tarball.file,
    primaryPackagePurpose: "INSTALL",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: true,
    packageVerificationCode: { packageVerificationCodeValue: verificationCode(input.files) },
    licenseInfoFromFiles: ["MIT"],
    ...MIT,
    copyrightText: "NOASSERTION",
    checksums: checksums(input.tarball.digests),
    hasFiles: files.map(({ SPDXID }) => SPDXID),
  };
}

function miopenPackage(input: SbomInput) {
  const location = /^(https?|git\+https):\/\/\S+$/.test(input.miopen.source) ? input.miopen.source : "NOASSERTION";
  return {
    SPDXID: MIOPEN,
    name: "MIOpen",
    versionInfo: input.miopen.version,
    primaryPackagePurpose: "LIBRARY",
    supplier: "Organization: Advanced Micro Devices, Inc.",
    downloadLocation: location,
    filesAnalyzed: false,
    ...MIT,
    copyrightText: AMD,
    comment: `taken from: ${input.miopen.source}`,
  };
}

function fileElement({ file, digests, binary }: PackagedFile) {
  return {
    SPDXID: spdxId("File", file),
    fileName: `./${file}`,
    fileTypes: [binary ? "BINARY" : "TEXT"],
    checksums: checksums(digests),
    licenseConcluded: "MIT",
    licenseInfoInFiles: [binary ? "NOASSERTION" : "MIT"],
    copyrightText: binary ? AMD : "NOASSERTION",
  };
}

function checksums({ sha1, sha256 }: FileDigests) {
  return [
    { algorithm: "SHA1", checksumValue: sha1 },
    { algorithm: "SHA256", checksumValue: sha256 },
  ];
}

/** SHA-1 of the files' SHA-1 values, sorted and joined [SPDX 2.3, 7.9]. */
function verificationCode(files: readonly SbomFile[]): string {
  const digests = files.map(({ digests }) => digests.sha1).sort();
  return createHash("sha1").update(digests.join("")).digest("hex");
}

function namespaceDigest(input: SbomInput): string {
  return createHash("sha256").update(JSON.stringify(input)).digest("hex").slice(0, 32);
}

function relation(from: string, type: string, to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}
