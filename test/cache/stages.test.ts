import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Stage, StageStore, type StageTier } from "../../src/cache/stages.ts";
import type { Log } from "../../src/ports/log.ts";

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

let roots = 0;
function store(tiers: readonly StageTier[] = []) {
  const log = new Lines();
  const root = join(folder, `root-${roots++}`);
  return { root, log, stages: new StageStore(root, log, tiers) };
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
  const tier: StageTier = {
    name: "tier",
    restore: async (_, out) => {
      const { mkdir } = await import("node:fs/promises");
      await mkdir(out, { recursive: true });
      await writeFile(
        join(out, "stage.json"),
        JSON.stringify({ parts: {}, result: { value: 1 }, files: { "x.txt": "0" } }),
      );
      return { found: true, why: "restored" };
    },
    save: async (key) => {
      saved.push(key);
      return "saved";
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

test("removes a result that no run has used for 30 days, and keeps one that was used", async () => {
  const { root, stages } = store();
  const old = await stages.run(counting({ input: "old" }).stage);
  const used = await stages.run(counting({ input: "used" }).stage);
  const longAgo = new Date(Date.now() - 31 * 24 * 3600 * 1000);
  for (const { folder: out } of [old, used]) utimesSync(out, longAgo, longAgo);
  assert.equal((await stages.run(counting({ input: "used" }).stage)).hit, true);
  await stages.run(counting({ input: "new" }).stage);
  const left = readdirSync(join(root, "stages/work")).filter((name) => !name.includes("."));
  assert.equal(left.includes(old.key), false);
  assert.equal(left.includes(used.key), true);
});
