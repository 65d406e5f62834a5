import { createHash } from "node:crypto";
import { chmod, open, rename, rm } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { machineError, messageOf, RdnaError } from "../errors.ts";
import { asideOf, diskError, diskFull } from "../ports/files.ts";
import { type Bunzip, KernelFault } from "./bunzip.ts";

/**
 * A row of MIOpen's kernel database, `kern_db` [MIOpen kern_db.hpp]. The key is (name, args), compared as exact text.
 */
export interface KernelRow {
  /** Source file name and `.o`, e.g. `naive_conv.cpp.o` */
  name: string;
  /** The solver's compiler options, leading blank included, and ` -mcpu=<target>` */
  args: string;
  /** The code object as stored: bzip2, or raw when `size` is 0 */
  blob: Uint8Array;
  /** md5 of the uncompressed code object, lower-case hex */
  hash: string;
  /** Bytes of the uncompressed code object; 0: stored raw */
  size: number;
}

/** A row together with its code object, checked against `hash` and `size`. */
export interface Kernel extends KernelRow {
  object: Buffer;
}

/** One text for a key, for maps and messages. */
export function keyOf(row: { name: string; args: string }): string {
  return `${row.name}${row.args}`;
}

/** All rows of a database, in order of their keys. Throws a {@link KernelFault} when the file is not a sound database. */
export function readRows(file: string): KernelRow[] {
  try {
    const database = openDatabase(file);
    try {
      const check = database.prepare("PRAGMA integrity_check").all() as { integrity_check: string }[];
      const verdict = check[0]?.integrity_check ?? "no answer";
      if (verdict !== "ok") throw new KernelFault(file, verdict);
      const query = `SELECT kernel_name AS name, kernel_args AS args, kernel_blob AS blob, kernel_hash AS hash,
        uncompressed_size AS size FROM kern_db ORDER BY kernel_name, kernel_args`;
      const rows = database.prepare(query).all();
      for (const row of rows) {
        const wrong = COLUMNS.find(([column, is]) => !is(row[column]));
        if (wrong === undefined) continue;
        throw new KernelFault(
          file,
          `${row.name}${row.args}: the column for its ${wrong[0]} holds ${kindOf(row[wrong[0]])}`,
        );
      }
      return rows as unknown as KernelRow[];
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof KernelFault) throw error;
    throw new KernelFault(file, messageOf(error));
  }
}

const isText = (value: unknown) => typeof value === "string";
/** What a row must have: SQLite lets every column hold anything. */
const COLUMNS: readonly (readonly [keyof KernelRow, (value: unknown) => boolean])[] = [
  ["name", isText],
  ["args", isText],
  ["blob", (value) => value instanceof Uint8Array],
  ["hash", isText],
  ["size", (value) => typeof value === "number" && value >= 0],
];

function kindOf(value: unknown): string {
  return value === null ? "nothing" : value instanceof Uint8Array ? "bytes" : `${value}`.slice(0, 40);
}

/** `node:sqlite` is looked up when it is needed: an old Node must get as far as saying that it is too old. */
function openDatabase(file: string): DatabaseSync {
  return new (process.getBuiltinModule("node:sqlite").DatabaseSync)(file);
}

/**
 * Unpacks every row and checks size and md5. Throws a {@link KernelFault} that names the first bad row; a machine that cannot
 * unpack says nothing of the rows.
 */
export async function checkRows(file: string, rows: readonly KernelRow[], bunzip: Bunzip): Promise<Kernel[]> {
  const packed = rows.filter((row) => row.size !== 0);
  const objects = await bunzip(packed.map((row) => ({ blob: row.blob, size: row.size, label: keyOf(row) }))).catch(
    (error: unknown) => {
      if (error instanceof RdnaError) throw error;
      throw new KernelFault(file, messageOf(error));
    },
  );
  let next = 0;
  return rows.map((row) => {
    const object = row.size === 0 ? Buffer.from(row.blob) : (objects[next++] as Buffer);
    const md5 = createHash("md5").update(object).digest("hex");
    if (md5 !== row.hash) throw new KernelFault(file, `${keyOf(row)}: md5 is ${md5}, the row says ${row.hash}`);
    return { ...row, object };
  });
}

/** What a merge kept and what it left out. */
export interface Merge {
  kernels: Kernel[];
  refused: { key: string; reason: string }[];
}

/**
 * Merges databases: the same key with the same object counts once; with another object the merge fails, because then
 * the compiler is not reproducible or two libraries were mixed. Keys that cannot be found again are refused and named.
 */
