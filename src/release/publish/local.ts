import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { userError } from "../../errors.ts";
import { sha256 } from "../../ports/files.ts";
import { compareNames, parseChecksums } from "../checksums.ts";
import type { FileFact, Manifest } from "../manifest.ts";
import { CHECKSUMS, verifyOutput } from "../output.ts";

/** A file that is to become a release asset. */
export interface LocalFile {
  name: string;
  /** Absolute */
  path: string;
  bytes: number;
  /** Lower-case hex */
  sha256: string;
}

/** An output folder that is whole: every file has the digest that SHA256SUMS and manifest.json say. */
export interface LocalRelease {
  manifest: Manifest;
  /** In the order of upload: the bill of materials and SHA256SUMS come last, for what is described must be there */
  files: readonly LocalFile[];
}

/** GitHub refuses assets of this many bytes or more. */
const ASSET_LIMIT = 2 ** 31;
const LAST = ["sbom.spdx.json", CHECKSUMS];

/** Reads and checks what `build` left. A user error when it is not whole, or has a file that GitHub does not take. */
export async function readLocalRelease(folder: string, limit = ASSET_LIMIT): Promise<LocalRelease> {
  const reason = await verifyOutput(folder);
  const again = "run the command build with the same output folder first";
  if (reason !== null) throw userError(`output: nothing can be published: ${reason}`, again);
  const text = await readFile(path.join(folder, CHECKSUMS), "utf8");
  const digests = new Map([...(parseChecksums(text) ?? []), [CHECKSUMS, sha256(text)]]);
  const files: LocalFile[] = [];
  for (const name of [...digests.keys()].sort(inOrder)) {
    const full = path.join(folder, name);
    files.push({ name, path: full, bytes: (await stat(full)).size, sha256: digests.get(name) ?? "" });
  }
  const large = files.find(({ bytes }) => bytes >= limit);
  if (large !== undefined) {
    throw userError(
      `${large.name} has ${large.bytes} bytes; GitHub takes release assets below ${limit} only`,
      "build for fewer targets at once, or a smaller kernel set",
    );
  }
  const manifest = JSON.parse(await readFile(path.join(folder, "manifest.json"), "utf8")) as Manifest;
  const untrue = untrueFact(manifest, files);
  if (untrue !== null) throw userError(`output: nothing can be published: ${untrue}`, again);
  if (manifest.proofs.cards?.some(({ standIn }) => standIn === true)) {
    throw userError(
      "output: nothing can be published: it was built in a test, where something else played the card",
      again,
    );
  }
  return { manifest, files };
}

/** What manifest.json says of a tarball and is not so, in words; else null. */
function untrueFact(manifest: Manifest, files: readonly LocalFile[]): string | null {
  if (manifest.schema !== 1) return "manifest.json is of a version that this program does not know";
  const facts: FileFact[] = [manifest.tarball, ...manifest.overlays];
  const wrong = facts.find(
    (fact) => !files.some((f) => f.name === fact.file && f.bytes === fact.bytes && f.sha256 === fact.sha256),
  );
  if (wrong !== undefined) return `${wrong.file} is not the file in manifest.json`;
  const told = new Set(facts.map(({ file }) => file));
  const untold = files.find(({ name }) => name.endsWith(".tar.zst") && !told.has(name));
  return untold === undefined ? null : `manifest.json does not know ${untold.name}`;
}

/** Tarballs before texts, so that the largest fail first; bill of materials and checksums last. */
function inOrder(a: string, b: string): number {
  const rank = (name: string) => (LAST.includes(name) ? 2 + LAST.indexOf(name) : name.endsWith(".tar.zst") ? 0 : 1);
  return rank(a) - rank(b) || compareNames(a, b);
}
