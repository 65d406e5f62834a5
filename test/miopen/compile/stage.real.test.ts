import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { failureMarkdown } from "../../../src/job-summary/failure.ts";
import { runtimeOf } from "../../../src/miopen/compile/installed.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { RunRecord } from "../../../src/record.ts";
import { recordedLog, scratch } from "../../toolchain/helpers.ts";
import { diff, SMALL_MIOPEN, writeSeries, writeTree } from "../small-miopen.ts";
import { cannotCompile, nativeToolchain } from "./native.ts";
import { compileSmall } from "./small-stage.ts";

const skip = cannotCompile();

async function source(t: TestContext, changes: Record<string, string> = {}): Promise<string> {
  const folder = await scratch(t);
  writeTree(join(folder, "source"), changes);
  return folder;
}

test("compiles the patched source into a prefix that runs wherever it is moved", { skip }, async (t) => {
  const folder = await source(t);
  const before = SMALL_MIOPEN["src/solver.cpp"] ?? "";
  mkdirSync(join(folder, "diffs"));
  const fix = diff(join(folder, "diffs"), "src/solver.cpp", before, before.replace("found = 0", "found = 7"));
  writeSeries(join(folder, "series"), { "1.patch": fix }, "# version: 2\n");
  const { miopen, lines } = await compileSmall(folder);
  assert.equal(miopen.series.version, 2);
  assert.deepEqual(
    miopen.patches.map(({ status }) => status),
    ["applied"],
  );
  const moved = join(folder, "elsewhere");
  cpSync(miopen.prefix, moved, { recursive: true, verbatimSymlinks: true });
  rmSync(join(folder, "cache"), { recursive: true });
  assert.equal(execFileSync(join(moved, miopen.driver), { env: {} }).toString(), "MIOpen version 3407\n");
  assert.deepEqual(readdirSync(join(moved, "share/miopen/db")), [], "databases of other cards are left out");
  assert.ok(existsSync(join(moved, "include/miopen/miopen.h")));
  assert.ok(miopen.needed.includes("libMIOpen.so.1"));
  assert.ok(lines.some((line) => /compile: with the ROCm in/.test(line)));
});

test("compiles only as many files at once as the memory of a container allows", { skip }, async (t) => {
  t.mock.method(process, "availableMemory", () => 2 ** 31);
  const { lines } = await compileSmall(await source(t), { jobs: "auto" });
  assert.ok(lines.includes("info: compile: 1 job"), lines.join("\n"));
});

test("is skipped when nothing changed, and compiles again after a patch", { skip }, async (t) => {
  const folder = await source(t);
  await compileSmall(folder);
  const again = await compileSmall(folder);
  assert.ok(again.lines.some((line) => line.startsWith("info: miopen: skipped")));
  writeTree(join(folder, "source"), { "src/solver.cpp": "int solvers() { return 1; }\n" });
  const { miopen } = await compileSmall(folder);
  assert.equal(execFileSync(join(miopen.prefix, miopen.driver)).toString(), "MIOpen version 3401\n");
});

test("what a library needs is read of one that was cached before that was recorded, too", { skip }, async (t) => {
  const folder = await source(t);
  const { miopen } = await compileSmall(folder);
  assert.match(miopen.needs?.glibc ?? "none", /^2\.\d+/);
  assert.deepEqual(await runtimeOf({ prefix: miopen.prefix }, nativeToolchain(folder), new NodeExec()), miopen.needs);
});

test("makes an annotation of a compiler's error, with file and line, and keeps the log", { skip }, async (t) => {
  const folder = await source(t, { "src/solver.cpp": "int solvers()\n{\n  return missing;\n}\n" });
  const errors: unknown[] = [];
  const log = { ...recordedLog(), error: (message: string, where?: object) => void errors.push([message, where]) };
  await assert.rejects(compileSmall(folder, { log }), (error: Error & { remedy?: string }) => {
    assert.match(error.message, /^cannot compile MIOpen:\nFAILED: .*solver\.cpp\.o/);
    assert.match(error.message, /solver\.cpp:3:\d+: error: .*missing/);
    assert.doesNotMatch(error.message, /-DMIOpen_EXPORTS/, "the command line is left out");
    assert.match(error.remedy ?? "", /^correct the source, .* is in \S+compile\.log$/);
    return true;
  });
  assert.deepEqual(errors.length, 1);
  assert.match(JSON.stringify(errors[0]), /missing.*"file":"src\/solver\.cpp","line":3/);
  assert.match(readFileSync(join(folder, "cache/logs/compile.log"), "utf8"), /error: .*missing/);
});

