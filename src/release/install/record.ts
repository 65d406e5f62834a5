import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { machineError } from "../../errors.ts";
import { readTextIfThere, sha256File, writeWhole } from "../../ports/files.ts";
import { compareNames } from "../checksums.ts";
import type { PrefixManifest } from "../manifest.ts";
import { PREFIX_MANIFEST } from "../prefix.ts";
import type { PackageOrigin } from "./origins.ts";

/** Where an installed tree keeps its record. */
export const RECORD = "share/rdna1-miopen/installed.json";

/** What was installed, from where the last time, and what every file of it was when that was done. */
export interface InstallRecord extends PackageOrigin {
  schema: 1;
  /** Digests of everything that was unpacked; names the folder in the cache */
  key: string;
  /** Name of the package, without ending */
  name: string;
  sha256: string;
  /** Where the same bytes came from before, the latest first */
  earlier?: readonly PackageOrigin[];
  /** What the package holds, of its manifest */
  manifest: Pick<PrefixManifest, "buildId" | "miopen" | "rocm" | "targets" | "kernels" | "library">;
  files: readonly RecordedFile[];
  links: readonly { path: string; to: string }[];
}

interface RecordedFile {
  path: string;
  bytes: number;
  sha256: string;
  /** Inode, and nanoseconds of the last change of content and of inode: as in git's index, what has none of them changed is the same */
  state: string;
}

export type RecordFacts = Omit<InstallRecord, "schema" | "files" | "links" | "manifest">;

/** Writes the record of a tree that has just been unpacked or copied, and returns it. */
export async function writeRecord(folder: string, facts: RecordFacts): Promise<InstallRecord> {
  const manifest = await innerManifest(folder, facts.name);
  const digests = new Map(manifest.files.map(({ file, sha256 }) => [file, sha256]));
  const files: RecordedFile[] = [];
  const links: { path: string; to: string }[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const path = relative(folder, full);
    if (path === RECORD || entry.isDirectory()) continue;
    if (entry.isSymbolicLink()) {
      links.push({ path, to: await readlink(full) });
      continue;
    }
    files.push({ path, ...(await stateOf(full)), sha256: digests.get(path) ?? (await sha256File(full)) });
  }
  const { buildId, miopen, rocm, targets, kernels, library } = manifest;
  const record: InstallRecord = {
    schema: 1,
    ...facts,
    manifest: { buildId, miopen, rocm: { ...rocm, packages: [] }, targets, kernels, library },
    files: files.sort((a, b) => compareNames(a.path, b.path)),
    links: links.sort((a, b) => compareNames(a.path, b.path)),
  };
  await writeWhole(join(folder, RECORD), recordText(record));
  return record;
}

export function recordText(record: InstallRecord): string {
  return `${JSON.stringify(record, null, 1)}\n`;
}

/** The record of an installed tree that is whole; else, in words, what is wrong with it, or `none`. */
export async function readRecord(folder: string): Promise<InstallRecord | string> {
  const text = await readTextIfThere(join(folder, RECORD)).catch(() => null);
  if (text === null) return "none";
  let record: InstallRecord;
  try {
    record = JSON.parse(text) as InstallRecord;
  } catch {
    return `${RECORD} is damaged`;
  }
  if (record.schema !== 1) return `${RECORD} is of another version`;
  for (const file of record.files) {
    const full = join(folder, file.path);
    const now = await stateOf(full).catch(() => null);
    if (now === null || now.bytes !== file.bytes) return `${file.path} is missing or has another size`;
    if (now.state !== file.state && (await sha256File(full)) !== file.sha256) return `${file.path} was changed`;
  }
  for (const { path, to } of record.links) {
    if ((await readlink(join(folder, path)).catch(() => null)) !== to) return `the link ${path} was changed`;
  }
  return record;
}

async function stateOf(path: string): Promise<{ bytes: number; state: string }> {
  const { size, ino, mtimeNs, ctimeNs } = await lstat(path, { bigint: true });
  return { bytes: Number(size), state: `${ino}-${mtimeNs}-${ctimeNs}` };
}

/** The manifest inside a tree. Its files must be there with their sizes: a name beside them is no proof. */
async function innerManifest(folder: string, name: string): Promise<PrefixManifest> {
  const wrong = (what: string) =>
    machineError(
      `${name} is no package of this program: ${what}`,
      "nothing was installed; take a tarball that the command build has made",
    );
  const text = await readFile(join(folder, PREFIX_MANIFEST), "utf8").catch(() => {
    throw wrong(`it has no ${PREFIX_MANIFEST}`);
  });
  let manifest: PrefixManifest;
  try {
    manifest = JSON.parse(text) as PrefixManifest;
  } catch {
    throw wrong(`${PREFIX_MANIFEST} is no JSON`);
  }
  if (manifest.schema !== 1 || manifest.name !== name) throw wrong(`${PREFIX_MANIFEST} is for ${manifest.name}`);
  for (const { file, bytes } of manifest.files) {
    const size = await lstat(join(folder, file)).then(
      (found) => (found.isFile() ? found.size : -1),
      () => -1,
    );
    if (size !== bytes) throw wrong(`${file} is not the file that its manifest tells of`);
  }
  return manifest;
}
