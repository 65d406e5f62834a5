import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { actionsTiers } from "../../src/cache/actions.ts";
import { recordedLog } from "../toolchain/helpers.ts";
import { CacheServer } from "./cache-server.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { machine as machineWith, stage } from "./machine.ts";

/** A job's machine, and a cache service whose faults are the test's. */
async function machine(t: TestContext) {
  const server = await CacheServer.start(t);
  return { server, ...(await machineWith(t, server.address)) };
}

test("saves a stage when it ends, and the next job takes it instead of running it", async (t) => {
  const { server, job } = await machine(t);
  const first = await job();
  const { key } = await first.stages.run(stage());
  assert.deepEqual([...server.entries.keys()], [`rdna1-miopen-work-${key}`]);
  assert.deepEqual(
    first.record.tiers.map(({ did, why }) => [did, why]),
    [
      ["missed", `no entry rdna1-miopen-work-${key}`],
      ["saved", `saved as rdna1-miopen-work-${key}`],
    ],
  );
  assert.equal(first.record.cacheHit, false);

  const second = await job();
  const again = stage();
  const outcome = await second.stages.run(again);
  assert.equal(again.runs, 0);
  assert.deepEqual([outcome.hit, outcome.result.value], [true, 7]);
  assert.equal(readFileSync(join(outcome.folder, "result.txt"), "utf8"), "a".repeat(10_000));
  assert.deepEqual(
    second.record.stages.map(({ from }) => from),
    ["Actions cache"],
  );
  assert.equal(second.record.cacheHit, true);
});

