import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
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

/** Time that each transfer has, in milliseconds: enough to end by itself on a busy machine, or too little to hang for long. */
const AMPLE = 90_000;
const SHORT = 12_000;

/** What goes wrong, and with what reason it ends. `limit`: only our own limit ends it. */
type Case = [on: RegExp, fault: Fault, why: RegExp | "limit"];

describe("a cache service that no one here wrote", { skip: "skip" in service && service.skip }, () => {
  const ends: (() => unknown)[] = [];
  let proxy: FaultProxy;
  /** One for all, for the client's entries depend on the folder's path */
  let here: Awaited<ReturnType<typeof machine>>;
  before(async () => {
    if ("skip" in service) return;
    const suite = { after: (work: () => unknown) => ends.push(work) };
    const socketPath = await startService(suite, service.program, await scratch(suite));
    proxy = await FaultProxy.start(suite, { socketPath });
    here = await machine(suite, proxy.address);
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  afterEach(() => proxy.forget());

  /** A new job with a stage of this name: whether it ran it, and what the tier has done. */
  async function run(name: string, limits: Partial<TransferLimits> = {}) {
    const { stages, record, log } = await here.job({ limits: { restoreMs: AMPLE, saveMs: AMPLE, ...limits } });
    const made = stage(name, CONTENT);
    const { folder } = await stages.run(made);
    assert.ok(readFileSync(join(folder, "result.txt")).equals(CONTENT));
    const loud = log.lines.filter((line) => /^(warning|error)/.test(line));
    assert.deepEqual(loud, [], "nothing that would alarm a user");
    assert.ok(await proxy.clientsGone(), "no client of a transfer is left");
    const [restore, save] = record.tiers.map(({ did, why, seconds }) => ({ said: `${did}: ${why}`, seconds }));
    return { runs: made.runs, restore, save };
  }

  function ended(note: { said: string; seconds: number } | undefined, how: string, why: RegExp | "limit"): void {
    assert.ok(note !== undefined);
    assert.ok(note.said.startsWith(`${how}: `), note.said);
    assert.match(note.said, why === "limit" ? /: given up after 12 s$/ : why);
    assert.equal(why !== "limit" && /given up/.test(note.said), false, note.said);
  }

  test("takes what a job saves, and the next job gets it", async () => {
    const first = await run("kept");
    ended(first.restore, "missed", /no entry rdna1-miopen-work-\w+$/);
    ended(first.save, "saved", /saved as rdna1-miopen-work-\w+$/);
    const second = await run("kept");
    assert.equal(second.runs, 0);
    ended(second.restore, "restored", /restored rdna1-miopen-work-\w+$/);
  });
  test("one failure of each kind is got over", async () => {
    for (const on of [RESERVE, UPLOAD, FINISH]) proxy.plan(on, { kind: "answer", status: 503 });
    ended((await run("patience")).save, "saved", /saved as/);
    proxy.plan(LOOK_UP, { kind: "late", milliseconds: 1500 });
    proxy.plan(LOOK_UP, { kind: "answer", status: 502 });
    proxy.plan(DOWNLOAD, { kind: "late", milliseconds: 1500 });
    assert.equal((await run("patience")).runs, 0);
    assert.equal(proxy.outstanding, 0);
  });

  const restores: Record<string, Case> = {
    "a download that ends half way": [DOWNLOAD, { kind: "cut", after: MIDDLE }, /not usable \(Failed to restore: /],
    "a bit that is turned in the archive": [
      DOWNLOAD,
      { kind: "garble", at: MIDDLE },
      /not usable \(Failed to restore: .*tar/,
    ],
    "a download that stands still": [DOWNLOAD, { kind: "hang", after: MIDDLE }, /not usable \(Failed to restore: /],
    "a download that never begins": [DOWNLOAD, { kind: "silence" }, "limit"],
    "a download that the storage refuses": [
      DOWNLOAD,
      { kind: "answer", status: 500 },
      /not usable \(Failed to restore: /,
    ],
    "a service that has been asked too often": [LOOK_UP, { kind: "answer", status: 429 }, /no entry .*Rate limited/],
    "a service that fails": [LOOK_UP, { kind: "answer", status: 500 }, "limit"],
    "a service that does not answer": [LOOK_UP, { kind: "silence" }, "limit"],
    "an answer that ends half way": [LOOK_UP, { kind: "cut", after: 20 }, /its client lost the connection/],
    "an answer that is no JSON any more": [LOOK_UP, { kind: "garble", at: 0 }, "limit"],
  };
  for (const [what, [on, fault, why]] of Object.entries(restores)) {
    test(`restore: ${what} is a miss, and the stage is run`, async () => {
      if (proxy.requests.every((line) => !FINISH.test(line))) await run("kept");
      proxy.plan(on, fault, ALWAYS);
      const limits = { ...(why === "limit" && { restoreMs: SHORT }), saveMs: SHORT };
      const { runs, restore } = await run("kept", limits);
      assert.equal(runs, 1);
      ended(restore, "missed", why);
    });
  }

  const saves: Record<string, Case> = {
    "an upload that ends half way": [UPLOAD, { kind: "cut request", after: MIDDLE }, "limit"],
    "an upload that is not answered": [UPLOAD, { kind: "silence" }, "limit"],
    "an upload that the storage refuses": [
      UPLOAD,
      { kind: "answer", status: 403 },
      /not saved as .* \(Failed to save: /,
    ],
    "a storage that fails": [UPLOAD, { kind: "answer", status: 500 }, "limit"],
    "a service that fails": [RESERVE, { kind: "answer", status: 500 }, "limit"],
    "a service that has been asked too often": [
      RESERVE,
      { kind: "answer", status: 429 },
      /not saved as .* \(Failed to save: Unable to reserve /,
    ],
    "a service that fails in the end": [FINISH, { kind: "answer", status: 500 }, "limit"],
    "a service that does not answer in the end": [FINISH, { kind: "silence" }, "limit"],
  };
  for (const [what, [on, fault, why]] of Object.entries(saves)) {
    test(`save: ${what} costs the entry, and nothing else`, async () => {
      proxy.plan(on, fault, ALWAYS);
      const { save } = await run(what, why === "limit" ? { saveMs: SHORT } : {});
      ended(save, "not saved", why);
    });
  }

  test("takes and gives a whole toolchain, larger than one block of the storage", { skip: BIG }, async (t) => {
    const toolchain = await realToolchain();
    if (typeof toolchain === "string") return t.skip(toolchain);
    const { root } = here;
    const { tier } = await here.job();
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
