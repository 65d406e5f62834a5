import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { bunzipWith, KernelFault } from "../../src/kernels/bunzip.ts";
import {
  assertRollbackJournal,
  checkRows,
  type Kernel,
  type KernelRow,
  mergeKernels,
  readRows,
  whyRefused,
  writeKernelDatabase,
} from "../../src/kernels/database.ts";

const folder = mkdtempSync("/tmp/rdna1-database-");
after(() => rmSync(folder, { recursive: true, force: true }));
const bunzip = bunzipWith({ file: "bzip2", args: [], env: { PATH: "/usr/bin:/bin" } });

function kernel(name: string, content: string, args = " -DX=1 -mcpu=gfx1010"): Kernel {
  const object = Buffer.from(content);
  const blob = execFileSync("bzip2", ["-9c"], { input: object });
  return { name, args, object, blob, hash: createHash("md5").update(object).digest("hex"), size: object.length };
}

const rows = [kernel("a.cpp.o", "first object"), kernel("b.cpp.o", "second object".repeat(100))];

async function written(name: string, content: readonly KernelRow[] = rows): Promise<string> {
  const file = join(folder, name);
  await writeKernelDatabase(file, content);
  return file;
}

test("writes a database that MIOpen can read: rollback journal, mode 0644, its schema", async () => {
  const umask = process.umask(0o077);
  const file = await written("good.kdb").finally(() => process.umask(umask));
  await assertRollbackJournal(file);
  assert.equal(statSync(file).mode & 0o777, 0o644);
  const database = new DatabaseSync(file, { readOnly: true });
  const found = database.prepare("SELECT kernel_name FROM kern_db WHERE kernel_args = ?").all(rows[0]?.args ?? "");
  database.close();
  assert.equal(found.length, 2);
});

test("writes the same bytes for the same rows, whatever SQLite this Node has, and one that can be written to", async () => {
  const raw = ["first", "second"].map((text, index): KernelRow => {
    const blob = Buffer.from(text.repeat(3000));
    const hash = createHash("md5").update(blob).digest("hex");
    return { name: `${index}.cpp.o`, args: " -mcpu=gfx1010", blob, hash, size: 0 };
  });
  const file = await written("one.kdb", raw);
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  assert.equal(sha256, "f1f0741a3d1172a934e9a931427774b6f3e09dda1fb569b481843617ad966c65");
  const database = new DatabaseSync(file);
  database.exec("DELETE FROM kern_db WHERE kernel_name = '0.cpp.o'; VACUUM");
  database.close();
  assert.deepEqual(
    readRows(file).map(({ name }) => name),
    ["1.cpp.o"],
  );
});

test("reads back what it wrote, unpacked and checked", async () => {
  const file = await written("read.kdb");
  const read = await checkRows(file, readRows(file), bunzip);
  assert.deepEqual(
    read.map(({ name, object }) => [name, object.toString()]),
    rows.map(({ name, object }) => [name, object.toString()]),
  );
});

test("reads rows that are stored raw", async () => {
  const raw = rows.map((row) => ({ ...row, blob: row.object, size: 0 }));
  const file = await written("raw.kdb", raw);
  const read = await checkRows(file, readRows(file), bunzip);
  assert.equal(read[1]?.object.toString(), rows[1]?.object.toString());
});

test("names the row whose md5 is wrong", async () => {
  const file = await written("md5.kdb", [{ ...(rows[0] as Kernel), hash: "0".repeat(32) }]);
  await assert.rejects(checkRows(file, readRows(file), bunzip), /a\.cpp\.o -DX=1.*md5 is/);
});

test("names the row whose bzip2 stream is bad", async () => {
  const bad = Buffer.from(rows[1]?.blob ?? []);
  bad.fill(0, 20, 40);
  const file = await written("bz2.kdb", [rows[0] as Kernel, { ...(rows[1] as Kernel), blob: bad }]);
  await assert.rejects(checkRows(file, readRows(file), bunzip), /b\.cpp\.o.*not a sound bzip2 stream/);
});

test("names the row whose size is wrong", async () => {
  const file = await written("size.kdb", [{ ...(rows[0] as Kernel), size: 5 }]);
  await assert.rejects(checkRows(file, readRows(file), bunzip), /unpacks to 12 bytes, the row says 5/);
});

