import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "../errors.ts";

/**
 * Makes a folder and those above it. Node's own `mkdir(…, {recursive: true})` never returns where a file system refuses new
 * folders with ENOENT, as /proc does (seen with 24.21); this throws the ENOENT.
 */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") {
      if ((await stat(path)).isDirectory()) return;
      throw error;
    }
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw error;
    const known = await stat(parent).then(
      () => true,
      () => false,
    );
    if (!known) await ensureFolder(parent);
    // The parent is there now, by this process or by another one: a second ENOENT is the file system's refusal.
    await mkdir(path).catch((again) => {
      if (codeOf(again) !== "EEXIST") throw again;
    });
  }
}
