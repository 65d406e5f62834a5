import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { OWN_SOURCES } from "../../src/kernels/dialect.ts";
import { readFolders } from "../../src/miopen/patches/series.ts";
import { exists, readTextIfThere } from "../../src/ports/files.ts";
import { projectRoot } from "./context.ts";

/** The series of this project; each names its patches and what they hold by its digest. */
const SERIES = ["3.4", "3.5"] as const;

/**
 * Prefix of the newest library in a cache that `build` made of a series of this project. Where there is none, as after a patch
 * has been changed, the newest that has the kernels of the patches, which may be a control that lacks some of the others.
 */
export async function patchedInCache(root: string): Promise<string | null> {
  const stage = join(root, "stages/miopen");
  const own = await Promise.all(SERIES.map((version) => readFolders([join(projectRoot, "patches", version)])));
  const digests = new Set(own.map(({ digest }) => digest));
  const found: { prefix: string; made: number; isOwn: boolean }[] = [];
  for (const name of await readdir(stage).catch(() => [])) {
    const prefix = join(stage, name, "prefix");
    const library = join(prefix, "lib/libMIOpen.so.1");
    if (!(await exists(library))) continue;
    const content = await readFile(library);
    if (!Object.values(OWN_SOURCES).every((source) => content.includes(source))) continue;
    const record = JSON.parse((await readTextIfThere(join(stage, name, "stage.json"))) ?? "{}");
    found.push({ prefix, made: (await stat(library)).mtimeMs, isOwn: digests.has(record.parts?.series) });
  }
  return found.toSorted((a, b) => Number(b.isOwn) - Number(a.isOwn) || b.made - a.made)[0]?.prefix ?? null;
}