test("runs the stage when the archive is truncated, says so, and leaves nothing of it", async (t) => {
  const { server, job, root } = await machine(t);
  const { key } = await (await job()).stages.run(stage());
  const entry = server.entries.get(`rdna1-miopen-work-${key}`);
  assert.ok(entry);
  entry.body = entry.body.subarray(0, entry.body.length / 2);
  const { stages, record } = await job();
  const again = stage();
  const { folder } = await stages.run(again);
  assert.equal(again.runs, 1);
  assert.match(record.tiers[0]?.why ?? "", /is not usable \(Failed to restore: .*tar.* failed/);
  assert.equal(readFileSync(join(folder, "result.txt"), "utf8").length, 10_000);
  assert.deepEqual(readdirSync(join(root, "stages/work")).sort(), [key, `${key}.lock`]);
});

test("runs the stage when the archive is of another key, and says so", async (t) => {
  const { server, job } = await machine(t);
  const { stages } = await job();
  const a = await stages.run(stage("a"));
  const b = await stages.run(stage("b"));
  const ofA = server.entries.get(`rdna1-miopen-work-${a.key}`);
  const ofB = server.entries.get(`rdna1-miopen-work-${b.key}`);
  assert.ok(ofA && ofB);
  ofA.body = ofB.body;
  const { stages: next, record } = await job();
  const again = stage("a");
  const { folder } = await next.run(again);
  assert.equal(again.runs, 1);
  assert.equal(readFileSync(join(folder, "result.txt"), "utf8"), "a".repeat(10_000));
  assert.match(record.tiers[0]?.why ?? "", /is not usable: another folder is in it/);
});

test("gives a restore up that hangs, ends it with its process, and runs the stage", async (t) => {
  for (const hangsAt of ["GetCacheEntryDownloadURL", "GET"]) {
    const { server, job } = await machine(t);
    await (await job()).stages.run(stage());
    server.hangsAt = hangsAt;
    server.calls.length = 0;
    const { stages, record } = await job({ limits: { restoreMs: 10_000, saveMs: 3000 } });
    const again = stage();
    await stages.run(again);
    assert.equal(again.runs, 1);
    assert.equal(record.tiers[0]?.why, "given up after 10 s");
    assert.ok(server.calls.some((call) => call.startsWith(hangsAt)));
    assert.equal(server.hanging.ended, server.hanging.begun, "no client of it is left");
  }
});

test("runs the stage when an answer of the service breaks off, and says so", async (t) => {
  const { hostname, port } = new URL((await CacheServer.start(t)).address);
  const proxy = await FaultProxy.start(t, { host: hostname, port });
  const { job } = await machineWith(t, proxy.address);
  proxy.plan(/GetCacheEntryDownloadURL/, { kind: "cut", after: 5 });
  const { stages, record } = await job();
  await stages.run(stage());
  assert.deepEqual(
    record.tiers.map(({ did, why }) => `${did}: ${why.replace(/work-\w+/, "work")}`),
    ["missed: its client lost the connection in the middle of an answer", "saved: saved as rdna1-miopen-work"],
  );
});

test("takes a denied write as normal, and packs nothing more in this run", async (t) => {
  const { server, job } = await machine(t);
  server.denial = "cache write denied: token is read-only";
  const { stages, record, log } = await job();
  await stages.run(stage("a"));
  server.calls.length = 0;
  await stages.run(stage("b"));
  const saves = record.tiers.filter(({ did }) => did === "not saved");
  assert.match(saves[0]?.why ?? "", /not saved as rdna1-miopen-work-\w+ \(Failed to save: .*read-only/);
  assert.equal(saves[1]?.why, "not saved: this run may not write it");
  assert.ok(server.calls.every((call) => call.startsWith("GetCacheEntryDownloadURL")));
  assert.deepEqual(
    log.lines.filter((line) => /^(warning|error)/.test(line)),
    [],
  );
});

test("only restores where the run's cache mode says so", async (t) => {
  const { server, job } = await machine(t);
  await (await job()).stages.run(stage("a"));
  const { stages, record } = await job({ env: { ACTIONS_CACHE_MODE: "read" } });
  const known = stage("a");
  await stages.run(known);
  await stages.run(stage("b"));
  assert.equal(known.runs, 0);
  assert.equal(record.tiers.at(-1)?.why, "not saved: this run may not write it (cache mode read)");
  assert.equal(server.entries.size, 1);
});

test("skips what is too large for an entry, and says how large it is", async (t) => {
  const { server, job } = await machine(t);
  const { stages, record } = await job({ limits: { entryBytes: 5000 } });
  await stages.run(stage());
  assert.match(
    record.tiers.at(-1)?.why ?? "",
    /^not saved: 10\.\d kB are more than the 5\.0 kB that an entry may have$/,
  );
  assert.equal(
    server.calls.some((call) => call.startsWith("CreateCacheEntry")),
    false,
  );
});

test("packs nothing that another job has saved meanwhile", async (t) => {
  const { server, job, folder } = await machine(t);
  const { tier } = await job();
  const entry = { key: "key", folder: join(folder, "cache/thing") };
  await mkdir(entry.folder, { recursive: true });
  await writeFile(join(entry.folder, "x"), "x");
  assert.deepEqual(await tier.save(entry), { saved: true, why: "saved as key" });
  server.calls.length = 0;
  assert.deepEqual(await tier.save(entry), { saved: true, why: "key is there already" });
  assert.deepEqual(server.calls, ["GetCacheEntryDownloadURL key"]);
});

test("takes the newest entry of a prefix where one is allowed, and none without", async (t) => {
  const { job, folder } = await machine(t);
  const { tier } = await job();
  const thing = join(folder, "cache/thing");
  for (const run of ["1", "2"]) {
    await mkdir(thing, { recursive: true });
    await writeFile(join(thing, "run"), run);
    await tier.save({ key: `ccache-abc-${run}`, folder: thing });
  }
  await rm(thing, { recursive: true });
  assert.deepEqual(await tier.restore({ key: "ccache-abc-3", folder: thing }), {
    found: false,
    why: "no entry ccache-abc-3",
  });
  assert.equal(existsSync(thing), false);
  const prefixes = ["ccache-abd-", "ccache-abc-"];
  assert.deepEqual(await tier.restore({ key: "ccache-abc-3", folder: thing, prefixes }), {
    found: true,
    why: "restored ccache-abc-2",
  });
  assert.equal(readFileSync(join(thing, "run"), "utf8"), "2");
});

test("is off on a self-hosted runner unless it is asked for", async () => {
  const log = recordedLog();
  assert.deepEqual(await actionsTiers("auto", { RUNNER_ENVIRONMENT: "self-hosted" }, log), []);
  assert.match(log.lines[0] ?? "", /off on a self-hosted runner; its tool cache is used/);
  const before = process.env.ACTIONS_CACHE_URL;
  process.env.ACTIONS_CACHE_URL = "http://127.0.0.1:9/";
  try {
    assert.equal((await actionsTiers("actions", { RUNNER_ENVIRONMENT: "self-hosted" }, log)).length, 1);
    assert.equal((await actionsTiers("auto", { RUNNER_ENVIRONMENT: "github-hosted" }, log)).length, 1);
  } finally {
    if (before === undefined) delete process.env.ACTIONS_CACHE_URL;
    else process.env.ACTIONS_CACHE_URL = before;
  }
});
