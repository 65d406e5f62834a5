import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NodeExec } from "../../src/ports/exec.ts";
import { asOrdinaryUser, endingWithUs } from "../../src/ports/setpriv.ts";

const exec = new NodeExec();
const shell = (script: string) => ({ file: "sh", args: ["-c", script], env: { PATH: "/usr/bin:/bin" } });

test("gives exit code and both streams, and nothing of our environment to the child", async () => {
  const result = await exec.run(shell("echo out; echo err >&2; echo home=$HOME; exit 3"));
  assert.deepEqual([result.code, result.stdout, result.stderr], [3, "out\nhome=\n", "err\n"]);
});

test("hands over whole lines as they come, the last one without its newline too", async () => {
  const lines: string[] = [];
  await exec.run(shell("printf 'a\\nb'; sleep 0.1; printf 'c\\nd'"), { onLine: (line) => lines.push(line) });
  assert.deepEqual(lines, ["a", "bc", "d"]);
});

test("keeps the newest output only", async () => {
  const { stdout } = await exec.run(shell("seq 1 200000"), { keep: 1000 });
  assert.ok(stdout.length < 200_000);
  assert.match(stdout, /\n200000\n$/);
});

test("ends a program that takes too long, and what it has started", async () => {
  const result = await exec.run(shell("sleep 60 & echo $!; wait"), { timeoutMs: 200 });
  assert.equal(result.timedOut, true);
  await sleep(100);
  assert.equal(isRunning(Number(result.stdout)), false);
});

test("waits no longer for a program that cannot be ended", async () => {
  // One in a session of its own, which the kill does not reach, as it does not reach one that waits in the kernel
  const hung = await new NodeExec(100).run(shell("setsid sleep 60 & echo $!; wait"), { timeoutMs: 200 });
  assert.deepEqual([hung.timedOut, hung.stuck], [true, true]);
  process.kill(Number(hung.stdout), "SIGKILL");
});

test("says that a program cannot be started", async () => {
  await assert.rejects(exec.run({ file: "/no/such/program", args: [], env: {} }), /cannot start \/no\/such\/program/);
});

test("passes input, also to a program that does not read it", async () => {
  assert.equal((await exec.run({ ...shell("cat"), args: ["-c", "cat"] }, { input: "text" })).stdout, "text");
  assert.equal((await exec.run(shell("exit 0"), { input: "x".repeat(1 << 20) })).code, 0);
});

test("takes privilege over files from root, and nothing from anyone else", async () => {
  assert.equal(asOrdinaryUser(shell("true"), 1000).args.includes("--bounding-set=-all"), false);
  const script = "cd $(mktemp -d) && chmod 555 . && (touch x 2>/dev/null && echo wrote || echo refused); rmdir $PWD";
  assert.equal((await exec.run(asOrdinaryUser(shell(script)))).stdout, "refused\n");
});

test("ends a tied program when its parent is killed", async () => {
  const tied = endingWithUs(shell("echo $$; exec sleep 60"));
  const parent = spawn("sh", ["-c", `${[tied.file, ...tied.args].map((word) => `'${word}'`).join(" ")} & wait`]);
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  assert.equal(isRunning(Number(line)), true);
  parent.kill("SIGKILL");
  await sleep(200);
  assert.equal(isRunning(Number(line)), false);
});

/** A process that has ended and waits for its parent to notice (state Z) does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
