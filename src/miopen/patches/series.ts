import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { codeOf, userError } from "../../errors.ts";
import type { PatchChoice } from "../../inputs.ts";
import { exists, sha256 } from "../../ports/files.ts";
import { type ParsedPatch, parsePatch } from "./parse.ts";

/** One patch of a series. */
export interface Patch extends ParsedPatch {
  /** `0001-….patch` */
  name: string;
  /** Absolute path */
  path: string;
  /** Latin-1, one character a byte: what a patch changes need not be UTF-8 */
  text: string;
  sha256: string;
  strip: number;
}

/** Patches in the order in which they are applied. */
export interface Series {
  patches: readonly Patch[];
  /** `# version: 3` of the series file, 1 where there is none; part of the package's name */
  version: number;
  /** Folder of each part, for messages */
  folders: readonly string[];
  /** Changes with any patch, their order and their `-p` */
  digest: string;
}

/** A line of a `series` file, as quilt has it: a name, perhaps `-p0` or `-p1`, perhaps a comment. */
export interface SeriesLine {
  line: number;
  name: string;
  strip: number;
}

/** Reads the text of a `series` file; throws a user error with file and line for what is not understood. */
export function parseSeries(text: string, file: string): { lines: SeriesLine[]; version: number } {
  const lines: SeriesLine[] = [];
  const version = Number(/^#\s*version:\s*(\d+)\s*$/m.exec(text)?.[1] ?? 1);
  for (const [index, raw] of text.split("\n").entries()) {
    const [name, ...options] = raw
      .replace(/(^|\s)#.*$/, "")
      .split(/\s+/)
      .filter((word) => word !== "");
    if (name === undefined) continue;
    const strip = /^-p([01])$/.exec(options[0] ?? "-p1")?.[1];
    const bad = strip === undefined ? options[0] : options[1];
    if (bad !== undefined || strip === undefined) {
      throw userError(
        `${file}:${index + 1}: '${bad}' is not understood`,
        "a line is a patch's name and perhaps -p0 or -p1",
      );
    }
    if (name.startsWith("/") || name.split("/").includes("..")) {
      throw userError(`${file}:${index + 1}: '${name}' leads out of the folder`, "patches lie beside their series");
    }
    if (lines.some((known) => known.name === name)) {
      throw userError(`${file}:${index + 1}: '${name}' is there twice`, "name each patch once");
    }
    lines.push({ line: index + 1, name, strip: Number(strip) });
  }
  return { lines, version };
}

/** The patches for a MIOpen version: this program's, a user's, or one after the other. */
export async function chooseSeries(projectRoot: string, version: string, choice: PatchChoice): Promise<Series> {
  const own = choice.bundled ? await bundledFolder(projectRoot, version) : null;
  return await readFolders([own, choice.folder].filter((folder) => folder !== null));
}

/** The patches of several folders, one after the other. */
export async function readFolders(folders: readonly string[]): Promise<Series> {
  const parts = [];
  for (const folder of folders) parts.push(await readSeries(folder));
  const patches = parts.flatMap((part) => part.patches);
  return {
    patches,
    version: parts[0]?.version ?? 1,
    folders,
    digest: sha256(JSON.stringify(patches.map(({ name, strip, sha256: digest }) => [basename(name), strip, digest]))),
  };
}

/**
 * The version whose patches are to be tried on a MIOpen: its own, or where it is newer than every series of this program,
 * the newest of them.
 */
export async function versionToTry(projectRoot: string, version: string, { bundled }: PatchChoice): Promise<string> {
  if (!bundled || (await findBundled(projectRoot, version)) !== null) return version;
  const newest = (await bundledVersions(projectRoot)).at(-1);
  return newest !== undefined && compareVersions(newest, version) < 0 ? newest : version;
}

/** Versions of this program's series, oldest first. */
async function bundledVersions(projectRoot: string): Promise<string[]> {
  const names = await readdir(join(projectRoot, "patches")).catch(() => []);
  return names.filter((name) => /^\d/.test(name)).sort(compareVersions);
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** `patches/3.5.1` where there is one, else `patches/3.5`. */
async function findBundled(projectRoot: string, version: string): Promise<string | null> {
  for (const name of [version, version.split(".").slice(0, 2).join(".")]) {
    const folder = join(projectRoot, "patches", name);
    if (await exists(join(folder, "series"))) return folder;
  }
  return null;
}

async function bundledFolder(projectRoot: string, version: string): Promise<string> {
  const found = await findBundled(projectRoot, version);
  if (found !== null) return found;
  const names = await bundledVersions(projectRoot);
  throw userError(
    `patches: there is no series for MIOpen ${version}${names.length === 0 ? "" : `; there are ${names.join(", ")}`}`,
    "give a folder of your own with patches, or a source of another version with miopen-source",
  );
}

/** Names of files are UTF-8, as everywhere else. */
function withNames({ touched, hunks, fault }: ParsedPatch): ParsedPatch {
  const named = (text: string) => Buffer.from(text, "latin1").toString("utf8");
  return {
    touched: touched.map(named),
    hunks: hunks.map((hunk) => ({ ...hunk, file: named(hunk.file) })),
    fault: fault && named(fault),
  };
}

async function readSeries(folder: string): Promise<{ patches: Patch[]; version: number }> {
  const file = join(folder, "series");
  const list = await readFile(file, "utf8").catch((error) => {
    throw userError(
      `patches: ${file} cannot be read (${codeOf(error) ?? String(error)})`,
      "give a folder with a file `series` that names its patches in order",
      error,
    );
  });
  const { lines, version } = parseSeries(list, file);
  const patches: Patch[] = [];
  for (const { name, strip, line } of lines) {
    const path = join(folder, name);
    const bytes = await readFile(path).catch((error) => {
      throw userError(
        `${file}:${line}: ${name} cannot be read (${codeOf(error) ?? String(error)})`,
        "correct the series",
      );
    });
    const text = bytes.toString("latin1");
    const parsed = withNames(parsePatch(text, strip));
    if (parsed.fault !== null) {
      throw userError(`patches: ${path} cannot be used: ${parsed.fault}`, "make it with diff -u or git format-patch");
    }
    patches.push({ name, path, text, sha256: sha256(bytes), strip, ...parsed });
  }
  return { patches, version };
}
