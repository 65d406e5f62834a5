import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { Pax } from "tar";
import { unpackTarball } from "../../../src/release/install/unpack.ts";
import { noise, sha256 } from "../sample.ts";
import { type Made, tarOf, writeArchive } from "./archives.ts";

let scratch = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-unpack-"));
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

let count = 0;
/** Unpacks hand-made entries into an empty folder that lies beside a file which must stay as it is. */
async function unpacked(
  entries: readonly Made[],
  expected: ReadonlyMap<string, number> | null = null,
  below: string | null = null,
) {
  const home = path.join(scratch, String(++count));
  const folder = path.join(home, "folder");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(home, "victim"), "untouched");
  const archive = await writeArchive(path.join(scratch, "archives"), `${count}.tar.zst`, entries);
  const done = unpackTarball({ ...archive, folder, expected, below });
  return { folder, home, done, ...archive };
}

const GOOD: readonly Made[] = [
  { path: "lib/", type: "Directory", mode: 0o755 },
  { path: "lib/libMIOpen.so.1.0", content: noise("so", 3_000_000) },
  { path: "lib/libMIOpen.so", type: "SymbolicLink", linkpath: "libMIOpen.so.1.0" },
  { path: "bin/tool", content: "#!/bin/sh\n", mode: 0o755 },
  { path: "share/doc/link", type: "SymbolicLink", linkpath: "../../bin/tool" },
];
const SIZES = new Map([
  ["lib/libMIOpen.so.1.0", 3_000_000],
  ["bin/tool", 10],
]);

test("unpacks files, folders, links and execute bits", async () => {
  const { folder, done } = await unpacked(GOOD, SIZES);
  await done;
  assert.deepEqual(await readFile(path.join(folder, "lib/libMIOpen.so.1.0")), noise("so", 3_000_000));
  assert.equal(await readlink(path.join(folder, "lib/libMIOpen.so")), "libMIOpen.so.1.0");
  assert.equal(await readFile(path.join(folder, "share/doc/link"), "utf8"), "#!/bin/sh\n");
  assert.equal((await lstat(path.join(folder, "bin/tool"))).mode & 0o111, 0o111);
  assert.equal((await lstat(path.join(folder, "lib/libMIOpen.so.1.0"))).mode & 0o111, 0);
});

const link = (name: string, linkpath: string): Made => ({ path: name, type: "SymbolicLink", linkpath });
const BAD: readonly [what: string, entries: readonly Made[], why: RegExp][] = [
  ["a path that climbs out", [{ path: "../victim", content: "x" }], /not plain/],
  ["a path that climbs out in its middle", [{ path: "a/../../victim", content: "x" }], /not plain/],
  ["an absolute path", [{ path: "/tmp/rdna1-victim", content: "x" }], /absolute path/],
  ["a path with a backslash", [{ path: "..\\victim", content: "x" }], /backslashes/],
  ["a path with an escape sequence", [{ path: "a\u001b[2Jb", content: "x" }], /control characters/],
  ["an absolute link", [link("a", "/etc/passwd")], /absolute path \(\/etc\/passwd\)/],
  ["a link that leads out", [link("a/b", "../../victim")], /leads out/],
  [
    "a link that turns back through another one",
    [link("p/q/up", "../.."), link("p/q/out", "up/../victim")],
    /is a link that turns back/,
  ],
  ["a file below a link", [link("d", "."), { path: "d/file", content: "x" }], /below something that is no folder/],
  ["a file in place of a link", [link("d", "e"), { path: "d", content: "x" }], /there twice/],
  [
    "a file below a file",
    [
      { path: "f", content: "x" },
      { path: "f/g", content: "x" },
    ],
    /no folder/,
  ],
  ["a hard link out", [{ path: "a", type: "Link", linkpath: "../victim" }], /is a Link/],
  ["an absolute hard link", [{ path: "a", type: "Link", linkpath: "/etc/passwd" }], /is a Link/],
  ["a character device", [{ path: "null", type: "CharacterDevice" }], /CharacterDevice/],
  ["a block device", [{ path: "disk", type: "BlockDevice" }], /BlockDevice/],
  ["a pipe", [{ path: "pipe", type: "FIFO" }], /FIFO/],
  ["a set-user-ID program", [{ path: "su", content: "x", mode: 0o4755 }], /set-user-ID/],
  ["a set-group-ID folder", [{ path: "d/", type: "Directory", mode: 0o2755 }], /set-user-ID/],
  [
    "a name twice",
    [
      { path: "a", content: "1" },
      { path: "a", content: "2" },
    ],
    /there twice/,
  ],
];
for (const [what, entries, why] of BAD) {
  test(`refuses ${what}, and writes nothing outside`, async () => {
    const { home, done } = await unpacked([{ path: "first", content: "fine" }, ...entries]);
    await assert.rejects(done, { kind: "machine", message: why, remedy: /nothing was installed/ });
    assert.deepEqual((await readdir(home)).sort(), ["folder", "victim"]);
    assert.equal(await readFile(path.join(home, "victim"), "utf8"), "untouched");
    await assert.rejects(lstat("/tmp/rdna1-victim"));
  });
}