test("refuses a file that is no database, and one that was cut", async () => {
  const garbage = join(folder, "garbage.kdb");
  writeFileSync(garbage, "not a database at all".repeat(100));
  assert.throws(() => readRows(garbage), KernelFault);
  const cut = await written("cut.kdb");
  truncateSync(cut, 6000);
  assert.throws(() => readRows(cut), KernelFault);
});

test("refuses a kernel database in WAL mode", async () => {
  const file = join(folder, "wal.kdb");
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (x)");
  database.close();
  await assert.rejects(assertRollbackJournal(file), /WAL mode/);
});

test("merges equal rows once, in order of their keys", () => {
  const { kernels, refused } = mergeKernels([[rows[1] as Kernel], [...rows]], "gfx1010");
  assert.deepEqual(
    kernels.map(({ name }) => name),
    ["a.cpp.o", "b.cpp.o"],
  );
  assert.deepEqual(refused, []);
});

test("merges rows of one name into one order, whichever worker they come from", () => {
  const args = ["-DX=10", "-DX=2", "-DX=1"].map((option) => ` ${option} -mcpu=gfx1010`);
  const mixed = args.map((one) => kernel("a.cpp.o", "same", one));
  const orders = [mixed, mixed.toReversed()].map((workers) =>
    mergeKernels(
      workers.map((row) => [row]),
      "gfx1010",
    ).kernels.map((row) => row.args),
  );
  assert.deepEqual(orders, [args.toSorted(), args.toSorted()]);
});

test("refuses the same key with another object", () => {
  assert.throws(() => mergeKernels([[rows[0] as Kernel], [kernel("a.cpp.o", "other")]], "gfx1010"), /compiled twice/);
});

test("leaves out keys that can never be found again, and names them", () => {
  const unstable = kernel("bn.cl.o", "x", " -DMIO_BN_VARIANT=1 -DMIO_BN_N_ELEMENTS=94 -mcpu=gfx1010");
  const stable = kernel("bn.cl.o", "y", " -DMIO_BN_VARIANT=2 -DMIO_BN_N_ELEMENTS=94 -mcpu=gfx1010");
  const { kernels, refused } = mergeKernels([[unstable, stable]], "gfx1010");
  assert.equal(kernels.length, 1);
  assert.match(refused[0]?.reason ?? "", /uninitialised/);
  assert.match(whyRefused({ name: "x", args: " -DA=140737488355328 -mcpu=gfx1010" }, "gfx1010") ?? "", /A=1407/);
  assert.match(whyRefused({ name: "x", args: " -mcpu=gfx1030" }, "gfx1010") ?? "", /not for gfx1010/);
});

test("names the row whose columns hold something else than they must", () => {
  for (const [column, value, pattern] of [
    ["kernel_blob", null, /a\.cpp\.o.* for its blob holds nothing/],
    ["kernel_args", null, /a\.cpp\.o.* for its args holds nothing/],
    ["uncompressed_size", "many", /for its size holds many/],
    ["kernel_hash", Buffer.from("x"), /for its hash holds bytes/],
  ] as const) {
    const file = join(folder, `${column}.kdb`);
    const database = new DatabaseSync(file);
    database.exec(
      "CREATE TABLE kern_db (id INTEGER PRIMARY KEY, kernel_name, kernel_args, kernel_blob, kernel_hash, uncompressed_size)",
    );
    const { name, args, blob, hash, size } = rows[0] as Kernel;
    const right = {
      kernel_name: name,
      kernel_args: args,
      kernel_blob: blob,
      kernel_hash: hash,
      uncompressed_size: size,
    };
    const insert = "INSERT INTO kern_db (kernel_name, kernel_args, kernel_blob, kernel_hash, uncompressed_size)";
    database.prepare(`${insert} VALUES (?,?,?,?,?)`).run(...Object.values({ ...right, [column]: value }));
    database.close();
    assert.throws(
      () => readRows(file),
      (error) => error instanceof KernelFault && pattern.test(error.message),
    );
  }
});

test("takes a row with something behind its bzip2 stream, as MIOpen does", async () => {
  const [first, second] = rows as [Kernel, Kernel];
  const file = await written("behind.kdb", [{ ...first, blob: Buffer.concat([first.blob, Buffer.alloc(7)]) }, second]);
  const read = await checkRows(file, readRows(file), bunzip);
  assert.deepEqual(
    read.map(({ object }) => object.toString()),
    [first, second].map(({ object }) => object.toString()),
  );
});
