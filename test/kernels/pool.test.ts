import assert from "node:assert/strict";
import { test } from "node:test";
import { JobQueue, runJobs } from "../../src/kernels/pool.ts";

const jobs = (text: string) => [...text].map((group, index) => ({ group, index }));

test("starts with the largest group and stays with it", () => {
  const queue = new JobQueue(jobs("abbbaccc"));
  const order = Array.from({ length: 8 }, () => queue.next(0)?.group).join("");
  assert.equal(order, "bbbcccaa");
  assert.equal(queue.next(0), undefined);
});

test("gives a second worker another group, and help with the fullest one at the end", () => {
  const queue = new JobQueue(jobs("aaaab"));
  assert.equal(queue.next(0)?.group, "a");
  assert.equal(queue.next(1)?.group, "b");
  assert.equal(queue.next(1)?.group, "a");
});

test("runs every job once, no more than the workers at a time", async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  await runJobs(jobs("aabbccdd"), 3, async ({ index }) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    seen.push(index);
    running -= 1;
  });
  assert.deepEqual(seen.sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(most, 3);
});

test("takes no new job after an error, and passes it on", async () => {
  const seen: number[] = [];
  const work = async ({ index }: { index: number }) => {
    seen.push(index);
    if (index === 1) throw new Error("second");
  };
  await assert.rejects(runJobs(jobs("aaaa"), 1, work), /second/);
  assert.deepEqual(seen, [0, 1]);
});
