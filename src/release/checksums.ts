import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { sha256File } from "../ports/files.ts";
import type { FileFact } from "./manifest.ts";

/** Digests of a file, lower-case hex. SHA-1 is there because SPDX 2.3 asks for it, not as a proof of anything. */
export interface FileDigests {
  sha1: string;
  sha256: string;
}

/** The text of a `SHA256SUMS` file as `sha256sum -c` takes it, sorted by name. Names must be plain: no line break, no backslash. */
export function checksumsText(files: readonly Pick<FileFact, "file" | "sha256">[]): string {
  const lines = files.map(({ file, sha256 }) => {
    if (/[\n\r\\]/.test(file)) throw new Error(`a file name with a line break or backslash: ${JSON.stringify(file)}`);
    return `${sha256}  ${file}\n`;
  });
  return lines.sort((a, b) => compareNames(a.slice(66), b.slice(66))).join("");
}

/** Reads `SHA256SUMS`: name → digest. Null when a line is not one that `checksumsText` writes. */
export function parseChecksums(text: string): Map<string, string> | null {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const match = /^([0-9a-f]{64}) [ *]([^\\]+)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) return null;
    sums.set(match[2], match[1]);
  }
  return sums;
}

/** SHA-1 and SHA-256 of a file in one pass. */
export async function fileDigests(file: string): Promise<FileDigests> {
  const sha1 = createHash("sha1");
  const sha256 = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    sha1.update(chunk);
    sha256.update(chunk);
  }
  return { sha1: sha1.digest("hex"), sha256: sha256.digest("hex") };
}

/** Size and digest of `folder/file`. */
export async function fileFact(folder: string, file: string): Promise<FileFact> {
  const full = path.join(folder, file);
  return { file, bytes: (await stat(full)).size, sha256: await sha256File(full) };
}

/** Order of names by their bytes, whatever the locale. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
