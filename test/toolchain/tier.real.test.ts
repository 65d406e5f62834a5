import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Tiers } from "../../src/cache/tiers.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { RunRecord } from "../../src/record.ts";
import { debianToolchain } from "../../src/toolchain/debian.ts";
import { folderTier } from "../cache/folder-tier.ts";
import { recordedLog, scratch } from "./helpers.ts";
import { setting } from "./setting.ts";
import { cannotMakeArchive } from "./small-archive.ts";

const skip = cannotMakeArchive();

test("saves a new tree in the tier, takes it from there, and makes a damaged one anew", { skip }, async (t) => {
  const { server, options, cacheRoot } = await setting(t);
  const home = await scratch(t);
  const log = recordedLog();
  const record = new RunRecord();
  const ports = { exec: new NodeExec(), log, tiers: new Tiers([folderTier(home)], log, record) };
  const made = await debianToolchain(options, ports);
  const tree = dirname(made.root);
  assert.match(log.lines.join("\n"), /tier: saved as rdna1-miopen-toolchain-debian-7\.2\.4-amd64-/);

  await rm(cacheRoot, { recursive: true });
  server.requests.length = 0;
  assert.equal((await debianToolchain(options, ports)).digest, made.digest);
  assert.deepEqual(server.requests, []);

  const [, key = ""] = /saved as (\S+)/.exec(log.lines.join("\n")) ?? [];
  await writeFile(join(home, key, "root/usr/include/hip/hip_runtime.h"), "damaged");
  await rm(tree, { recursive: true });
  assert.equal((await debianToolchain(options, ports)).digest, made.digest);
  assert.match(record.tiers.at(-2)?.why ?? "", /is not usable: the toolchain is damaged \(.*hip_runtime\.h.*\)/);
});

test("takes no tree from the tier that is another toolchain", { skip }, async (t) => {
  const { options, cacheRoot } = await setting(t);
  const home = await scratch(t);
  const log = recordedLog();
  const record = new RunRecord();
  const ports = { exec: new NodeExec(), log, tiers: new Tiers([folderTier(home)], log, record) };
  await debianToolchain({ ...options, rocmVersion: "7.1.0" }, ports);
  const made = await debianToolchain(options, ports);
  const keys = record.tiers.filter(({ did }) => did === "saved").map(({ why }) => why.replace("saved as ", ""));
  const [of710 = "", of724 = ""] = keys;
  await rm(join(home, of724), { recursive: true });
  await rename(join(home, of710), join(home, of724));
  await rm(cacheRoot, { recursive: true });
  const again = await debianToolchain(options, ports);
  assert.deepEqual([again.rocmVersion, again.digest], [made.rocmVersion, made.digest]);
  assert.match(record.tiers.at(-2)?.why ?? "", /is not usable: it is the toolchain debian-7\.1\.0-/);
});
