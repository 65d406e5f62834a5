import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { NodeExec } from "../../src/ports/exec.ts";
import { writeTarball } from "../../src/release/tarball.ts";
import { noise, sha256 } from "./sample.ts";

const exec = new NodeExec();
let scratch = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-tarball-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

/** The same content under another umask, with other times, created in another order. */
async function tree(name: string, order: readonly string[], umask: number, time: number): Promise<string> {
  const folder = path.join(scratch, name);
  const before = process.umask(umask);
  try {
    for (const file of order) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), noise(file, 5000));
      await utimes(path.join(folder, file), time, time);
    }
    await chmod(path.join(folder, "bin/run"), umask === 0o077 ? 0o700 : 0o777);
    await symlink("run", path.join(folder, "bin/alias"));
  } finally {
    process.umask(before);
  }
  return folder;
}

const FILES = ["activate", "bin/run", "share/miopen/db/gfx1010.kdb", "share/Zebra", "share/ant"];

test("the same content gives the same bytes from another folder, umask, time and order", async () => {
  const a = await tree("a", FILES, 0o022, 1_700_000_000);
  const b = await tree("other/place b", FILES.toReversed(), 0o077, 1_000_000_000);
  const one = await writeTarball(a, path.join(scratch, "one.tar.zst"), { exec });
  const two = await writeTarball(b, path.join(scratch, "two.tar.zst"), { exec });
  assert.equal(one.sha256, two.sha256);
  assert.equal(one.sha256, sha256(await readFile(path.join(scratch, "two.tar.zst"))));
  assert.equal(one.bytes, two.bytes);
});

test("a hard link is packed like the file it is a second name of", async () => {
  const plain = path.join(scratch, "plain");
  const linked = path.join(scratch, "linked");
  for (const folder of [plain, linked]) await mkdir(folder);
  await writeFile(path.join(plain, "a"), "same");
  await writeFile(path.join(plain, "b"), "same");
  await writeFile(path.join(linked, "a"), "same");
  await link(path.join(linked, "a"), path.join(linked, "b"));
  const one = await writeTarball(plain, path.join(scratch, "plain.tar.zst"), { exec });
  const two = await writeTarball(linked, path.join(scratch, "linked.tar.zst"), { exec });
  assert.equal(one.sha256, two.sha256);
});

test("entries have no leading ./ and no top folder, are owned by 0 and carry the given date", async () => {
  const folder = await tree("listed", FILES, 0o022, 1_700_000_000);
  const file = path.join(scratch, "listed.tar.zst");
  await writeTarball(folder, file, { exec, sourceDate: 1_000_000_000 });
  assert.deepEqual(list(["-tf", file]), [
    "activate",
    "bin/",
    "bin/alias",
    "bin/run",
    "share/",
    "share/Zebra",
    "share/ant",
    "share/miopen/",
    "share/miopen/db/",
    "share/miopen/db/gfx1010.kdb",
  ]);
  const long = list(["--numeric-owner", "--utc", "--full-time", "-tvf", file]);
  for (const line of long) assert.match(line, /^\S+ 0\/0 +\d+ 2001-09-09 01:46:40 /);
  assert.deepEqual(long.map((line) => line.slice(0, 10)).slice(0, 4), [
    "-rw-r--r--",
    "drwxr-xr-x",
    "lrwxr-xr-x",
    "-rwxr-xr-x",
  ]);
});

test("another date gives other bytes", async () => {
  const folder = path.join(scratch, "dated");
  await mkdir(folder);
  await writeFile(path.join(folder, "a"), "a");
  const one = await writeTarball(folder, path.join(scratch, "d1.tar.zst"), { exec, sourceDate: 1 });
  const two = await writeTarball(folder, path.join(scratch, "d2.tar.zst"), { exec, sourceDate: 2 });
  assert.notEqual(one.sha256, two.sha256);
});

test("a link that leads out of the folder is refused by name", async () => {
  const folder = path.join(scratch, "leaky");
  await mkdir(folder);
  await symlink("../one.tar.zst", path.join(folder, "out"));
  await assert.rejects(writeTarball(folder, path.join(scratch, "leaky.tar.zst"), { exec }), {
    kind: "user",
    message: /leaky\/out: it is a link that leads out/,
  });
});

test("a failing tar leaves neither a tarball nor scraps", async () => {
  const folder = path.join(scratch, "long");
  const to = path.join(scratch, "results");
  await mkdir(to);
  const deep = path.join(folder, "x".repeat(120), "y".repeat(120), "z".repeat(120)); // more than a ustar header holds
  await mkdir(deep, { recursive: true });
  await writeFile(path.join(deep, "file"), "");
  await assert.rejects(writeTarball(folder, path.join(to, "long.tar.zst"), { exec }), { kind: "machine" });
  assert.deepEqual(await readdir(to), []);
});

function list(args: readonly string[]): string[] {
  return execFileSync("tar", args, { encoding: "utf8" }).trimEnd().split("\n");
}
