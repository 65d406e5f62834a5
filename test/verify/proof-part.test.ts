import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readLedger } from "../../src/verify/ledger.ts";
import { givenProofs, type ProofPartFacts, proofPartName, seedLedger } from "../../src/verify/proof-part.ts";
import { scratch } from "../toolchain/helpers.ts";

const origin = {
  ...{ miopen: "3.5.1", library: "1", toolchain: "2", device: "3", "kernel-set": "4", schema: "1" },
  ...{ database: "5", simulator: "6", prover: "7", table: "1" },
};

/** Writes the proofs of shard `number` of 2: its rows of the table and of completeness, one each. */
function write(folder: string, number: number, more: Partial<ProofPartFacts> = {}): string {
  const row = (kind: string) => `${JSON.stringify([number - 1, `${kind} ${number}`])}\n`;
  const facts: ProofPartFacts = {
    ...{ schema: 1, name: "rdna1-miopen", target: "gfx1010", shard: `${number}/2`, origin },
    ledgers: { numerical: row("table"), prover: "", completeness: row("command") },
    ...more,
  };
  const file = join(folder, proofPartName("gfx1010", { number, of: 2 }));
  writeFileSync(file, JSON.stringify(facts));
  return file;
}

test("takes the rows of all shards together, as a ledger that a proof goes on with", async (t) => {
  const folder = await scratch(t);
  for (const number of [2, 1]) write(folder, number);
  const given = await givenProofs(folder, "gfx1010", origin);
  const ledger = join(folder, "work/rows.jsonl");
  await seedLedger(ledger, given?.ledgers.numerical ?? "");
  assert.deepEqual(
    [...(await readLedger<string>(ledger))],
    [
      [0, "table 1"],
      [1, "table 2"],
    ],
  );
});

test("where no shard has proven anything, everything is left to prove", async (t) => {
  const folder = await scratch(t);
  write(folder, 1, { target: "gfx1012" });
  assert.equal(await givenProofs(folder, "gfx1010", origin), null);
});

test("its digest changes with any row", async (t) => {
  const folder = await scratch(t);
  for (const number of [1, 2]) write(folder, number);
  const before = await givenProofs(folder, "gfx1010", origin);
  write(folder, 2, { ledgers: { numerical: "", prover: "[0,[]]\n", completeness: "" } });
  assert.notEqual((await givenProofs(folder, "gfx1010", origin))?.digest, before?.digest);
});

test("refuses the proofs of some shards only, and names those that are missing", async (t) => {
  const folder = await scratch(t);
  write(folder, 1);
  await assert.rejects(givenProofs(folder, "gfx1010", origin), {
    kind: "user",
    message: /lacks proofs 2\/2 of gfx1010/,
  });
});

for (const [field, words] of [
  ["database", /proofs-2-of-2\.json was made with another kernel database/],
  ["simulator", /another virtual device/],
  ["prover", /another prover/],
  ["table", /another proof table/],
  ["miopen", /another MIOpen/],
] as const) {
  test(`refuses proofs with another ${field}, and names the file`, async (t) => {
    const folder = await scratch(t);
    write(folder, 1);
    write(folder, 2, { origin: { ...origin, [field]: "other" } });
    await assert.rejects(givenProofs(folder, "gfx1010", origin), { kind: "user", message: words });
  });
}

test("refuses a file that is cut short", async (t) => {
  const folder = await scratch(t);
  write(folder, 1);
  const file = write(folder, 2);
  writeFileSync(file, '{"schema":1,');
  await assert.rejects(givenProofs(folder, "gfx1010", origin), {
    kind: "user",
    message: /is no part that this program/,
  });
});
