import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { type Stage, StageStore } from "../../src/cache/stages.ts";
import { type CacheTier, Tiers } from "../../src/cache/tiers.ts";
import type { Log } from "../../src/ports/log.ts";
import { RunRecord } from "../../src/record.ts";
import { asUser } from "../toolchain/helpers.ts";

const folder = mkdtempSync("/tmp/rdna1-stages-");
after(() => rmSync(folder, { recursive: true, force: true }));

class Lines implements Log {
  readonly lines: string[] = [];
  debug(): void {}
  progress(): void {}
  info(message: string): void {
    this.lines.push(message);
  }
  warning(message: string): void {
    this.lines.push(message);
  }
  error(message: string): void {
    this.lines.push(message);
  }
  async group<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.lines.push(title);
    return await work();
  }
}

const longAgo = new Date(Date.now() - 31 * 24 * 3600 * 1000);

let roots = 0;
function store(tiers: readonly CacheTier[] = []) {
  const log = new Lines();
  const root = join(folder, `root-${roots++}`);
  const record = new RunRecord();
  return { root, log, record, stages: new StageStore(root, log, record, new Tiers(tiers, log, record)) };
}

function counting(parts: Record<string, string>) {
  const runs: string[] = [];
  const stage: Stage<{ value: number }> = {
    name: "work",
    parts,
    run: async (out) => {
      runs.push(out);
      await writeFile(join(out, "result.txt"), parts.input ?? "");
      return { value: 7 };
    },
  };
  return { runs, stage };
}

test("runs a stage once for the same parts, and gives its value and files again", async () => {
  const { log, stages } = store();
  const { runs, stage } = counting({ input: "a" });
  const first = await stages.run(stage);
  const second = await stages.run(stage);
  assert.equal(runs.length, 1);
  assert.deepEqual([first.hit, second.hit, second.result.value, second.seconds], [false, true, 7, 0]);
  assert.equal(await readFile(join(second.folder, "result.txt"), "utf8"), "a");
  assert.match(log.lines.join("\n"), /no earlier result[\s\S]*skipped, nothing changed/);
});

test("says which part changed", async () => {
  const { log, stages } = store();
  await stages.run(counting({ input: "a", other: "same" }).stage);
  await stages.run(counting({ input: "b", other: "same" }).stage);
  assert.match(log.lines.at(-1) ?? "", /changed since the last result: input a -> b$/);
});

test("does not mind a neighbour that cannot be read, and compares with one that can", async () => {
  const { root, log, stages } = store();
  await stages.run(counting({ input: "a" }).stage);
  const broken = { cut: '{"schema":1,"pa', "without-parts": '{"files":{}}', none: "null", folder: null };
  for (const [name, text] of Object.entries(broken)) {
    const record = join(root, "stages/work", name, "stage.json");
    mkdirSync(text === null ? record : dirname(record), { recursive: true });
    if (text !== null) writeFileSync(record, text);
  }
  await stages.run(counting({ input: "b" }).stage);
  assert.match(log.lines.at(-1) ?? "", /changed since the last result: input a -> b$/);
});

for (const text of ["null", "{}", '{"parts":{"input":"a","stage":"work"}}']) {
  test(`does a result again whose record is ${text}`, async () => {
    const { log, stages } = store();
    const { runs, stage } = counting({ input: "a" });
    const { folder: out } = await stages.run(stage);
    writeFileSync(join(out, "stage.json"), text);
    await stages.run(stage);
    assert.equal(runs.length, 2);
    assert.match(log.lines.at(-1) ?? "", /damaged \(stage\.json\)/);
  });
}

test("does a damaged result again and names the file", async () => {
  const { log, stages } = store();
  const { runs, stage } = counting({ input: "a" });
  const { folder: out } = await stages.run(stage);
  writeFileSync(join(out, "result.txt"), "A");
  const again = await stages.run(stage);
  assert.equal(runs.length, 2);
  assert.equal(await readFile(join(again.folder, "result.txt"), "utf8"), "a");
  assert.match(log.lines.at(-1) ?? "", /damaged \(result\.txt\)/);
});

test("goes on in the folder that an interrupted run left", async () => {
  const { log, stages } = store();
  let attempts = 0;
  const stage: Stage<null> = {
    name: "work",
    parts: { input: "a" },
    run: async (out) => {
      attempts += 1;
      if (attempts === 1) {
        await writeFile(join(out, "half.txt"), "done before");
        throw new Error("killed");
      }
      assert.equal(await readFile(join(out, "half.txt"), "utf8"), "done before");
      return null;
    },
  };
  await assert.rejects(stages.run(stage), /killed/);
  await stages.run(stage);
  assert.match(log.lines.at(-1) ?? "", /goes on where an interrupted run was/);
});

test("lets one of several do the work", async () => {
  const { stages } = store();
  const { runs, stage } = counting({ input: "a" });
  const outcomes = await Promise.all([stages.run(stage), stages.run(stage), stages.run(stage)]);
  assert.equal(runs.length, 1);
  assert.deepEqual(new Set(outcomes.map(({ key }) => key)).size, 1);
});

