/**
 * Runs MIOpen's own test program on the virtual device, in parts, and explains what fails:
 *
 *   npm run gtest -- [--filter 'Smoke/*'] [--every 1] [--size 40] [--jobs 2] [--card gfx1010] [--control gfx1030]
 *                    [--miopen-source folder [--patches auto]] [--out folder]
 *
 * The program is the toolchain's, or with a source (and patches, as for the product) the one of that source, compiled against
 * the library that `--miopen patched` builds from it. `--every 20` takes each twentieth case. With a control, what does not
 * pass on the card runs there, cases of Winograd solvers aside, and what passes there alone is named. With `--out` finished parts and compiled kernels are kept, and the
 * same command goes on where it was interrupted. Ends with 1 when a failure is not explained (known.ts) or is the device's.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeContext } from "../../src/context.ts";
import { parseInputs } from "../../src/inputs.ts";
import { parseActionSpec } from "../../src/options.ts";
import { writeWhole } from "../../src/ports/files.ts";
import { TerminalLog } from "../../src/ports/terminal-log.ts";
import { projectRoot, toolchainUnderTest } from "../device/support.ts";
import { ROCM_VERSION } from "../e2e/sandbox.ts";
import { EXECUTED, type Executed, isExecuted } from "../miopen/patched.ts";
import { buildPatchedTests } from "./build.ts";
import { type CaseResult, isBad } from "./cases.ts";
import { comparison, toCompare } from "./compare.ts";
import { casesOf, eachNth, type PartResult, PartStore, plannedParts } from "./parts.ts";
import { summary } from "./report.ts";
import { Suite, type Tested, testsOf } from "./suite.ts";

const { values: options } = parseArgs({
  options: {
    filter: { type: "string", default: "Smoke/*" },
    every: { type: "string", default: "1" },
    size: { type: "string", default: "40" },
    jobs: { type: "string", default: String(availableParallelism()) },
    card: { type: "string", default: "gfx1010" },
    control: { type: "string" },
    out: { type: "string" },
    "miopen-source": { type: "string" },
    patches: { type: "string", default: "auto" },
  },
});

const card = cardOf(options.card);
const control = options.control === undefined ? null : cardOf(options.control);
const work = options.out ?? (await mkdtemp(join(tmpdir(), "rdna1-gtest-")));
const tested = await testsAskedFor();
if (typeof tested === "string") {
  console.error(`not run: ${tested}`);
  process.exit(1);
}
const suite = await Suite.open(tested, card, work);
const names = eachNth(await suite.list(options.filter), Number(options.every));
const results = await resultsOf(suite, names, "results.json");
const { lines, bad } = summary(results);
console.log(lines.join("\n"));
process.exitCode = bad === 0 ? 0 : 1;
if (control !== null) {
  const { left, aside } = toCompare(casesOf(results));
  console.log(`${aside} cases of Winograd solvers, which the patched library leaves out on RDNA1, are not compared`);
  const there = await Suite.open(tested, control, work);
  const compared = comparison(left, casesOf(await resultsOf(there, inOrder(left), "control.json")));
  console.log([`${card} and ${control}:`, ...compared.lines].join("\n"));
  if (compared.bad > 0) process.exitCode = 1;
}
if (options.out === undefined) await rm(work, { recursive: true, force: true });

function cardOf(name: string): Executed {
  if (isExecuted(name)) return name;
  console.error(`${name} is none of ${EXECUTED.join(", ")}`);
  process.exit(2);
}

/** Names of cases in the suite's order, in which neighbours share kernels. */
function inOrder(cases: readonly CaseResult[]): string[] {
  const wanted = new Set(cases.map(({ name }) => name));
  return names.filter((name) => wanted.has(name));
}

/** Runs cases, and leaves their results in the folder that was asked for. */
async function resultsOf(suite: Suite, names: readonly string[], file: string): Promise<PartResult[]> {
  const results = await runAll(suite, names);
  if (options.out !== undefined) await writeWhole(join(work, file), JSON.stringify(results, null, 1));
  return results;
}

async function testsAskedFor(): Promise<Tested | string> {
  const source = options["miopen-source"];
  if (source === undefined) {
    const toolchain = await toolchainUnderTest();
    return typeof toolchain === "string" ? toolchain : testsOf(toolchain);
  }
  const raw = { toolchain: "debian", "rocm-version": ROCM_VERSION, "miopen-source": source, patches: options.patches };
  const spec = parseActionSpec(readFileSync(join(projectRoot, "action.yml"), "utf8"));
  const inputs = parseInputs({ ...raw, jobs: options.jobs }, spec, process.cwd());
  const context = await makeContext(inputs, new TerminalLog(), projectRoot, process.env, false);
  try {
    return { ...(await buildPatchedTests(context)), settings: {} };
  } finally {
    context.close();
  }
}

async function runAll(suite: Suite, names: readonly string[]): Promise<PartResult[]> {
  const started = performance.now();
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
