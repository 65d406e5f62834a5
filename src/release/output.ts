import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { codeOf, userError } from "../errors.ts";
import { diskError, readTextIfThere, sha256File } from "../ports/files.ts";
import { parseChecksums } from "./checksums.ts";

export const CHECKSUMS = "SHA256SUMS";
const FIXED_NAMES = ["manifest.json", "proofs.json", "report.html", "sbom.spdx.json"];
const TARBALL_NAME = /^rdna1-(miopen|rocblas)-[A-Za-z0-9._+~-]+\.tar\.zst$/;
const PARTIAL_NAME = /^\.rdna1-miopen-partial-(\d+)$/;

/**
 * Whether an output folder is whole and true: null when every file that a build leaves is listed in SHA256SUMS and has
 * the digest that is written there, else the reason why not, in words.
 */
export async function verifyOutput(folder: string): Promise<string | null> {
  try {
    const text = await readTextIfThere(path.join(folder, CHECKSUMS));
    if (text === null) return `there is no ${CHECKSUMS} in ${folder}`;
    const sums = parseChecksums(text);
    if (sums === null) return `${CHECKSUMS} has a line that is no checksum`;
    const missing = FIXED_NAMES.find((name) => !sums.has(name));
    if (missing !== undefined) return `${CHECKSUMS} does not list ${missing}`;
    const foreign = [...sums.keys()].find((name) => !isOurName(name));
    if (foreign !== undefined) return `${CHECKSUMS} lists ${foreign}, which is no file of a build`;
    for (const [name, digest] of sums) {
      if ((await sha256File(path.join(folder, name))) !== digest) return `${name} is not the file in ${CHECKSUMS}`;
    }
    const unlisted = tarballsOf(await readTextIfThere(path.join(folder, "manifest.json"))).find(
      (name) => !sums.has(name),
    );
    return unlisted === undefined ? null : `${CHECKSUMS} does not list ${unlisted}`;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return `${(error as { path?: string }).path ?? folder} cannot be read (${code})`;
  }
}

/** Refuses to work in a folder whose manifest.json or SHA256SUMS is somebody else's. */
export async function assertOurs(folder: string): Promise<void> {
  const manifest = await readTextIfThere(path.join(folder, "manifest.json"));
  const sums = await readTextIfThere(path.join(folder, CHECKSUMS));
  // A damaged file of ours still says so somewhere; an empty one is nobody's loss
  const ours = (text: string | null) => text === null || text.trim() === "" || /rdna1-miopen/.test(text);
  if ((ours(manifest) && ours(sums)) || (sums !== null && sums !== "" && ours(sums))) return;
  const name = ours(manifest) ? CHECKSUMS : "manifest.json";
  throw userError(
    `output: ${path.join(folder, name)} was not written by this program and would be overwritten`,
    "choose an empty folder with --output, or move the file away",
  );
}

/**
 * Moves finished files into the output folder: everything but SHA256SUMS first, then what an earlier build left and
 * this one does not have goes away, then SHA256SUMS. Killed anywhere between, the old or missing SHA256SUMS does not fit.
 */
export async function publishFiles(from: string, folder: string, files: readonly string[]): Promise<void> {
  const stale = await earlierFiles(folder);
  for (const file of files) await rename(path.join(from, file), path.join(folder, file));
  for (const file of stale) {
    if (!files.includes(file)) await rm(path.join(folder, file), { force: true });
  }
  await rename(path.join(from, CHECKSUMS), path.join(folder, CHECKSUMS));
}

/**
 * An empty working folder inside an output folder, where a rename is one step. Those of runs that were killed go away; one with
 * this process's own number is of such a run, too: in a container every run is process 1.
 */
export async function makePartial(folder: string): Promise<string> {
  for (const name of await readdir(folder)) {
    const pid = Number(PARTIAL_NAME.exec(name)?.[1] ?? Number.NaN);
    if (pid === process.pid || (!Number.isNaN(pid) && !isRunning(pid)))
      await rm(path.join(folder, name), { recursive: true, force: true });
  }
  const partial = path.join(folder, `.rdna1-miopen-partial-${process.pid}`);
  await mkdir(partial).catch((error: unknown) => {
    throw diskError(error, folder);
  });
  return partial;
}

/** Files of ours that the folder's SHA256SUMS or manifest.json tells of. */
async function earlierFiles(folder: string): Promise<string[]> {
  const sums = parseChecksums((await readTextIfThere(path.join(folder, CHECKSUMS))) ?? "");
  const manifest = await readTextIfThere(path.join(folder, "manifest.json"));
  return [...new Set([...(sums?.keys() ?? []), ...tarballsOf(manifest)])].filter(isOurName);
}

/** Names of the tarballs in a manifest; none when it cannot be read. */
function tarballsOf(manifest: string | null): string[] {
  try {
    const { tarball, overlays } = JSON.parse(manifest ?? "{}") as {
      tarball?: { file?: unknown };
      overlays?: { file?: unknown }[];
    };
    return [tarball, ...(overlays ?? [])].map((fact) => fact?.file).filter((file) => typeof file === "string");
  } catch {
    return [];
  }
}

function isOurName(name: string): boolean {
  return FIXED_NAMES.includes(name) || TARBALL_NAME.test(name);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
