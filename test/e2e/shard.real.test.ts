import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { PartFacts } from "../../src/kernels/part.ts";
import { sha256 } from "../../src/ports/files.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import type { ProofPartFacts } from "../../src/verify/proof-part.ts";
import type { ProofRow, Proofs } from "../../src/verify/proofs.ts";
import { mainJob, realToolchain, Sandbox } from "./sandbox.ts";
import { shareBuilds } from "./shared-builds.ts";

const toolchain = await realToolchain();
const skip = typeof toolchain === "string" ? toolchain : false;

/** Two lines and the naive solver that goes with a convolution: three commands for four shards, so that one has nothing to do. */
const KERNEL_SET = `MIOpenDriver conv -n 1 -c 16 -H 8 -W 8 -k 16 -y 3 -x 3 -p 1 -q 1 -F 4 -S GemmWrwUniversal
MIOpenDriver pool -W 1x4x8x8 -y 2 -x 2 -u 2 -v 2 -m max -F 1
`;
const SHARDS = [1, 2, 3, 4];

const manifestOf = (out: string) => JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as Manifest;
/** The proven rows without what a clock says. */
const rowsOf = (out: string) =>
  (JSON.parse(readFileSync(join(out, "proofs.json"), "utf8")) as Proofs).rows.map(({ seconds: _, ...row }) => row);
/** Every row that a shard has left. */
function rowsIn(file: string): ProofRow[] {
  const { ledgers } = JSON.parse(readFileSync(file, "utf8")) as ProofPartFacts;
  const lines = Object.values(ledgers as unknown as Record<string, string>).flatMap((text) => text.split("\n"));
  return lines.filter(Boolean).flatMap((line) => (JSON.parse(line) as [number, ProofRow | ProofRow[]])[1]);
}
/** SHA-256 of the database itself, in the machine's cache. */
function databaseOf(machine: Sandbox): string {
  const home = machine.path("cache/stages/kernels-gfx1010");
  const [key = ""] = readdirSync(home).filter((name) => !name.includes("."));
  return sha256(readFileSync(join(home, key, "gfx1010.kdb")));
}

