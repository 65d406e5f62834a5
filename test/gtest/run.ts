/**
 * Runs MIOpen's own test program on the virtual device, in parts, and explains what fails:
 *
 *   npm run gtest -- [--filter 'Smoke/*'] [--every 1] [--size 40] [--jobs 2] [--out folder]
 *
 * `--every 20` takes each twentieth case. With `--out` finished parts and compiled kernels are kept, and the same command
 * goes on where it was interrupted. Ends with 1 when a failure is not explained (known.ts) or is the device's.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeWhole } from "../../src/ports/files.ts";
import { toolchainUnderTest } from "../device/support.ts";
import { isBad } from "./cases.ts";
import { eachNth, type PartResult, PartStore, plannedParts } from "./parts.ts";
import { summary } from "./report.ts";
import { Suite } from "./suite.ts";

const { values: options } = parseArgs({
  options: {
    filter: { type: "string", default: "Smoke/*" },
    every: { type: "string", default: "1" },
    size: { type: "string", default: "40" },
    jobs: { type: "string", default: String(availableParallelism()) },
    out: { type: "string" },
  },
});

const work = options.out ?? (await mkdtemp(join(tmpdir(), "rdna1-gtest-")));
const toolchain = await toolchainUnderTest();
const suite = typeof toolchain === "string" ? toolchain : await Suite.open(toolchain, work);
if (typeof suite === "string") {
  console.error(`not run: ${suite}`);
  process.exit(1);
}
const results = await runAll(suite);
const { lines, bad } = summary(results);
console.log(lines.join("\n"));
if (options.out === undefined) await rm(work, { recursive: true, force: true });
else await writeWhole(join(work, "results.json"), JSON.stringify(results, null, 1));
process.exitCode = bad === 0 ? 0 : 1;

async function runAll(suite: Suite): Promise<PartResult[]> {
  const started = performance.now();
  const names = eachNth(await suite.list(options.filter), Number(options.every));
  const store = new PartStore(join(work, "parts"), suite.state);
  const parts = plannedParts(names, Number(options.size));
  const results: PartResult[] = [];
  const waiting = parts.entries();
  const worker = async (number: number) => {
    for (const [index, part] of waiting) {
      const kept = await store.find(part);
      const result = kept ?? (await suite.run(part, number));
      if (kept === null) await store.keep(part, result);
      results.push(result);
      const failed = result.cases.filter(isBad).length;
      const done = results.reduce((sum, { cases }) => sum + cases.length, 0);
      const elapsed = ((performance.now() - started) / 1000).toFixed(0);
      const speed = kept === null ? `${result.cpuSeconds.toFixed(1)} s of processor time` : "kept from an earlier run";
      console.log(`${done}/${names.length} after ${elapsed} s: part ${index}, ${failed} failed, ${speed}`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, (_, number) => worker(number)));
  return results;
}
