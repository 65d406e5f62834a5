import { constants } from "node:fs";
import { access, cp, readdir, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ensureFolder } from "../../cache/folder.ts";
import { withLock } from "../../cache/lock.ts";
import { codeOf, messageOf, RdnaError, userError } from "../../errors.ts";
import { diskError, exists } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { originOf } from "./origins.ts";
import { type InstallRecord, RECORD, readRecord, writeRecord } from "./record.ts";
import { besideName, removeLeftovers, replaceFolder, type Stored } from "./store.ts";

const OTHER_PREFIX =
  "choose a prefix below a folder that you may write, or leave prefix out and use the package from the cache";

/** An installed package in the folder that it is used from. */
export type Placed = Stored;

/**
 * Copies a package out of the cache into `prefix`, aside first and then renamed: a reader finds the old tree or the new one.
 * The same package is left as it is, which takes no right to write there. Refuses a folder that holds anything but an earlier
 * installation.
 *
 * The lock lies beside the prefix, where every run finds it, whatever its cache folder is.
 */
export async function placeIn(prefix: string, stored: Stored, log: Log): Promise<Placed> {
  const folder = await realpath(prefix).catch(() => prefix);
  const there = await placedIn(folder, stored, log);
  if (there !== null) return there;
  await makeHome(folder);
  return await withLock(
    lockOf(folder),
    async () => {
      const made = await placedIn(folder, stored, log);
      if (made !== null) return made;
      const record = await copied(stored, folder);
      log.info(`${record.name} is in ${folder}`);
      return { folder, record, hit: false };
    },
    { log, remedy: OTHER_PREFIX },
  );
}

/** The lock of a prefix: a hidden file beside it, which stays. */
function lockOf(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}.rdna1-miopen.lock`);
}

/** What a prefix holds when that is this very package; null when there is room for it. */
async function placedIn(folder: string, stored: Stored, log: Log): Promise<Placed | null> {
  const found = await readRecord(folder);
  if (typeof found !== "string" && found.key === stored.record.key) {
    log.info(`${found.name} is in ${folder} already`);
    return { folder, record: { ...found, ...originOf(stored.record) }, hit: true };
  }
  if (found === "none") await refuseForeign(folder);
  return null;
}

/** The folder that holds a prefix, its lock, and what is on its way in and out. */
async function makeHome(folder: string): Promise<void> {
  try {
    await ensureFolder(dirname(folder));
    await access(dirname(folder), constants.W_OK);
  } catch (error) {
    throw prefixError(error, folder);
  }
}

async function copied(stored: Stored, folder: string): Promise<InstallRecord> {
  const aside = besideName(folder);
  try {
    await removeLeftovers(folder);
    const skipped = join(stored.folder, RECORD);
    // With what a run that has just used the package from the cache writes beside it and renames
    const filter = (from: string) => !from.startsWith(skipped);
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
  // The record came in the meantime where another run has just finished
  if (names.length === 0 || (await exists(join(folder, RECORD)))) return;
  throw userError(
    `prefix: ${folder} holds something else (${names.slice(0, 3).join(", ")}) and would be replaced`,
    "choose a folder that does not exist yet, or move what is there away",
  );
}

function prefixError(error: unknown, folder: string): unknown {
  if (error instanceof RdnaError) return error;
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "EBUSY"].includes(codeOf(error) ?? "")) {
    return userError(`prefix: cannot put anything into ${dirname(folder)}: ${messageOf(error)}`, OTHER_PREFIX, error);
  }
  return diskError(error, folder);
}