test("checks what a tier restores, and does the work when it is not whole", async () => {
  const saved: string[] = [];
  const tier: CacheTier = {
    name: "tier",
    restore: async ({ folder: out }) => {
      const { mkdir } = await import("node:fs/promises");
      await mkdir(out, { recursive: true });
      await writeFile(
        join(out, "stage.json"),
        JSON.stringify({ parts: {}, result: { value: 1 }, files: { "x.txt": "0" } }),
      );
      return { found: true, why: "restored" };
    },
    save: async ({ key }) => {
      saved.push(key);
      return { saved: true, why: "saved" };
    },
  };
  const { root, stages } = store([tier]);
  const { runs, stage } = counting({ input: "a" });
  const outcome = await stages.run({ ...stage, shared: true });
  assert.equal(outcome.result.value, 7);
  assert.equal(runs.length, 1);
  assert.deepEqual(saved, [`rdna1-miopen-work-${outcome.key}`]);
  assert.deepEqual(
    readdirSync(join(root, "stages/work")).filter((name) => name.endsWith(".partial")),
    [],
  );
});

test("does a result again that was made from something else, whatever its name says", async () => {
  const { root, log, stages } = store();
  const { key } = await stages.run(counting({ input: "a" }).stage);
  const other = counting({ input: "b" });
  const { key: wanted } = await stages.run(other.stage);
  rmSync(join(root, "stages/work", wanted), { recursive: true });
  cpSync(join(root, "stages/work", key), join(root, "stages/work", wanted), { recursive: true });
  const again = await stages.run(other.stage);
  assert.equal(other.runs.length, 2);
  assert.equal(await readFile(join(again.folder, "result.txt"), "utf8"), "b");
  assert.match(log.lines.at(-1) ?? "", /the cached result is another one's/);
});

test("knows the stage that failed, and the one that runs", async () => {
  const { record, stages } = store();
  const failing = { ...counting({ input: "a" }).stage, run: () => Promise.reject(new Error("broken")) };
  const error: unknown = await record.during("build", () => stages.run(failing)).catch((thrown: unknown) => thrown);
  assert.equal(record.stageOf(error), "work");
  assert.equal(record.stageOf(new Error("another")), null);
  const looking: Stage<{ running: string | null }> = {
    ...counting({ input: "b" }).stage,
    run: async () => ({ running: record.running }),
  };
  const { result } = await record.during("build", () => stages.run(looking));
  assert.deepEqual([result.running, record.running], ["work", null]);
});

test("removes a result that no run has used for 30 days, and keeps one that was used", async () => {
  const { root, stages } = store();
  const old = await stages.run(counting({ input: "old" }).stage);
  const used = await stages.run(counting({ input: "used" }).stage);
  for (const { folder: out } of [old, used]) utimesSync(out, longAgo, longAgo);
  assert.equal((await stages.run(counting({ input: "used" }).stage)).hit, true);
  await stages.run(counting({ input: "new" }).stage);
  const left = readdirSync(join(root, "stages/work")).filter((name) => !name.includes("."));
  assert.equal(left.includes(old.key), false);
  assert.equal(left.includes(used.key), true);
});

test("removes what a killed proof left read-only, and lets stay what cannot be removed", async () => {
  const home = join(folder, "unused");
  const longAgo = new Date(Date.now() - 31 * 24 * 3600 * 1000);
  for (const name of ["killed/a.partial", "foreign/b.partial"]) {
    mkdirSync(join(home, name, "work/system"), { recursive: true });
    writeFileSync(join(home, name, "work/system/gfx1010.kdb"), "");
    chmodSync(join(home, name, "work/system"), 0o555);
    utimesSync(join(home, name), longAgo, longAgo);
  }
  chmodSync(join(home, "foreign"), 0o555);
  for (const [name, left] of [
    ["killed", []],
    ["foreign", ["b.partial"]],
  ] as const) {
    assert.equal(await asUser("cache/unused.ts", `removeUnused("${join(home, name)}", /partial$/, 30)`), "");
    assert.deepEqual(readdirSync(join(home, name)), left);
  }
  chmodSync(join(home, "foreign"), 0o755);
});

test("keeps what came from a tier with the time of its making", async () => {
  const made = store();
  const { folder: original, key } = await made.stages.run(counting({ input: "a" }).stage);
  const tier: CacheTier = {
    name: "tier",
    restore: async ({ key: wanted, folder: out }) => {
      if (!wanted.endsWith(key)) return { found: false, why: "not there" };
      cpSync(original, out, { recursive: true });
      utimesSync(out, longAgo, longAgo);
      return { found: true, why: "restored" };
    },
    save: async () => ({ saved: true, why: "saved" }),
  };
  const { root, stages } = store([tier]);
  assert.equal((await stages.run({ ...counting({ input: "a" }).stage, shared: true })).hit, true);
  await stages.run(counting({ input: "new" }).stage);
  assert.ok(readdirSync(join(root, "stages/work")).includes(key));
});

test("keeps what an interrupted run left a month ago while another goes on with it", async () => {
  const { stages } = store();
  const resumed = counting({ input: "long" }).stage;
  let partial = "";
  const interrupted = async (out: string) => {
    partial = out;
    await writeFile(join(out, "half.txt"), "done before");
    throw new Error("killed");
  };
  await assert.rejects(stages.run({ ...resumed, run: interrupted }), /killed/);
  utimesSync(partial, longAgo, longAgo);
  await stages.run({
    ...resumed,
    run: async (out) => {
      await stages.run(counting({ input: "short" }).stage);
      assert.equal(await readFile(join(out, "half.txt"), "utf8"), "done before");
      return { value: 7 };
    },
  });
});
