import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  bytesBelow,
  checkWritableFolder,
  diskError,
  freeBytes,
  saysDiskIsFull,
  writeWhole,
} from "../../src/ports/files.ts";
import { asUser } from "../toolchain/helpers.ts";

const folder = mkdtempSync("/tmp/rdna1-files-");
after(() => rmSync(folder, { recursive: true, force: true }));

test("writes a file whole, with its folders and mode, and leaves nothing aside", async () => {
  const file = join(folder, "a/b/c.txt");
  await writeWhole(file, "one", 0o600);
  await writeWhole(file, "two", 0o600);
  assert.equal(readFileSync(file, "utf8"), "two");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(folder, "a/b")), ["c.txt"]);
});

test("finds the free space of a folder that does not exist yet", async () => {
  assert.equal(Math.sign(await freeBytes(join(folder, "not/yet"))), 1);
});

test("makes the output folder, and names option and folder when it cannot", async () => {
  await checkWritableFolder(join(folder, "new"), "output");
  assert.deepEqual(readdirSync(join(folder, "new")), []);
  await assert.rejects(checkWritableFolder("/proc/nowhere", "output"), /output: the folder \/proc\/nowhere/);
});

test("knows what programs say when the disk is full", () => {
  assert.equal(saysDiskIsFull("LLVM ERROR: IO failure on output stream: No space left on device"), true);
  assert.equal(saysDiskIsFull("Internal error while accessing SQLite database: database or disk is full"), true);
  assert.equal(saysDiskIsFull("no such file"), false);
});

test("puts a full disk into words and passes other errors on", () => {
  const full = diskError(Object.assign(new Error("x"), { code: "ENOSPC" }), "/some/file");
  assert.match(String(full), /the disk is full: \/some\/file/);
  const other = new Error("other");
  assert.equal(diskError(other, "/some/file"), other);
});

for (const name of ["removeTree", "removeTreeNow"]) {
  test(`${name} removes folders that nothing may be removed from, and touches nothing behind a link`, async () => {
    const [tree, other] = [join(folder, name, "tree"), join(folder, name, "other")];
    for (const one of [join(tree, "work/system"), other]) {
      mkdirSync(one, { recursive: true });
      writeFileSync(join(one, "gfx1010.kdb"), "", { mode: 0o444 });
      chmodSync(one, 0o555);
    }
    symlinkSync(other, join(tree, "link"));
    assert.equal(await asUser("ports/files.ts", `${name}("${tree}")`), "");
    assert.equal(existsSync(tree), false);
    assert.equal(statSync(other).mode & 0o777, 0o555);
    chmodSync(other, 0o755);
    assert.equal(await asUser("ports/files.ts", `${name}("${tree}")`), "");
  });
}

test("sums the bytes of a folder while files vanish from it", async () => {
  for (const milliseconds of [0, 10, 40]) {
    const busy = join(folder, `busy-${milliseconds}`);
    mkdirSync(busy);
    writeFileSync(join(busy, "stays"), "12345");
    for (let file = 0; file < 3000; file++) writeFileSync(join(busy, `${file}`), "");
    const summed = bytesBelow(busy);
    await new Promise((done) => setTimeout(done, milliseconds));
    for (let file = 0; file < 3000; file++) rmSync(join(busy, `${file}`));
    assert.equal(await summed, 5);
  }
});
