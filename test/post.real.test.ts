import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { afterwards } from "../src/post.ts";
import { CacheServer } from "./cache/cache-server.ts";
import { jobEnvironment } from "./cache/machine.ts";
import { recordedLog, scratch } from "./toolchain/helpers.ts";

const program = join(import.meta.dirname, "../src/main.ts");

/** What a main step that was cancelled in the middle of a compilation leaves. */
async function cancelled(t: TestContext) {
  const server = await CacheServer.start(t);
  const folder = await scratch(t);
  for (const name of ["workspace", "temp/rdna1-miopen-x", "ccache/0"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, "ccache/0/result"), "compiled");
  const entry = { key: "rdna1-miopen-ccache-a-b-1-1", folder: join(folder, "ccache") };
  const env = { ...jobEnvironment(folder, server.address), STATE_ccache: JSON.stringify(entry) };
  return { server, folder, env, entry, log: recordedLog() };
}

test("saves what a cancelled compilation had compiled, and removes what it left", async (t) => {
  const { server, folder, env, entry, log } = await cancelled(t);
  assert.equal(await afterwards(log, env, { program }), 0);
  assert.deepEqual([...server.entries.keys()], [entry.key]);
  assert.equal(existsSync(join(folder, "temp/rdna1-miopen-x")), false);
  assert.ok(log.lines.includes("info: removed 1 temporary folders"));
});

test("ends at its deadline when the cache hangs, and does not fail the job", async (t) => {
  const { server, env, log } = await cancelled(t);
  server.hangsAt = "CreateCacheEntry";
  const started = performance.now();
  assert.equal(await afterwards(log, env, { program, deadline: 4000 }), 0);
  assert.ok(performance.now() - started < 10_000);
  assert.equal(server.entries.size, 0);
});

test("has nothing to save after a run that ended by itself", async (t) => {
  const { server, env, log } = await cancelled(t);
  assert.equal(await afterwards(log, { ...env, STATE_ccache: "" }, { program }), 0);
  assert.deepEqual(server.calls, []);
});
