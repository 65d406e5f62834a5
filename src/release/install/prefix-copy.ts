import { constants } from "node:fs";
import { cp, readdir, realpath, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureFolder } from "../../cache/folder.ts";
import { withLock } from "../../cache/lock.ts";
import { codeOf, messageOf, RdnaError, userError } from "../../errors.ts";
import { asideOf, diskError, exists, sha256 } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { type InstallRecord, RECORD, readRecord, writeRecord } from "./record.ts";
import { removeLeftovers, replaceFolder, type Stored, storeFolder } from "./store.ts";

/** An installed package in the folder that it is used from. */
export type Placed = Stored;

/**
 * Copies a package out of the cache into `prefix`, aside first and then renamed: a reader finds the old tree or the new one.
 * The same package is left as it is. Refuses a folder that holds anything but an earlier installation.
 */
export async function placeIn(prefix: string, stored: Stored, cacheRoot: string, log: Log): Promise<Placed> {
  const folder = await realpath(prefix).catch(() => prefix);
  const lock = join(storeFolder(cacheRoot), `prefix-${sha256(folder).slice(0, 16)}.lock`);
  return await withLock(
    lock,
    async () => {
      const found = await readRecord(folder);
      if (typeof found !== "string" && found.key === stored.record.key) {
        log.info(`${found.name} is in ${folder} already`);
        return { folder, record: { ...found, attested: stored.record.attested }, hit: true };
      }
      if (found === "none") await refuseForeign(folder);
      const record = await copied(stored, folder);
      log.info(`${record.name} is in ${folder}`);
      return { folder, record, hit: false };
    },
    { log },
  );
}

async function copied(stored: Stored, folder: string): Promise<InstallRecord> {
  const aside = asideOf(folder);
  try {
    await ensureFolder(dirname(folder));
    await removeLeftovers(folder);
    const skipped = join(stored.folder, RECORD);
    const filter = (from: string) => from !== skipped;
    // Where the file system can, the copy shares its blocks with the cache
    await cp(stored.folder, aside, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter,
    });
    const { key, name, sha256: digest, from, tag, page, attested } = stored.record;
    const record = await writeRecord(aside, { key, name, sha256: digest, from, tag, page, attested });
    await replaceFolder(aside, folder);
    return record;
  } catch (error) {
    throw prefixError(error, folder);
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => {});
  }
}

async function refuseForeign(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  const names = await readdir(folder).catch(() => ["(no folder)"]);
  if (names.length === 0) return;
  throw userError(
    `prefix: ${folder} holds something else (${names.slice(0, 3).join(", ")}) and would be replaced`,
    "choose a folder that does not exist yet, or move what is there away",
  );
}

function prefixError(error: unknown, folder: string): unknown {
  if (error instanceof RdnaError) return error;
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "EBUSY"].includes(codeOf(error) ?? "")) {
    return userError(
      `prefix: cannot put anything into ${dirname(folder)}: ${messageOf(error)}`,
      "choose a prefix below a folder that you may write, or leave prefix out and use the package from the cache",
      error,
    );
  }
  return diskError(error, folder);
}
