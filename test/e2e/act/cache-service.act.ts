import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { TransferLimits } from "../../../src/cache/actions.ts";
import { bytesBelow } from "../../../src/ports/files.ts";
import { size } from "../../../src/units.ts";
import { type Fault, FaultProxy } from "../../cache/fault-proxy.ts";
import { machine, stage } from "../../cache/machine.ts";
import { startService } from "../../cache/service.ts";
import { noise } from "../../release/sample.ts";
import { scratch } from "../../toolchain/helpers.ts";
import { realToolchain } from "../sandbox.ts";
import { CACHE_SERVICE, find } from "./tools.ts";

const service = find(CACHE_SERVICE);

const BIG = process.env.RDNA1_TEST_FULL !== "1" && "takes minutes; RDNA1_TEST_FULL=1 runs it";

const LOOK_UP = /^POST .*\/GetCacheEntryDownloadURL$/;
const RESERVE = /^POST .*\/CreateCacheEntry$/;
const FINISH = /^POST .*\/FinalizeCacheEntryUpload$/;
const DOWNLOAD = /^GET /;
const UPLOAD = /^PUT /;
const ALWAYS = Number.POSITIVE_INFINITY;

/** Does not compress, so that an archive has at least as many bytes */
const CONTENT = noise("cache", 3_000_000);
const MIDDLE = 1_500_000;
const LIMITS = { restoreMs: 12_000, saveMs: 12_000 };
/** What starting, packing and ending take beyond a limit on a busy machine */
const SLACK = 20_000;

/** Jobs with the real client, a real service, and a network between them that goes wrong as planned. */
async function jobs(t: TestContext) {
  assert.ok("program" in service);
  const socketPath = await startService(t, service.program, await scratch(t));
  const proxy = await FaultProxy.start(t, { socketPath });
  const { job, ...rest } = await machine(t, proxy.address);
  /** What a job does with the stage: whether it ran it, and what the log's tier notes say. */
  const run = async (limits: Partial<TransferLimits> = LIMITS) => {
    const { stages, record, log } = await job({ limits });
    const made = stage("a", CONTENT);
    const started = performance.now();
    const { folder } = await stages.run(made);
    assert.ok(readFileSync(join(folder, "result.txt")).equals(CONTENT));
    assert.deepEqual(
      log.lines.filter((line) => /^(warning|error)/.test(line)),
      [],
    );
    const notes = record.tiers.map(({ did, why }) => `${did}: ${why}`);
    return { runs: made.runs, notes, milliseconds: performance.now() - started };
  };
  return { proxy, run, job, ...rest };
}

