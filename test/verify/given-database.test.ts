import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Context } from "../../src/context.ts";
import { bunzipWith } from "../../src/kernels/bunzip.ts";
import { writeKernelDatabase } from "../../src/kernels/database.ts";
import type { Exec } from "../../src/ports/exec.ts";
import { givenDatabase, soundKernels } from "../../src/verify/given-database.ts";
import { codeObject } from "../rdna1/sample-object.ts";
import { sampleToolchain } from "../release/sample.ts";
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

test("refuses kernels of another chip before any of them runs", async (t) => {
  const folder = await scratch(t);
  const file = join(folder, "gfx1030.kdb");
  const blob = Buffer.from(codeObject(0x36));
  await writeKernelDatabase(file, [{ ...row, blob, hash: createHash("md5").update(blob).digest("hex") }]);
  // LLVM's tools, as far as they have anything to say of a bare header
  const exec: Exec = {
    run: async () => ({ code: 0, signal: null, timedOut: false, stdout: "\n", stderr: "", seconds: 0 }),
  };
  const context = { cacheRoot: folder, exec, jobs: 1 } as unknown as Context;
  await assert.rejects(givenDatabase(context, sampleToolchain("/rocm"), file, "gfx1010"), {
    kind: "machine",
    message:
      /faults in the kernels of .*gfx1030\.kdb:\na\.cpp\.o -mcpu=gfx1010: built for machine 0x36, not for gfx1010/,
  });
});
