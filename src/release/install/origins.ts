import { join } from "node:path";
import { codeOf, messageOf, RdnaError } from "../../errors.ts";
import { writeWhole } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import type { Attested } from "./attestation.ts";
import { type InstallRecord, RECORD, readRecord, recordText } from "./record.ts";

/** Where a package has come from, and what that has proven. */
export interface PackageOrigin {
  /** In words, e.g. `release v1.2.3 of org/kernels` */
  from: string;
  tag: string | null;
  page: string | null;
  /** null: not proven */
  attested: Attested | null;
}

/** Places that a record remembers: the same bytes may be in several releases, and a folder of one's own. */
const MOST = 20;

/** Where the bytes of a package have come from, the latest first. */
export function originsOf(record: InstallRecord): readonly PackageOrigin[] {
  return [originOf(record), ...(record.earlier ?? [])];
}

export function originOf({ from, tag, page, attested }: PackageOrigin): PackageOrigin {
  return { from, tag, page, attested };
}

/** The record of the same bytes that have come from `origin` this time. */
export function withOrigin(record: InstallRecord, origin: PackageOrigin): InstallRecord {
  const earlier = originsOf(record).filter(({ from }) => from !== origin.from);
  return { ...record, ...originOf(origin), earlier: earlier.slice(0, MOST) };
}

/**
 * Keeps where a package that was there already has come from this time: a later run without a network goes by it. What was
 * proven of a place stays, also when this run did not ask for it. Where the record may not be written nothing else is wrong.
 */
export async function keepOrigin(
  folder: string,
  origin: PackageOrigin,
  lock: (work: () => Promise<void>) => Promise<void>,
  log: Log,
): Promise<void> {
  const known = await readRecord(folder);
  if (typeof known === "string" || withKept(known, origin) === null) return;
  try {
    await lock(async () => {
      const now = await readRecord(folder);
      const changed = typeof now === "string" ? null : withKept(now, origin);
      if (changed !== null) await writeWhole(join(folder, RECORD), recordText(changed));
    });
  } catch (error) {
    // An error of the file system or of the lock; anything else is ours
    if (codeOf(error) === undefined && !(error instanceof RdnaError)) throw error;
    log.info(`that it came from the ${origin.from} is not kept: ${messageOf(error)}`);
  }
}

/** null: the record says so already. */
function withKept(record: InstallRecord, origin: PackageOrigin): InstallRecord | null {
  const before = originsOf(record).find(({ from }) => from === origin.from);
  const changed = withOrigin(record, { ...origin, attested: origin.attested ?? before?.attested ?? null });
  return JSON.stringify(originsOf(changed)) === JSON.stringify(originsOf(record)) ? null : changed;
}
