import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { bunzipWith } from "../../src/kernels/bunzip.ts";
import { writeKernelDatabase } from "../../src/kernels/database.ts";
import { soundKernels } from "../../src/verify/given-database.ts";
import { asUser, scratch } from "../toolchain/helpers.ts";

const bunzip = bunzipWith({ file: "bzip2", args: [], env: { PATH: "/usr/bin:/bin" } });
const object = Buffer.from("an object");
const row = {
  ...{ name: "a.cpp.o", args: " -mcpu=gfx1010", blob: object, size: 0 },
  hash: createHash("md5").update(object).digest("hex"),
};

test("takes a kernel database that somebody else made", async (t) => {
  const file = join(await scratch(t), "given.kdb");
  await writeKernelDatabase(file, [row]);
  assert.deepEqual(
    (await soundKernels(file, bunzip)).map(({ name }) => name),
    ["a.cpp.o"],
  );
});

for (const [what, write, pattern] of [
  ["a file that is no database", (file) => writeFileSync(file, "no database".repeat(100)), /is not a database/],
  ["an empty file", (file) => writeFileSync(file, ""), /is not a database/],
  ["a database without kernels", (file) => new DatabaseSync(file).exec("CREATE TABLE t (x)"), /kern_db/],
  ["no file at all", () => {}, /there is no file/],
] as const satisfies readonly (readonly [string, (file: string) => void, RegExp])[]) {
  test(`refuses ${what} as the user's fault`, async (t) => {
    const file = join(await scratch(t), "given.kdb");
    write(file);
    await assert.rejects(soundKernels(file, bunzip), { kind: "user", message: pattern });
  });
}

test("refuses a database that the user may not read", async (t) => {
  const file = join(await scratch(t), "given.kdb");
  writeFileSync(file, "", { mode: 0 });
  const said = await asUser(
    "verify/given-database.ts",
    `soundKernels("${file}").catch(({ kind, message }) => {
    throw kind + " error: " + message;
  })`,
  );
  assert.match(said, /user error: kernel-database: EACCES/);
});

test("refuses a database whose row is not what it says, and one in WAL mode, which it does not change", async (t) => {
  const folder = await scratch(t);
  const wrong = join(folder, "wrong.kdb");
  await writeKernelDatabase(wrong, [{ ...row, hash: "0".repeat(32) }]);
  await assert.rejects(soundKernels(wrong, bunzip), { kind: "user", message: /md5 is/ });
  const wal = join(folder, "wal.kdb");
  await writeKernelDatabase(wal, [row]);
  const database = new DatabaseSync(wal);
  database.exec("PRAGMA journal_mode=WAL");
  database.close();
  const before = readFileSync(wal);
  await assert.rejects(soundKernels(wal, bunzip), { kind: "user", message: /WAL mode/ });
  assert.ok(readFileSync(wal).equals(before));
});