export function mergeKernels(sources: readonly (readonly Kernel[])[], target: string): Merge {
  const kept = new Map<string, Kernel>();
  const refused = new Map<string, string>();
  for (const kernel of sources.flat()) {
    const key = keyOf(kernel);
    const reason = whyRefused(kernel, target);
    if (reason !== null) {
      refused.set(key, reason);
      continue;
    }
    const other = kept.get(key);
    if (other !== undefined && other.hash !== kernel.hash) {
      throw machineError(
        `the kernel ${key} was compiled twice with different results (md5 ${other.hash} and ${kernel.hash})`,
        "delete the cached kernel stage and run again; if it happens again, report it with both hashes",
      );
    }
    kept.set(key, kernel);
  }
  const kernels = [...kept.values()].sort((a, b) => compare(a.name, b.name) || compare(a.args, b.args));
  return { kernels, refused: [...refused].map(([key, reason]) => ({ key, reason })) };
}

/** Byte order, not the locale's: the database must come out the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Stock MIOpen 3.5.1 puts uninitialised memory into the keys of spatial batch-norm training, every variant but 2
 * (facts: kernel-set.md §0.3): such a row can never be found again.
 */
export function whyRefused(row: { name: string; args: string }, target: string): string | null {
  if (!row.args.endsWith(` -mcpu=${target}`)) return `its key is not for ${target}`;
  const variant = /-DMIO_BN_VARIANT=(\d+)/.exec(row.args)?.[1];
  if (variant !== undefined && variant !== "2" && row.args.includes("-DMIO_BN_N_ELEMENTS=")) {
    return "its key holds uninitialised memory (batch-norm training) and differs from run to run";
  }
  const huge = /-D(\w+)=(\d{10,})/.exec(row.args);
  if (huge !== null) return `its key holds a number that no kernel option reaches (${huge[1]}=${huge[2]})`;
  return null;
}

const SCHEMA = `
  CREATE TABLE kern_db (id INTEGER PRIMARY KEY ASC, kernel_name TEXT NOT NULL, kernel_args TEXT NOT NULL,
    kernel_blob BLOB NOT NULL, kernel_hash TEXT NOT NULL, uncompressed_size INT NOT NULL);
  CREATE UNIQUE INDEX idx_kern_db ON kern_db (kernel_name, kernel_args);`;

/**
 * Writes `<target>.kdb`: rollback-journal mode (a WAL file in a read-only folder breaks MIOpen for ordinary users),
 * compact, mode 0644. Same rows, same bytes. Written aside and renamed.
 */
export async function writeKernelDatabase(file: string, rows: readonly KernelRow[]): Promise<void> {
  const aside = asideOf(file);
  try {
    const database = openDatabase(aside);
    try {
      database.exec("PRAGMA page_size=4096; PRAGMA journal_mode=DELETE; BEGIN");
      database.exec(SCHEMA);
      const insert = database.prepare(
        "INSERT INTO kern_db (kernel_name, kernel_args, kernel_blob, kernel_hash, uncompressed_size) VALUES (?,?,?,?,?)",
      );
      for (const row of rows) insert.run(row.name, row.args, row.blob, row.hash, row.size);
      database.exec("COMMIT; VACUUM");
    } finally {
      database.close();
    }
    await assertRollbackJournal(aside);
    await forgetWriter(aside);
    await chmod(aside, 0o644);
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    // SQLite has words of its own for it.
    throw /disk is full|disk I\/O/.test(messageOf(error)) ? diskFull(file, error) : diskError(error, file);
  }
}

/**
 * SQLite writes its own version into bytes 96 to 99, and how often the file was changed into 24 to 27, and again into 92 to 95: as
 * long as these agree, the size in the header counts [SQLite file format §1.3.9, §1.3.15]. Each Node has another SQLite, and
 * databases of the same rows are to be the same file.
 */
async function forgetWriter(file: string): Promise<void> {
  const words = Buffer.alloc(8);
  words.writeUInt32BE(1, 0);
  words.writeUInt32BE(3_040_001, 4);
  const handle = await open(file, "r+");
  try {
    await handle.write(words, 0, 4, 24);
    await handle.write(words, 0, 8, 92);
  } finally {
    await handle.close();
  }
}

/**
 * Header bytes 18 and 19 are 1 for a rollback journal, 2 for WAL [SQLite file format §1.3]. Throws a {@link KernelFault} for
 * anything else.
 */
export async function assertRollbackJournal(file: string): Promise<void> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(20), 0, 20, 0);
    if (buffer.toString("latin1", 0, 16) !== "SQLite format 3\0") throw new KernelFault(file, "file is not a database");
    if (buffer[18] === 1 && buffer[19] === 1) return;
    throw new KernelFault(file, "it is in WAL mode, which MIOpen cannot open in a read-only folder");
  } finally {
    await handle.close();
  }
}
