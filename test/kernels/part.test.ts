import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkParts, copyPart, findParts, type PartFacts, partName } from "../../src/kernels/part.ts";
import { shareDigest, shareOf } from "../../src/kernels/shard.ts";
import { sha256 } from "../../src/ports/files.ts";
import { scratch } from "../toolchain/helpers.ts";

const commands = ["1", "2", "4"].map((direction) => ({ args: ["conv", "-F", direction], family: "test" }));
const origin = {
  ...{ miopen: "3.5.1", library: "1".repeat(64), toolchain: "2".repeat(64), device: "3".repeat(64) },
  ...{ "kernel-set": "4".repeat(64), schema: "1" },
};
const wanted = { origin, commands };

/** Writes the part of a shard, whose database is some text here: it is only compared with its digest. */
function write(folder: string, number: number, of: number, more: Partial<PartFacts> = {}): string {
  const shard = { number, of };
  const name = partName("gfx1010", shard);
  const database = `kernels of ${number}/${of}`;
  const share = shareOf(commands, shard);
  const facts: PartFacts = {
    ...{ schema: 1, name: "rdna1-miopen", target: "gfx1010", shard: `${number}/${of}`, origin, refused: [] },
    commands: { share: share.length, all: commands.length, sha256: shareDigest(share) },
    kernels: { rows: 1, bytes: database.length, sha256: sha256(database) },
    ...more,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.kdb`), database);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(facts));
  return name;
}

async function three(t: TestContext): Promise<string> {
  const folder = await scratch(t);
  for (const number of [1, 2, 3]) write(folder, number, 3);
  return folder;
}
const merged = async (folder: string) => await checkParts(await findParts(folder, "gfx1010"), wanted);
const refusal = (message: RegExp) => ({ kind: "user", message });

test("finds the parts of a target in any folders, in the order of their shards", async (t) => {
  const folder = await scratch(t);
  for (const number of [3, 1, 2]) write(join(folder, `of job ${4 - number}`), number, 3);
  write(folder, 1, 2, { target: "gfx1012" });
  writeFileSync(join(folder, "notes.json"), "mine");
  const parts = await merged(folder);
  assert.deepEqual(
    parts.map(({ shard }) => shard),
    ["1/3", "2/3", "3/3"],
  );
  assert.deepEqual(
    parts.map(({ path }) => readFileSync(path, "utf8").slice(-3)),
    ["1/3", "2/3", "3/3"],
  );
});

test("brings a part into another folder", async (t) => {
  const [from, to] = [await three(t), await scratch(t)];
  for (const number of [1, 2, 3]) await copyPart(partName("gfx1010", { number, of: 3 }), from, to);
  assert.equal((await merged(to)).length, 3);
});

test("names the shards that are missing", async (t) => {
  const folder = await three(t);
  rmSync(join(folder, "gfx1010-shard-2-of-3.json"));
  await assert.rejects(merged(folder), refusal(/lacks shard 2\/3 of gfx1010/));
  rmSync(join(folder, "gfx1010-shard-1-of-3.json"));
  await assert.rejects(merged(folder), refusal(/lacks shard 1\/3, 2\/3 of gfx1010/));
  await assert.rejects(findParts(folder, "gfx1012"), refusal(/no part for gfx1012/));
  await assert.rejects(findParts(join(folder, "none"), "gfx1010"), refusal(/there is no folder/));
});

test("names a shard that is there twice, and both files", async (t) => {
  const folder = await three(t);
  cpSync(join(folder, "gfx1010-shard-2-of-3.json"), join(folder, "again/gfx1010-shard-2-of-3.json"));
  const both =
    /more than one file has shard 2\/3 of gfx1010: .*again\/gfx1010-shard-2-of-3\.json, .*gfx1010-shard-2-of-3\.json/;
  await assert.rejects(merged(folder), refusal(both));
});

test("refuses parts of two divisions", async (t) => {
  const folder = await three(t);
  write(folder, 1, 2);
  await assert.rejects(merged(folder), refusal(/shard 1\/2, .* is 1\/3/));
});

for (const [field, words] of [
  ["miopen", /gfx1010-shard-2-of-3\.json was made with another MIOpen \(3\.4\.0; here 3\.5\.1\)/],
  ["library", /another build of MIOpen/],
  ["toolchain", /another toolchain/],
  ["device", /another virtual device/],
  ["kernel-set", /another list of commands/],
  ["schema", /another version of this program/],
] as const) {
  test(`refuses a part with another ${field}, and names it`, async (t) => {
    const folder = await three(t);
    write(folder, 2, 3, { origin: { ...origin, [field]: field === "miopen" ? "3.4.0" : "other" } });
    await assert.rejects(merged(folder), refusal(words));
  });
}

test("refuses a part whose share was divided in another way", async (t) => {
  const folder = await three(t);
  write(folder, 2, 3, { commands: { share: 1, all: 3, sha256: shareDigest(shareOf(commands, { number: 1, of: 3 })) } });
  await assert.rejects(merged(folder), refusal(/shard-2-of-3\.json is of other commands/));
});

test("refuses a part whose database is damaged or missing", async (t) => {
  const folder = await three(t);
  const file = join(folder, "gfx1010-shard-3-of-3.kdb");
  writeFileSync(file, "kernels of 4/3");
  await assert.rejects(merged(folder), refusal(/shard-3-of-3\.kdb is damaged/));
  renameSync(file, `${file}.aside`);
  await assert.rejects(merged(folder), refusal(/shard-3-of-3\.kdb cannot be read/));
});

for (const text of ["", "{}", "[]", '{"schema":1,"name":"rdna1-miopen","shard":"2/3"}']) {
  test(`refuses ${text || "an empty file"} in place of a part's facts`, async (t) => {
    const folder = await three(t);
    writeFileSync(join(folder, "gfx1010-shard-2-of-3.json"), text);
    await assert.rejects(merged(folder), refusal(/shard-2-of-3\.json is no part that this program wrote/));
  });
}
