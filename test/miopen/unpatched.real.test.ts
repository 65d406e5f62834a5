import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "../device/support.ts";
import { compiledMiopen } from "./patched.ts";

/**
 * The control of patched.real.test.ts and patched-find.real.test.ts: the same rows with a library that has none of the
 * patches they are for (built with `--patches` and a series of the first two of patches/3.4, which make it compile). What
 * passes all the same is listed: it shows that stock behaviour is kept, not what a patch does.
 */
const PASS_ALL_THE_SAME = [
  "is not suspected in another card, in its own name, or where sysfs is missing",
  "searches on RDNA1 when it is asked to",
  "searches when the mode is set through the API, even to the default",
];

const found = await compiledMiopen("unpatched");
const skip =
  typeof found === "string"
    ? found
    : process.env.RDNA1_TEST_FULL !== "1" && "takes minutes of compiling; RDNA1_TEST_FULL=1 runs it";

test("without its patch each row fails", { skip, timeout: 1_200_000 }, async () => {
  assert.ok(typeof found !== "string");
  const files = ["patched.real.test.ts", "patched-find.real.test.ts"].map((name) => join(import.meta.dirname, name));
  const env = { ...process.env, RDNA1_PATCHED_MIOPEN: found.prefix } as Record<string, string>;
  delete env.NODE_TEST_CONTEXT; // else the child would report to this process's runner
  const args = ["--test", "--test-reporter=tap", ...files];
  const result = await exec.run({ file: process.execPath, args, env }, { timeoutMs: 1_200_000, keep: 64 << 20 });
  const rows = [...result.stdout.matchAll(/^ *(not ok|ok) \d+ - (.+)\n +---\n +duration_ms: [\d.]+\n +type: 'test'/gm)];
  const names = (how: string) => rows.filter(([, outcome]) => outcome === how).map(([, , name]) => name);
  assert.deepEqual(names("ok").sort(), PASS_ALL_THE_SAME.toSorted());
  assert.ok(names("not ok").length >= 15, result.stdout.slice(-3000));
});