test("refuses a file that the manifest does not list, or lists with another size, and misses one that it lists", async () => {
  const more = [...GOOD, { path: "extra", content: "x" }];
  await assert.rejects((await unpacked(more, SIZES)).done, { message: /"extra" is not in the manifest/ });
  const larger = new Map([...SIZES, ["bin/tool", 9]] as const);
  await assert.rejects((await unpacked(GOOD, larger)).done, { message: /has 10 bytes, but the manifest says 9/ });
  const another = new Map([...SIZES, ["bin/other", 9]] as const);
  await assert.rejects((await unpacked(GOOD, another)).done, { message: /has no bin\/other/ });
});

test("an overlay fills its own folder only", async () => {
  const home = "share/rocblas-gfx1012";
  const good: Made[] = [
    { path: "share/", type: "Directory", mode: 0o755 },
    { path: `${home}/`, type: "Directory", mode: 0o755 },
    { path: `${home}/library/a.co`, content: "x" },
  ];
  await (await unpacked(good, null, home)).done;
  for (const path of ["activate", "share/miopen/db/gfx1012.kdb", `${home}-other/a`, "share"]) {
    await assert.rejects((await unpacked([{ path, content: "x" }], null, home)).done, {
      message: /does not lie below share\/rocblas-gfx1012/,
    });
  }
});

test("refuses a path that climbs out where only an extended header has it", async () => {
  const file = path.join(scratch, "extended.tar.zst");
  const header = new Pax({ path: "../victim" }).encode();
  const content = zstdCompressSync(Buffer.concat([header, tarOf([{ path: "harmless", content: "x" }])]));
  await writeFile(file, content);
  const folder = path.join(scratch, `extended-${++count}`);
  await mkdir(folder);
  await assert.rejects(unpackTarball({ file, sha256: sha256(content), folder, expected: null, below: null }), {
    message: /"\.\.\/victim" has a path that is not plain/,
  });
  assert.deepEqual(await readdir(folder), []);
});

test("stops a bomb without a manifest long before the disk is full", async () => {
  const zeros = Buffer.alloc(32 << 20);
  const { done, folder } = await unpacked(Array.from({ length: 2 }, (_, i) => ({ path: `${i}`, content: zeros })));
  await assert.rejects(done, { message: /more than the \d+ bytes that it may/ });
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await lstat(path.join(folder, name))).size),
  );
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 40 << 20);
});

test("a tarball with another digest is refused, however it is damaged", async () => {
  const bytes = zstdCompressSync(tarOf(GOOD));
  const file = path.join(scratch, "damaged.tar.zst");
  const flipped = Buffer.from(bytes);
  flipped[1000] = (flipped[1000] ?? 0) ^ 1;
  const others = [
    flipped,
    bytes.subarray(0, bytes.length / 2),
    Buffer.concat([bytes, Buffer.from("x")]),
    Buffer.from(""),
  ];
  for (const content of [...others, zstdCompressSync(tarOf([{ path: "other", content: "x" }]))]) {
    await writeFile(file, content);
    const folder = path.join(scratch, `damaged-${++count}`);
    await mkdir(folder);
    await assert.rejects(unpackTarball({ file, sha256: sha256(bytes), folder, expected: null, below: null }), {
      kind: "machine",
      message: new RegExp(`its SHA-256 is ${sha256(content)}, not ${sha256(bytes)}`),
    });
  }
});

test("a file with the right digest that is no archive is refused in words", async () => {
  for (const content of [Buffer.from("no zstd at all"), zstdCompressSync(noise("no tar", 5000)), Buffer.alloc(0)]) {
    const file = path.join(scratch, "none.tar.zst");
    await writeFile(file, content);
    const folder = path.join(scratch, `none-${++count}`);
    await mkdir(folder);
    await assert.rejects(unpackTarball({ file, sha256: sha256(content), folder, expected: null, below: null }), {
      kind: "machine",
      message: /cannot be unpacked|is not unpacked/,
    });
  }
});
