import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { withLock } from "../../../src/cache/lock.ts";
import { placeIn } from "../../../src/release/install/prefix-copy.ts";
import { writeRecord } from "../../../src/release/install/record.ts";
import { besideName, removeLeftovers, type Stored } from "../../../src/release/install/store.ts";
import { stagePrefix } from "../../../src/release/prefix.ts";
import { recordedLog } from "../../toolchain/helpers.ts";
import { sampleInput } from "../sample.ts";

const noLog = recordedLog();
let scratch = "";
let stored: Stored;
let prefix = "";
beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-prefix-"));
  prefix = path.join(scratch, "opt/miopen");
  const folder = path.join(scratch, "stored");
  for (const each of [folder, path.dirname(prefix)]) await mkdir(each);
  const { name } = await stagePrefix(await sampleInput(path.join(scratch, "in")), folder);
  const facts = { key: "k", name, sha256: "s", from: "here", tag: null, page: null, attested: null };
  stored = { folder, record: await writeRecord(folder, facts), hit: false };
});
afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const LOCK = ".miopen.rdna1-miopen.lock";
const beside = () => readdir(path.dirname(prefix));
async function folders(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(path.join(path.dirname(prefix), name));
    await writeFile(path.join(path.dirname(prefix), name, "work"), "of years");
  }
}

test("leaves alone what a user has moved aside, and whatever else has a name like the prefix", async () => {
  const theirs = ["miopen.old-2024", "miopen.tmp", "miopen.1-0a1b2c3d.tmp", "miopen.rdna1-miopen.tmp", "miopen2"];
  await folders(...theirs, "my.miopen.rdna1-miopen.1-0a1b2c3d.tmp");
  await placeIn(prefix, stored, noLog);
  assert.deepEqual(
    (await beside()).sort(),
    [LOCK, "miopen", "my.miopen.rdna1-miopen.1-0a1b2c3d.tmp", ...theirs].sort(),
  );
  assert.equal(await readFile(path.join(`${prefix}.old-2024`, "work"), "utf8"), "of years");
});

test("removes what a killed run of this program has left there, but follows no link", async () => {
  const left = besideName(prefix);
  await folders(path.basename(left), "elsewhere");
  await symlink("elsewhere", besideName(prefix));
  await removeLeftovers(prefix);
  const names = await beside();
  assert.equal(names.includes(path.basename(left)), false);
  assert.equal(names.length, 2);
  assert.deepEqual(await readdir(path.join(path.dirname(prefix), "elsewhere")), ["work"]);
});

test("waits for a run that is at the same prefix, whatever cache folder that has", async () => {
  let waited = false;
  const info = (line: string) => {
    if (line.startsWith("waiting for ")) waited = true;
  };
  const log = { ...noLog, info };
  let placing: Promise<unknown> = Promise.resolve();
  await withLock(
    path.join(path.dirname(prefix), LOCK),
    async () => {
      placing = placeIn(prefix, stored, log);
      for (let tries = 0; tries < 300 && !waited; tries++) await new Promise((done) => setTimeout(done, 20));
      assert.deepEqual(await beside(), [LOCK]);
    },
    { log: noLog },
  );
  await placing;
  assert.equal(waited, true);
  assert.equal((await placeIn(prefix, stored, noLog)).hit, true);
});

test("leaves no lock where it refuses, and writes through no link that lies in the lock's place", async () => {
  const target = path.join(scratch, "passwd");
  await writeFile(target, "precious");
  await symlink(target, path.join(path.dirname(prefix), LOCK));
  await assert.rejects(placeIn(prefix, stored, noLog), {
    kind: "machine",
    message: /\.miopen\.rdna1-miopen\.lock: ELOOP/,
  });
  assert.equal(await readFile(target, "utf8"), "precious");
  await folders("foreign");
  await assert.rejects(placeIn(path.join(path.dirname(prefix), "foreign"), stored, noLog), { kind: "user" });
  assert.deepEqual((await beside()).sort(), [LOCK, "foreign"]);
});
