/**
 * Runs MIOpen's own test program on the virtual device, in parts, and explains what fails:
 *
 *   npm run gtest -- [--filter 'Smoke/*'] [--every 1] [--jobs 2] [--out folder]
 *
 * `--every 20` takes each twentieth case. Ends with 1 when a failure is not explained (known.ts) or is the device's.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { compileEnvironment, deviceEnvironment } from "../../src/device/device.ts";
import { type DeviceEvent, parseEvents } from "../../src/device/events.ts";
import type { Command, ExecResult } from "../../src/ports/exec.ts";
import { readTextIfThere } from "../../src/ports/files.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { cachedDevice } from "../device/sim/harness.ts";
import { exec, toolchainUnderTest } from "../device/support.ts";
import { type CaseResult, listedCases, readCases } from "./cases.ts";
import { type Known, whyKnown } from "./known.ts";

const CASES_AT_ONCE = 40;
const WATCHDOG = 600_000; // milliseconds for one part

const { values: options } = parseArgs({
  options: {
    filter: { type: "string", default: "Smoke/*" },
    every: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
    out: { type: "string" },
  },
});

const toolchain = await toolchainUnderTest();
if (typeof toolchain === "string" || toolchain.paths.miopenDriver === null) {
  console.error(`not run: ${typeof toolchain === "string" ? toolchain : "the toolchain has no MIOpen tests"}`);
  process.exit(1);
}
const started = performance.now();
const device = await cachedDevice(toolchain);
const work = options.out ?? (await mkdtemp(join(tmpdir(), "rdna1-gtest-")));
const program = join(dirname(toolchain.paths.miopenDriver), "miopen_gtest");
const results = await runAll(toolchain);
report(results);
if (options.out === undefined) await rm(work, { recursive: true, force: true });

async function runAll(toolchain: Toolchain): Promise<CaseResult[]> {
  const listing = await exec.run(
    command(toolchain, join(work, "list"), ["--gtest_list_tests", `--gtest_filter=${options.filter}`]),
  );
  const all = listedCases(listing.stdout).filter((_, index) => index % Number(options.every) === 0);
  const parts = Array.from({ length: Math.ceil(all.length / CASES_AT_ONCE) }, (_, index) =>
    all.slice(index * CASES_AT_ONCE, (index + 1) * CASES_AT_ONCE),
  );
  const results: CaseResult[] = [];
  const waiting = parts.entries();
  const worker = async (number: number) => {
    for (const [index, part] of waiting) {
      const done = await runPart(toolchain, part, join(work, `worker-${number}`), `part-${index}`);
      results.push(...done);
      const failed = done.filter(({ outcome }) => outcome === "failed" || outcome === "crashed").length;
      console.log(`${results.length}/${all.length} after ${seconds()} s: part ${index}, ${failed} failed`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, (_, number) => worker(number)));
  return results;
}

/** Runs cases, and again those behind one that crashed, until all have a result. */
async function runPart(
  toolchain: Toolchain,
  names: readonly string[],
  folder: string,
  label: string,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (let rest = [...names]; rest.length > 0; ) {
    const flags = join(folder, "flags");
    await mkdir(folder, { recursive: true });
    await writeFile(flags, `--gtest_filter=${rest.join(":")}\n`);
    const events = join(folder, "events.jsonl");
    await rm(events, { force: true });
    const one = command(toolchain, folder, [`--gtest_flagfile=${flags}`], events);
    const merged = { ...one, file: "/bin/sh", args: ["-c", 'exec "$0" "$@" 2>&1', one.file, ...one.args] };
    const result = await exec.run(merged, { timeoutMs: WATCHDOG });
    const found = readCases(result.stdout).map((one) => ({ ...one, text: `${one.text}\n${how(result)}` }));
    const faults = parseEvents((await readTextIfThere(events)) ?? "").filter(isTrouble);
    if (faults.length > 0) await writeFile(join(work, `${label}-device.json`), JSON.stringify(faults, null, 1));
    results.push(...found);
    const seen = new Set(found.map(({ name }) => name));
    const before = rest.length;
    rest = rest.filter((name) => !seen.has(name));
    if (rest.length === before) {
      results.push(
        ...rest.map((name): CaseResult => ({ name, outcome: "crashed", seconds: 0, text: result.stdout.slice(-2000) })),
      );
      break;
    }
  }
  return results;
}

function how({ code, signal, timedOut }: ExecResult): string {
  if (timedOut) return "the watchdog ended the program";
  return signal === null ? `the program ended with ${code}` : `the program was ended by ${signal}`;
}

function isTrouble(event: DeviceEvent): boolean {
  return event.event === "fault" || event.event === "finding" || event.event === "unsupported";
}

function command(toolchain: Toolchain, folder: string, args: string[], events: string | null = null): Command {
  return programCommand(toolchain, program, args, {
    preload: [device],
    env: {
      HOME: folder,
      TMPDIR: tmpdir(),
      MIOPEN_USER_DB_PATH: join(folder, "databases"),
      MIOPEN_CUSTOM_CACHE_DIR: join(folder, "cache"),
      MIOPEN_SYSTEM_DB_PATH: join(folder, "system"),
      MIOPEN_DEBUG_CONV_WINOGRAD: "0",
      ROCBLAS_TENSILE_LIBPATH: toolchain.paths.rocblasLibrary ?? "",
      ...compileEnvironment(toolchain),
      ...deviceEnvironment({ target: "gfx1010", compile: "allow", execute: true, jobs: 1, eventLog: events }),
    },
  });
}

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}

function report(results: readonly CaseResult[]): void {
  const count = (outcome: CaseResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const bad = results.filter(({ outcome }) => outcome === "failed" || outcome === "crashed");
  const groups = new Map<Known | null, CaseResult[]>();
  for (const one of bad) {
    const known = whyKnown(one);
    groups.set(known, [...(groups.get(known) ?? []), one]);
  }
  for (const [known, cases] of groups) {
    console.log(`${cases.length} × ${known === null ? "NOT EXPLAINED" : `${known.whose}: ${known.reason}`}`);
    for (const one of cases.slice(0, known === null ? 20 : 1)) console.log(`    ${one.name}`);
  }
  const elapsed = (performance.now() - started) / 1000;
  const rate = results.length / elapsed / Number(options.jobs);
  console.log(
    `${results.length} cases: ${count("passed")} passed, ${count("failed")} failed, ${count("crashed")} crashed, ` +
      `${count("skipped")} skipped by the suite; ${elapsed.toFixed(0)} s, ${rate.toFixed(1)} cases a second and job`,
  );
  const unexplained = groups.get(null)?.length ?? 0;
  const ours = [...groups]
    .filter(([known]) => known?.whose === "device")
    .reduce((sum, [, cases]) => sum + cases.length, 0);
  console.log(`${unexplained} failures are not explained, ${ours} are the device's`);
  if (options.out !== undefined) void writeFile(join(work, "results.json"), JSON.stringify(results, null, 1));
  process.exitCode = unexplained + ours === 0 ? 0 : 1;
}
