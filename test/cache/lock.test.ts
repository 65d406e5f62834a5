import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ensureFolder } from "../../src/cache/folder.ts";
import { withLock } from "../../src/cache/lock.ts";
import type { Log } from "../../src/ports/log.ts";

function recorded(): Log & { lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  return {
    lines,
    debug: keep,
    info: keep,
    warning: keep,
    error: keep,
    progress: keep,
    group: (_title, work) => work(),
  };
}

async function lockFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rdna1-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "deep/er/a.lock");
}

/** Another process that holds the lock until it is killed or its input ends. */
async function holder(file: string) {
  const code = `
    const { withLock } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/cache/lock.ts"))});
    const log = { info() {}, progress() {} };
    await withLock(${JSON.stringify(file)}, async () => {
      console.log("held");
      for await (const _ of process.stdin);
    }, { log });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

test("lets one at a time in, and the next when it is done", async (t) => {
  const file = await lockFile(t);
  const other = await holder(file);
  const log = recorded();
  const order: string[] = [];
  const mine = withLock(file, async () => order.push("mine"), { log });
  await new Promise((done) => setTimeout(done, 200));
  order.push("other ends");
  other.stdin.end();
  await mine;
  assert.deepEqual(order, ["other ends", "mine"]);
  assert.match(log.lines[0] ?? "", new RegExp(`^waiting for process ${other.pid} `));
});

test("is free again when its holder was killed", async (t) => {
  const file = await lockFile(t);
  const other = await holder(file);
  other.kill("SIGKILL");
  await once(other, "exit");
  assert.equal(await withLock(file, async () => "in", { log: recorded() }), "in");
});

test("is free again when the work failed", async (t) => {
  const file = await lockFile(t);
  const log = recorded();
  await assert.rejects(
    withLock(file, () => Promise.reject(new Error("broken")), { log }),
    /broken/,
  );
  assert.equal(await withLock(file, async () => 1, { log }), 1);
  assert.deepEqual(log.lines, []);
});

test("stops waiting when it is told to", async (t) => {
  const file = await lockFile(t);
  const other = await holder(file);
  const controller = new AbortController();
  const waiting = withLock(file, async () => 1, { log: recorded(), signal: controller.signal });
  setTimeout(() => controller.abort(new Error("told")), 200);
  await assert.rejects(waiting, /told/);
  other.kill("SIGKILL");
});

test("is an error where no file can be made", async (t) => {
  const file = await lockFile(t);
  await ensureFolder(join(file, ".."));
  await writeFile(file, "");
  await assert.rejects(
    withLock(join(file, "below"), async () => 1, { log: recorded() }),
    { kind: "machine" },
  );
  assert.equal(await readFile(file, "utf8"), "");
});

test("makes folders, and does not hang where the file system refuses them", async (t) => {
  const file = await lockFile(t);
  for (let round = 0; round < 50; round++) {
    const deep = join(file, `${round}/a/b`);
    await Promise.all([1, 2, 3, 4].map(() => ensureFolder(deep)));
    await ensureFolder(deep);
  }
  await assert.rejects(ensureFolder("/proc/no/such"), { code: "ENOENT" });
});
