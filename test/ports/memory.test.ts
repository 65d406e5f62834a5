import assert from "node:assert/strict";
import { test } from "node:test";
import { freeMemory } from "../../src/ports/memory.ts";
import { freshContext } from "../miopen/context.ts";

test("a container's limit counts where it is less than what the machine has free", () => {
  assert.equal(freeMemory(23.9e9, 4.29e9), 4.29e9);
  assert.equal(freeMemory(1e9, 4.29e9), 1e9);
});

test("a run plans its processes by the container's limit", async (t) => {
  t.mock.method(process, "availableMemory", () => 1.2 * 2 ** 30);
  const { context } = await freshContext(t);
  assert.equal(context.jobs, 1);
});
