import { cp, mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Exec } from "../../ports/exec.ts";
import { diskError, exists } from "../../ports/files.ts";
import { DEFAULT_SOURCE_DATE } from "../../release/input.ts";
import type { PatchedFiles } from "../patches/stage.ts";
import { unpackSource } from "../source/pack.ts";
import type { MiopenSource } from "../source/stage.ts";
import type { BuildEnvironment } from "./environment.ts";
import { LEFT_OUT_SOURCES } from "./options.ts";

/**
 * Fills the environment's source folder with the patched source, once. Every file has the same old time, patched or not, so
 * that ccache and ninja go by content and by what was compiled.
 */
export async function prepareSource(
  { host }: BuildEnvironment,
  source: MiopenSource,
  patched: PatchedFiles,
  exec: Exec,
): Promise<void> {
  const done = join(dirname(host.source), "source-is-ready");
  if (await exists(done)) return;
  await rm(host.build, { recursive: true, force: true });
  await mkdir(join(host.build, "tmp"), { recursive: true });
  await empty(host.source);
  await unpackSource(source.packed, host.source, exec);
  try {
    await cp(patched.tree, host.source, { recursive: true, verbatimSymlinks: true, force: true });
  } catch (error) {
    throw diskError(error, host.source);
  }
  for (const name of patched.removed) await rm(join(host.source, name), { force: true });
  for (const name of source.files) {
    if (LEFT_OUT_SOURCES.test(name)) await rm(join(host.source, name), { force: true });
  }
  for (const entry of await readdir(patched.tree, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = join(entry.parentPath, entry.name).slice(patched.tree.length + 1);
    await utimes(join(host.source, name), DEFAULT_SOURCE_DATE, DEFAULT_SOURCE_DATE);
  }
  await writeFile(done, "");
}

/** Removes what is in a folder; the folder itself may be mounted. */
async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
