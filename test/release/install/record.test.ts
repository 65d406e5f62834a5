import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { RECORD, readRecord, writeRecord } from "../../../src/release/install/record.ts";
import { stagePrefix } from "../../../src/release/prefix.ts";
import { noise, sampleInput } from "../sample.ts";

const KERNELS = "share/miopen/db/gfx1010.kdb";
let scratch = "";
let folder = "";
let name = "";
beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-record-"));
  folder = path.join(scratch, "prefix");
  await mkdir(folder);
  ({ name } = await stagePrefix(await sampleInput(path.join(scratch, "in")), folder));
  await symlink("gfx1010.kdb", path.join(folder, "share/miopen/db/link.kdb"));
});
afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const record = () =>
  writeRecord(folder, { key: "k", name, sha256: "s", from: "here", tag: null, page: null, attested: null });
const inFolder = (file: string) => path.join(folder, file);

test("a tree that nobody has touched is whole", async () => {
  const written = await record();
  assert.deepEqual(await readRecord(folder), written);
  assert.ok(written.files.some(({ path: file }) => file === KERNELS));
  assert.deepEqual(written.links, [{ path: "share/miopen/db/link.kdb", to: "gfx1010.kdb" }]);
});

test("a file whose times have changed, as by a copy of the cache, is looked at byte by byte", async () => {
  await record();
  await utimes(inFolder(KERNELS), new Date(), new Date());
  assert.equal(typeof (await readRecord(folder)), "object");
  const bytes = noise("other", 60_000);
  await writeFile(inFolder(KERNELS), bytes);
  assert.match(String(await readRecord(folder)), /gfx1010\.kdb was changed/);
});

for (const [what, damage, why] of [
  ["a file that is gone", () => unlink(inFolder("activate")), /activate is missing/],
  ["a file that is shorter", () => writeFile(inFolder(KERNELS), "x"), /gfx1010\.kdb is missing or has another size/],
  [
    "a link that leads elsewhere",
    async () => {
      await unlink(inFolder("share/miopen/db/link.kdb"));
      await symlink("/etc/passwd", inFolder("share/miopen/db/link.kdb"));
    },
    /link .* was changed/,
  ],
  ["a record that was cut", () => writeFile(inFolder(RECORD), "{"), /is damaged/],
] as const) {
  test(`${what} is named`, async () => {
    await record();
    await damage();
    assert.match(String(await readRecord(folder)), why);
  });
}

test("a tree without a record is none", async () => {
  assert.equal(await readRecord(folder), "none");
  assert.equal(await readRecord(path.join(scratch, "nowhere")), "none");
});

test("a tree is not recorded when its own manifest tells of other files or of another package", async () => {
  const manifest = inFolder("share/rdna1-miopen/manifest.json");
  const good = await readFile(manifest, "utf8");
  await writeFile(inFolder(KERNELS), "x");
  await assert.rejects(record(), { kind: "machine", message: /gfx1010\.kdb is not the file/ });
  await writeFile(manifest, good.replace(`"name": "${name}"`, '"name": "another"'));
  await assert.rejects(record(), { kind: "machine", message: /is for another/ });
  await unlink(manifest);
  await assert.rejects(record(), { kind: "machine", message: /no package of this program/ });
});