describe("four jobs that compile a kernel set together, each on a machine of its own", { skip }, () => {
  const machines = SHARDS.map(() => new Sandbox());
  const merging = new Sandbox();
  const alone = new Sandbox();
  const parts = merging.path("parts");
  const set = merging.file("few.txt", KERNEL_SET);
  before(async () => {
    if (typeof toolchain !== "string") await shareBuilds(toolchain);
  });
  after(() => {
    for (const machine of [...machines, merging, alone]) machine.remove();
  });

  test("each leaves the kernels of its share, and says what they are made from", async () => {
    const facts: PartFacts[] = [];
    for (const [index, machine] of machines.entries()) {
      const name = `gfx1010-shard-${index + 1}-of-4`;
      const own = machine.file("few.txt", KERNEL_SET);
      const { code, stderr, stdout } = await machine.run(mainJob(own, "--shard", `${index + 1}/4`));
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`shard +${index + 1}/4\n +gfx1010 +\\d+ kernels of [01] commands out of 3`));
      assert.deepEqual(readdirSync(machine.path("out")).sort(), [`${name}.json`, `${name}.kdb`]);
      facts.push(JSON.parse(readFileSync(machine.path("out", `${name}.json`), "utf8")) as PartFacts);
      // The later the shard, the earlier its folder comes
      cpSync(machine.path("out"), join(parts, `job ${9 - index}`), { recursive: true });
    }
    assert.deepEqual(facts.map(({ commands }) => commands.share).sort(), [0, 1, 1, 1]);
    assert.deepEqual(
      facts.map(({ kernels }) => kernels.rows > 0),
      facts.map(({ commands }) => commands.share > 0),
    );
    assert.equal(new Set(facts.map(({ origin }) => JSON.stringify(origin))).size, 1);
  });

  test("put together they are the database of one job, byte for byte, and so is the tarball; all of it proven", async () => {
    const merged = await merging.run(mainJob(set, "--parts", parts));
    assert.equal(merged.code, 0, merged.stderr);
    assert.match(merged.stderr, /gfx1010: \d+ kernels from 3 commands in 4 parts/);
    const single = await alone.run(mainJob(set));
    assert.equal(single.code, 0, single.stderr);
    assert.match(single.stderr, /gfx1010: \d+ kernels from 3 commands, /);
    assert.equal(databaseOf(merging), databaseOf(alone));
    const [one, other] = [manifestOf(merging.path("out")), manifestOf(alone.path("out"))];
    assert.equal(one.kernels.gfx1010?.sha256, databaseOf(alone));
    assert.equal(one.tarball.sha256, other.tarball.sha256);
    assert.deepEqual(one.options, other.options);
    assert.deepEqual(rowsOf(merging.path("out")), rowsOf(alone.path("out")));
    assert.ok(rowsOf(merging.path("out")).every(({ result }) => result === "passed"));
  });

  test("each proves its share of the whole set, and these rows are taken over: the same proofs, and none is run again", async () => {
    const whole = merging.path("whole");
    cpSync(parts, whole, { recursive: true });
    for (const [index, machine] of machines.entries()) {
      const name = `gfx1010-proofs-${index + 1}-of-4.json`;
      const job = mainJob(machine.path("few.txt"), "--parts", parts, "--shard", `${index + 1}/4`, "--output", "proofs");
      const { code, stderr, stdout } = await machine.run(job);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /gfx1010 +proofs: \d+ passed, 0 failed, 0 skipped/);
      assert.deepEqual(readdirSync(machine.path("proofs")), [name]);
      cpSync(machine.path("proofs"), join(whole, String(index)), { recursive: true });
    }
    const { code, stderr } = await merging.run(mainJob(set, "--parts", whole, "--output", "proven"));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /verify gfx1010: changed since the last result: shards/);
    // With the seconds that the shards took for them; only the controls are run here
    const { rows } = JSON.parse(readFileSync(merging.path("proven/proofs.json"), "utf8")) as Proofs;
    const theirs = machines.flatMap((machine, index) =>
      rowsIn(machine.path(`proofs/gfx1010-proofs-${index + 1}-of-4.json`)),
    );
    const taken = new Set(theirs.map((row) => JSON.stringify(row)));
    const own = rows.filter((row) => !taken.has(JSON.stringify(row)));
    assert.deepEqual([...new Set(own.map(({ kind }) => kind))], ["negative-control"]);
    assert.equal(rows.length - own.length, theirs.length);
    assert.deepEqual(rowsOf(merging.path("proven")), rowsOf(alone.path("out")));
    assert.equal(manifestOf(merging.path("proven")).tarball.sha256, manifestOf(alone.path("out")).tarball.sha256);
  });

  test("the order and the folders of the parts make no difference: nothing is done again", async () => {
    renameSync(parts, merging.path("earlier"));
    mkdirSync(parts);
    for (const index of [2, 0, 3, 1]) {
      cpSync(machines[index]?.path("out") ?? "", join(parts, String(index)), { recursive: true });
    }
    const { code, stderr } = await merging.run(mainJob(set, "--parts", parts));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /kernels gfx1010: skipped, nothing changed/);
  });

  test("parts of another list of commands are refused, and one is named", async () => {
    const other = merging.file("other.txt", KERNEL_SET.replace("-F 4", "-F 2"));
    const { code, stderr } = await merging.run(mainJob(other, "--parts", parts));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /gfx1010-shard-1-of-4\.json was made with another list of commands/);
  });

  test("a missing part is refused before anything is made", async () => {
    renameSync(join(parts, "1"), merging.path("aside"));
    const { code, stderr } = await merging.run(mainJob(set, "--parts", parts, "--offline", "--rocm-version", "1.0.0"));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /lacks shard 2\/4 of gfx1010/);
  });
});