test("names the patch that changes the file with the error, and leaves a summary that says so", { skip }, async (t) => {
  const folder = await source(t);
  const before = SMALL_MIOPEN["src/solver.cpp"] ?? "";
  mkdirSync(join(folder, "diffs"));
  const fault = diff(join(folder, "diffs"), "src/solver.cpp", before, before.replace("found = 0", "found = missing"));
  writeSeries(join(folder, "series"), { "0001-fault.patch": fault });
  const record = new RunRecord();
  record.command = "build";
  const error: unknown = await compileSmall(folder, { record }).catch((thrown: unknown) => thrown);
  assert.equal(record.stageOf(error), "miopen");
  const summary = failureMarkdown(error, record, { redact: (text) => text, workspace: folder });
  assert.match(summary, /^## RDNA1 MIOpen: build failed in stage miopen\n\n\*\*cannot compile MIOpen\*\*\n/);
  assert.match(summary, /\*\*What to do:\*\* Correct the patch 0001-fault\.patch; what was compiled is kept/);
  assert.match(summary, /\| <code>src\/solver\.cpp:4<\/code> \| .*missing.* \(changed by 0001-fault\.patch\) \|/);
  assert.match(summary, new RegExp(`path: ${join(folder, "cache/logs/compile.log")}`));
  assert.match(summary, /\| miopen-patches \| made \| \d/);
});

test("says which programs are missing", { skip }, async (t) => {
  const folder = await source(t);
  const compiled = compileSmall(folder, { clangxx: "exit 127" });
  await assert.rejects(compiled, /MIOpen cannot be compiled: \S+\/clang\+\+ is missing or cannot be started/);
});

for (const [how, clangxx] of [
  ["is killed", 'case " $* " in *solver.cpp*) exec g++ -wrapper sh,-c,\'kill -KILL $$\' "$@";; esac; exec g++ "$@"'],
  ["finds no memory", 'case " $* " in *solver.cpp*) exec prlimit --as=60000000 g++ "$@";; esac; exec g++ "$@"'],
] as const) {
  test(`tells a compiler that ${how} from one that finds an error`, { skip }, async (t) => {
    const folder = await source(t, {
      "src/solver.cpp": '#include <regex>\nint solvers() { return std::regex("a").mark_count(); }\n',
    });
    await assert.rejects(compileSmall(folder, { clangxx }), (error: Error & { remedy?: string }) => {
      assert.match(error.message, /cannot compile MIOpen: a compiler ran out of memory/);
      assert.match(error.remedy ?? "", /use --jobs 1; what was compiled is kept/);
      return true;
    });
  });
}

test("says that the disk is full", { skip: skip || cannotMount() }, async (t) => {
  const folder = await source(t, {
    "src/solver.cpp": 'asm(".section .data\\n.fill 8000000,1,1\\n.text");\nint solvers() { return 0; }\n',
  });
  const disk = join(folder, "cache");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "none", disk]);
  try {
    await assert.rejects(compileSmall(folder), /the disk is full/);
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("ends everything when it is killed, and goes on where it was", { skip }, async (t) => {
  const marks = '"$0".marks';
  const clangxx = `for a; do case $a in *.cpp) echo "$a" >> ${marks};; esac; done; case " $* " in *main.cpp*) sleep 2;; esac; exec g++ "$@"`;
  const folder = await source(t);
  nativeToolchain(folder, clangxx);
  const file = join(folder, "rocm/llvm/bin/clang++.marks");
  // cmake compiles files of its own to see what the compiler can do.
  const compiled = () =>
    (existsSync(file) ? readFileSync(file, "utf8").split("\n") : []).filter((line) => line.includes("work/src/"));
  const child = spawn(process.execPath, [join(import.meta.dirname, "run-stage.ts"), folder], { stdio: "ignore" });
  while (!compiled().some((line) => line.endsWith("main.cpp"))) {
    assert.equal(child.exitCode, null, "it has ended before it got there");
    await new Promise((next) => setTimeout(next, 50));
  }
  child.kill("SIGKILL");
  await new Promise((next) => child.once("close", next));
  const left = () =>
    execFileSync("ps", ["-eo", "args"])
      .toString()
      .split("\n")
      .filter((line) => line.includes(folder));
  // The kernel ends one process after the other; a busy machine takes longer.
  for (let waited = 0; waited < 1500 && left().length > 0; waited += 100) {
    await new Promise((next) => setTimeout(next, 100));
  }
  assert.deepEqual(left(), []);
  const before = compiled().length;
  const { miopen, lines } = await compileSmall(folder);
  assert.ok(
    lines.some((line) => /goes on with what an interrupted run compiled/.test(line)),
    lines.join("\n"),
  );
  assert.ok(compiled().length - before <= 2, compiled().join("\n"));
  assert.equal(execFileSync(join(miopen.prefix, miopen.driver)).toString(), "MIOpen version 3400\n");
});

function cannotMount(): string | false {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return process.getuid?.() === 0 ? false : "only root may mount a small disk";
  } catch {
    return "this machine lets nobody mount a small disk";
  }
}