describe("a cache service that no one here wrote", { skip: "skip" in service && service.skip }, () => {
  test("takes what a job saves, and the next job gets it", async (t) => {
    const { run } = await jobs(t);
    const first = await run();
    assert.match(first.notes.join("\n"), /^missed: no entry .*\nsaved: saved as rdna1-miopen-work-\w+$/);
    const second = await run();
    assert.equal(second.runs, 0);
    assert.match(second.notes.join("\n"), /^restored: restored rdna1-miopen-work-\w+$/);
  });

  test("one failure of each kind is got over", async (t) => {
    const { proxy, run } = await jobs(t);
    for (const on of [RESERVE, UPLOAD, FINISH]) proxy.plan(on, { kind: "answer", status: 503 });
    const first = await run({ saveMs: 60_000 });
    assert.match(first.notes[1] ?? "", /^saved: /);
    proxy.plan(LOOK_UP, { kind: "late", milliseconds: 1500 });
    proxy.plan(LOOK_UP, { kind: "answer", status: 502 });
    proxy.plan(DOWNLOAD, { kind: "late", milliseconds: 1500 });
    assert.equal((await run({ restoreMs: 60_000 })).runs, 0);
    assert.equal(proxy.outstanding, 0);
  });

  const restores: Record<string, [RegExp, Fault, number, RegExp]> = {
    "a download that ends half way": [DOWNLOAD, { kind: "cut", after: MIDDLE }, ALWAYS, /not usable|given up/],
    "a bit that is turned in the archive": [DOWNLOAD, { kind: "garble", at: MIDDLE }, ALWAYS, /not usable/],
    "a download that stands still": [DOWNLOAD, { kind: "hang", after: MIDDLE }, ALWAYS, /given up after 12 s/],
    "a download that never begins": [DOWNLOAD, { kind: "silence" }, ALWAYS, /given up after 12 s/],
    "a download that the storage refuses": [DOWNLOAD, { kind: "answer", status: 500 }, ALWAYS, /not usable|given up/],
    "a service that fails": [LOOK_UP, { kind: "answer", status: 500 }, ALWAYS, /given up after 12 s/],
    "a service that says too much was asked": [LOOK_UP, { kind: "answer", status: 429 }, ALWAYS, /no entry/],
    "a service that does not answer": [LOOK_UP, { kind: "silence" }, ALWAYS, /given up after 12 s/],
    "an answer that ends half way": [LOOK_UP, { kind: "cut", after: 20 }, ALWAYS, /given up|no entry/],
    "an answer that is garbled": [LOOK_UP, { kind: "garble", at: 0 }, ALWAYS, /given up|no entry/],
  };
  for (const [what, [on, fault, times, why]] of Object.entries(restores)) {
    test(`restore: ${what} is a miss, and the stage is run`, async (t) => {
      const { proxy, run } = await jobs(t);
      await run({ saveMs: 60_000 });
      proxy.plan(on, fault, times);
      const { runs, notes, milliseconds } = await run();
      assert.equal(runs, 1);
      assert.match(notes[0] ?? "", /^missed: /);
      assert.match(notes[0] ?? "", why);
      assert.ok(milliseconds < LIMITS.restoreMs + LIMITS.saveMs + SLACK, `${milliseconds} ms`);
      assert.ok(await proxy.clientsGone(), "no client is left");
    });
  }
  const saves: Record<string, [RegExp, Fault, number, RegExp]> = {
    "an upload that ends half way": [UPLOAD, { kind: "cut request", after: MIDDLE }, ALWAYS, /given up|not saved/],
    "an upload that is not answered": [UPLOAD, { kind: "silence" }, ALWAYS, /given up after 12 s/],
    "an upload that the storage refuses": [UPLOAD, { kind: "answer", status: 403 }, ALWAYS, /not saved/],
    "a storage that fails": [UPLOAD, { kind: "answer", status: 500 }, ALWAYS, /given up|not saved/],
    "a service that fails": [RESERVE, { kind: "answer", status: 500 }, ALWAYS, /given up after 12 s/],
    "a service that fails in the end": [FINISH, { kind: "answer", status: 500 }, ALWAYS, /given up after 12 s/],
    "a service that does not answer in the end": [FINISH, { kind: "silence" }, ALWAYS, /given up after 12 s/],
  };
  for (const [what, [on, fault, times, why]] of Object.entries(saves)) {
    test(`save: ${what} costs the entry only, and the next job makes it`, async (t) => {
      const { proxy, run } = await jobs(t);
      proxy.plan(on, fault, times);
      const first = await run();
      assert.match(first.notes[1] ?? "", /^not saved: /);
      assert.match(first.notes[1] ?? "", why);
      assert.ok(first.milliseconds < LIMITS.restoreMs + LIMITS.saveMs + SLACK, `${first.milliseconds} ms`);
      assert.ok(await proxy.clientsGone(), "no client is left");
    });
  }

  test("takes and gives a whole toolchain, larger than one block of the storage", { skip: BIG }, async (t) => {
    const toolchain = await realToolchain();
    if (typeof toolchain === "string") return t.skip(toolchain);
    const { job, root, proxy } = await jobs(t);
    const { tier } = await job();
    const folder = join(root, "toolchain");
    const original = dirname(toolchain.root);
    await mkdir(root, { recursive: true });
    // Links: what a restore writes are new files
    execFileSync("cp", ["--archive", "--link", original, folder]);
    const bytes = await bytesBelow(folder);
    assert.ok(bytes > 1e9, `${bytes}`);
    const entry = { key: "toolchain", folder };
    const seconds = async (work: () => Promise<void>) => {
      const started = performance.now();
      await work();
      return Math.round((performance.now() - started) / 1000);
    };
    const saving = await seconds(async () => {
      assert.deepEqual(await tier.save(entry), { saved: true, why: "saved as toolchain" });
    });
    const blocks = proxy.requests.filter((line) => /^PUT .*comp=block&/.test(line)).length;
    assert.ok(blocks > 1, proxy.requests.join("\n"));
    await rm(folder, { recursive: true });
    const restoring = await seconds(async () => {
      assert.deepEqual(await tier.restore(entry), { found: true, why: "restored toolchain" });
    });
    execFileSync("diff", ["--recursive", "--brief", "--no-dereference", original, folder]);
    t.diagnostic(`${size(bytes)}: saved in ${saving} s, in ${blocks} blocks, restored in ${restoring} s`);
  });
});
