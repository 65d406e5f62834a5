import assert from "node:assert/strict";
import { test } from "node:test";
import { readStatistics } from "../../../src/miopen/compile/ccache.ts";
import { readElfText } from "../../../src/miopen/compile/installed.ts";
import { planCompileJobs } from "../../../src/miopen/compile/jobs.ts";
import {
  failedSilently,
  firstFailure,
  progressLine,
  readCause,
  readDiagnostics,
  readProgress,
} from "../../../src/miopen/compile/ninja.ts";
import { cmakeArguments } from "../../../src/miopen/compile/options.ts";

test("reads ninja's progress and guesses what is left", () => {
  assert.deepEqual(readProgress("[120/407] Building CXX object x.o"), { done: 120, total: 407 });
  assert.equal(readProgress("warning: [1/2] is no progress"), null);
  assert.equal(progressLine({ done: 10, total: 400 }, 60), "compiled 10 of 400 (2 %)");
  assert.equal(progressLine({ done: 200, total: 400 }, 600), "compiled 200 of 400 (50 %), about 10 min to go");
  assert.equal(progressLine({ done: 380, total: 400 }, 600), "compiled 380 of 400 (95 %), about 32 s to go");
});

const FAILED = `[3/9] Building CXX object src/a.o
FAILED: [code=1] src/CMakeFiles/MIOpen.dir/solver.cpp.o
/usr/bin/ccache clang++ -DX -c /src/src/solver.cpp
/src/src/solver.cpp:3:10: error: use of undeclared identifier 'missing'
    3 |   return missing;
/src/src/include/x.hpp:7:1: fatal error: 'half/half.hpp' file not found
/src/src/solver.cpp:3:10: error: use of undeclared identifier 'missing'
2 errors generated.
ninja: build stopped: subcommand failed.
`;

test("finds each error of a compiler once, below the source", () => {
  assert.deepEqual(readDiagnostics(FAILED, "/src"), [
    { file: "src/solver.cpp", line: 3, message: "use of undeclared identifier 'missing'" },
    { file: "src/include/x.hpp", line: 7, message: "'half/half.hpp' file not found" },
  ]);
  const cmake = 'CMake Error at CMakeLists.txt:62 (find_package):\n  Could not find "rocblas"\n';
  assert.deepEqual(readDiagnostics(cmake, "/src"), [
    { file: "CMakeLists.txt", line: 62, message: 'find_package: Could not find "rocblas"' },
  ]);
});

test("shows the first failure without its command line", () => {
  const text = firstFailure(FAILED);
  assert.match(text, /^FAILED: .*\n\/src\/src\/solver\.cpp:3:10: error/);
  assert.doesNotMatch(text, /-DX|ninja:/);
});

for (const [cause, output] of [
  ["memory", "c++: fatal error: Killed signal terminated program cc1plus"],
  ["memory", "FAILED: [code=137] src/x.o"],
  ["memory", "LLVM ERROR: out of memory"],
  ["memory", "/bin/sh: line 1:  4711 Killed                  clang++ -c a.cpp"],
  ["memory", "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc"],
  ["memory", "a.cpp:1:1: error: no\n    1 | x\n      | ^\ncc1plus: out of memory allocating 65536 bytes"],
  ["other", "a.cpp:9:3: error: no\n    9 |   catch (const std::bad_alloc&) {}\n      |   ^"],
  ["other", 'a.cpp:9:3: error: no\n  throw Error("out of memory");\n  ^~~~~'],
  ["other", "a.cpp:9:3: error: no member named 'Killed' in 'State'"],
  ["other", "ld.lld: error: undefined symbol: typeinfo for std::bad_alloc"],
  ["other", "[3/9] Building CXX object src/killed.cpp.o\na.cpp:1:1: error: no"],
  ["disk", "x.o: No space left on device"],
  ["other", "a.cpp:1:1: error: no"],
  ["other", "CMake Error at CMakeLists.txt:1 (x):"],
] as const) {
  test(`tells ${cause} from: ${output}`, () => assert.equal(readCause(output), cause));
}

test("compiles as many files at once as there are cores and memory for", () => {
  assert.equal(planCompileJobs(16, 64 * 2 ** 30), 16);
  assert.equal(planCompileJobs(16, 7 * 2 ** 30), 4);
  assert.equal(planCompileJobs(4, 2 ** 29), 1);
});

test("configures without what RDNA1 cannot use, for a prefix that can be moved", () => {
  const programs = { clang: "/c", clangxx: "/c++", rocm: "/usr", ccache: "ccache" };
  const args = cmakeArguments("/src", "/out", programs);
  for (const wanted of [
    "-DMIOPEN_USE_COMPOSABLEKERNEL=OFF",
    "-DMIOPEN_ENABLE_AI_IMMED_MODE_FALLBACK=OFF",
    "-DCMAKE_INSTALL_RPATH=$ORIGIN;$ORIGIN/../lib",
    "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache",
    "-DCMAKE_JOB_POOL_LINK=link",
  ]) {
    assert.ok(args.includes(wanted), wanted);
  }
  assert.ok(!cmakeArguments("/src", "/out", { ...programs, ccache: null }).some((arg) => arg.includes("LAUNCHER")));
});

test("finds what keeps a library from being moved", () => {
  const good =
    " 0x01 (NEEDED) Shared library: [librocblas.so.5]\n 0x1d (RUNPATH) Library runpath: [$ORIGIN:$ORIGIN/../lib]\n";
  const needs =
    " 0x10: Name: GLIBC_2.43  Flags: none  Version: 2\n 0x20: Name: GLIBCXX_3.4.32  Flags: none  Version: 3\n";
  assert.deepEqual(readElfText(`${good}${needs}`), {
    needed: ["librocblas.so.5"],
    needs: { glibc: "2.43", glibcxx: "3.4.32" },
    faults: [],
  });
  const bad = " 0x0f (RPATH) Library rpath: [/opt/rocm/lib:$ORIGIN]\n  [35] .symtab SYMTAB 0\n";
  assert.deepEqual(readElfText(bad).faults, ["looks for libraries in /opt/rocm/lib", "is not stripped"]);
});

test("counts what ccache knew", () => {
  const text = "cache_miss\t12\ndirect_cache_hit\t300\npreprocessed_cache_hit\t4\nlocal_storage_hit\t9\n";
  assert.deepEqual(readStatistics(text), { hits: 304, misses: 12 });
});

test("knows a step that failed without a word from one that said why", () => {
  const head = "[1/2] Building CXX object a.o\nFAILED: a.o \nccache clang++ -c a.cpp\n";
  assert.equal(failedSilently(`${head}ninja: build stopped: subcommand failed.\n`), true);
  assert.equal(failedSilently(`${head}a.cpp:1:1: error: no\nninja: build stopped: subcommand failed.\n`), false);
  assert.equal(failedSilently("ninja: error: loading 'build.ninja'\n"), false);
});
