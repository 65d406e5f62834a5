import { createHash } from "node:crypto";
import type { Toolchain, ToolchainPackage } from "../toolchain/toolchain.ts";

/**
 * An SPDX identifier: `SPDXRef-` and letters, digits, `.` and `-`. What is replaced is made up for by a digest, so that two names
 * never share an identifier.
 */
export function spdxId(kind: "File" | "Package" | "Tool", name: string): string {
  const plain = name.replace(/[^A-Za-z0-9.-]/g, "-");
  const mark = plain === name ? "" : `-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
  return `SPDXRef-${kind}-${plain}${mark}`;
}

/** purl of a Debian package; null where the toolchain is no set of Debian packages. */
export function packageUrl(kind: Toolchain["kind"], entry: Pick<ToolchainPackage, "name" | "version">): string | null {
  if (kind !== "debian") return null;
  const arch = "amd64"; // `all` packages too are taken from the amd64 index
  return `pkg:deb/debian/${encodeURIComponent(entry.name)}@${encodeURIComponent(entry.version)}?arch=${arch}`;
}

/** Licence fields of a package whose archive states `license`, which need not be an SPDX expression. */
export function licenseFields(license: string | null): Record<string, string> {
  const fields = { licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION" };
  if (license === null || license.trim() === "") return fields;
  const expression = spdxExpression(license);
  if (expression !== null) return { ...fields, licenseDeclared: expression };
  return { ...fields, licenseComments: `as stated by the archive: ${license}` };
}

/** Short names of Debian's copyright files, and the SPDX identifiers that appear in ROCm's packages. */
const IDENTIFIERS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["Expat", "MIT"],
    ["MIT", "MIT"],
    ["NCSA", "NCSA"],
    ["Apache-2.0", "Apache-2.0"],
    ["APACHE-2-LLVM-EXCEPTIONS", "Apache-2.0 WITH LLVM-exception"],
    ["Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"],
    ["Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"],
    ["BSD-2-Clause", "BSD-2-Clause"],
    ["BSD-3-Clause", "BSD-3-Clause"],
    ["BSL-1.0", "BSL-1.0"],
    ["ISC", "ISC"],
    ["Zlib", "Zlib"],
    ["GPL-2", "GPL-2.0-only"],
    ["GPL-2+", "GPL-2.0-or-later"],
    ["GPL-3", "GPL-3.0-only"],
    ["GPL-3+", "GPL-3.0-or-later"],
    ["LGPL-2.1", "LGPL-2.1-only"],
    ["LGPL-2.1+", "LGPL-2.1-or-later"],
    ["LGPL-3", "LGPL-3.0-only"],
    ["LGPL-3+", "LGPL-3.0-or-later"],
  ].map(([from, to]) => [from?.toLowerCase(), to]),
);

/** A Debian-style licence (`Expat and BSD-3-clause`) as an SPDX expression; null when a part is not known. */
export function spdxExpression(license: string): string | null {
  const words = license.trim().split(/\s+(and|or|AND|OR)\s+/);
  const parts = words.map((word, index) =>
    index % 2 === 1 ? word.toUpperCase() : (IDENTIFIERS[word.toLowerCase()] ?? null),
  );
  return parts.includes(null) ? null : parts.join(" ");
}
