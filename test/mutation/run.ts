/**
 * Makes each operation of the simulator wrong, in each way that it can be (mutation.cpp), and runs the simulator's tests
 * until one notices:
 *
 *   npm run mutate -- [--filter vop2/] [--without contracts] [--report file.json]
 *
 * `--filter`: operations that have this in their names; `--without`: files of tests that have this in theirs are not run.
 * Ends with 1 when nobody noticed something, or no test executes an operation, and known.ts does not say why. What is
 * done is kept for as long as neither the simulator nor its tests change: an interrupted run goes on.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheRoot } from "../../src/cache/root.ts";
import { deviceDigest } from "../../src/device/build.ts";
import { readTextIfThere } from "../../src/ports/files.ts";
import { projectRoot } from "../device/support.ts";
import { SIMULATOR_TESTS, simulatorTests } from "./bodies.ts";
import { whyUnnoticed, whyUnreached } from "./known.ts";
import { Mutations, type Verdict } from "./mutations.ts";

const { values } = parseArgs({
  options: { filter: { type: "string", default: "" }, without: { type: "string" }, report: { type: "string" } },
});
const folder = await mkdtemp(join(tmpdir(), "rdna1-mutation-"));
try {
  process.exitCode = await run();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<number> {
  const files = (await simulatorTests()).filter(
    (name) => values.without === undefined || !name.includes(values.without),
  );
  const mutations = await Mutations.start(files, folder);
  if (typeof mutations === "string") throw new Error(mutations);
  for (const line of mutations.skipped) console.log(line);
  const ledger = await ledgerFile();
  const done = new Map<string, Verdict>();
  for (const line of ((await readTextIfThere(ledger)) ?? "").split("\n").slice(0, -1)) {
    const verdict = JSON.parse(line) as Verdict;
    done.set(`${verdict.operation}/${verdict.way}`, verdict);
  }
  const operations = mutations.operations.filter(({ name }) => name.includes(values.filter));
  const unreached = operations.filter(({ name }) => !mutations.reaches(name)).map(({ name }) => name);
  const nothing = operations.filter(({ ways }) => ways.length === 0).map(({ name }) => name);
  const mutants = operations
    .filter(({ name }) => mutations.reaches(name))
    .flatMap(({ name, ways }) => ways.map((way) => ({ operation: name, way })));
  console.log(`${mutations.tests.length} tests, ${operations.length} operations, ${mutants.length} ways to be wrong`);
  const verdicts: Verdict[] = [];
  let said = performance.now();
  for (const mutant of mutants) {
    const key = `${mutant.operation}/${mutant.way}`;
    const verdict = done.get(key) ?? (await mutations.judge(mutant));
    if (!done.has(key)) await appendFile(ledger, `${JSON.stringify(verdict)}\n`);
    verdicts.push(verdict);
    const explained = whyUnnoticed(verdict);
    if (verdict.noticed === null && explained === null) console.log(`NOT NOTICED ${key}`);
    if (performance.now() - said > 10_000) {
      said = performance.now();
      console.log(`${verdicts.length} of ${mutants.length}`);
    }
  }
  const unnoticed = verdicts.filter(({ noticed }) => noticed === null);
  const unexplained = unnoticed.filter((verdict) => whyUnnoticed(verdict) === null);
  for (const verdict of unnoticed) {
    console.log(`${verdict.operation}/${verdict.way}: ${whyUnnoticed(verdict) ?? "NOT NOTICED"}`);
  }
  for (const name of unreached) console.log(`${name}: ${whyUnreached(name) ?? "NO TEST EXECUTES IT"}`);
  if (values.report !== undefined) {
    await writeFile(values.report, JSON.stringify({ verdicts, unreached, nothing }, null, 1));
  }
  const late = verdicts.filter(({ noticed }) => noticed?.failure.includes("was stopped after"));
  for (const { operation, way } of late) console.log(`${operation}/${way}: noticed only by the time that it took`);
  const seconds = verdicts.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  console.log(
    [
      `${verdicts.length - unnoticed.length} of ${verdicts.length} were noticed`,
      `${unnoticed.length - unexplained.length} could not be, ${unexplained.length} should have been`,
      `${nothing.length} operations do nothing that could be wrong, ${unreached.length} are executed by no test`,
      `${Math.round(seconds)} s`,
    ].join("; "),
  );
  return unexplained.length + unreached.filter((name) => whyUnreached(name) === null).length === 0 ? 0 : 1;
}

/** Verdicts of this state of the simulator and its tests. */
async function ledgerFile(): Promise<string> {
  const hash = createHash("sha256").update(await deviceDigest(projectRoot));
  const tests = (await readdir(SIMULATOR_TESTS)).sort().map((name) => join(SIMULATOR_TESTS, name));
  for (const file of [...tests, join(import.meta.dirname, "mutation.cpp")]) hash.update(await readFile(file));
  const place = join(cacheRoot(process.env), "test", `mutation-${hash.digest("hex").slice(0, 16)}`);
  await mkdir(place, { recursive: true });
  return join(place, "verdicts.jsonl");
}
