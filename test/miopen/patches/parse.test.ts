import assert from "node:assert/strict";
import { test } from "node:test";
import { readPatchOutput } from "../../../src/miopen/patches/output.ts";
import { allowedFuzz, parsePatch } from "../../../src/miopen/patches/parse.ts";
import { parseSeries } from "../../../src/miopen/patches/series.ts";

const PATCH = `From 1234 Mon Sep 17 00:00:00 2001
Subject: [PATCH] why

--- not a header, but a line of the text
diff --git a/src/a.cpp b/src/a.cpp
--- a/src/a.cpp\t2026-11-24
+++ b/src/a.cpp\t2026-11-24
@@ -3,3 +3,4 @@ context
 one
+--- added
 two
 three
@@ -20,2 +21,1 @@
-gone
 rest
diff --git a/src/old.hpp b/src/new.hpp
rename from src/old.hpp
rename to src/new.hpp
--- /dev/null
+++ b/src/made.cpp
@@ -0,0 +1 @@
+made
--
2.47
`;

test("finds every file that a patch touches and every hunk with its place", () => {
  const { touched, hunks, fault } = parsePatch(PATCH, 1);
  assert.equal(fault, null);
  assert.deepEqual(touched, ["src/a.cpp", "src/made.cpp", "src/new.hpp", "src/old.hpp"]);
  assert.deepEqual(
    hunks.map(({ file, number, line, at, context }) => [file, number, line, at, context]),
    [
      ["src/a.cpp", 1, 8, 3, 2],
      ["src/a.cpp", 2, 13, 20, 1],
      ["src/made.cpp", 1, 21, 0, 0],
    ],
  );
});

for (const [what, text, fault] of [
  ["that leads out of the tree", "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", /leads out of the tree/],
  ["that is cut off", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n", /cut off/],
  ["with binary parts", "diff --git a/x b/x\nGIT binary patch\n", /binary/],
  ["without a hunk", "just text\n", /no hunk/],
] as const) {
  test(`refuses a patch ${what}`, () => assert.match(parsePatch(text, 1).fault ?? "", fault));
}

test("lets patch ignore context only where some is left", () => {
  const hunk = (context: number) => {
    const lines = Array.from({ length: context }, (_, index) => ` ${index}\n`).join("");
    return parsePatch(`--- a/x\n+++ b/x\n@@ -1,${2 * context} +1,${2 * context + 1} @@\n${lines}+new\n${lines}`, 1);
  };
  assert.deepEqual(
    [1, 2, 3, 5].map((context) => allowedFuzz(hunk(context))),
    [0, 1, 2, 2],
  );
});

test("reads a series as quilt does", () => {
  const { lines, version } = parseSeries("# version: 3\n\none.patch # why\ntwo.patch -p0\n", "series");
  assert.deepEqual(lines, [
    { line: 3, name: "one.patch", strip: 1 },
    { line: 4, name: "two.patch", strip: 0 },
  ]);
  assert.equal(version, 3);
  assert.throws(() => parseSeries("one.patch -R\n", "f"), /f:1: '-R' is not understood/);
  assert.throws(() => parseSeries("a\n../b\n", "f"), /f:2: '\.\.\/b' leads out/);
  assert.throws(() => parseSeries("a\na\n", "f"), /f:2: 'a' is there twice/);
});

test("reads offsets, fuzz, failures and missing files from what patch prints", () => {
  const output = `checking file src/x.cpp
Hunk #1 succeeded at 28 (offset 1 line).
Hunk #2 succeeded at 40 with fuzz 2 (offset -3 lines).
Hunk #3 FAILED at 55.
1 out of 3 hunks FAILED
can't find file to patch at input line 3
|--- a/none.cpp\t2026
|+++ b/none.cpp\t2026
`;
  assert.deepEqual(readPatchOutput(output), {
    hunks: [
      { file: "src/x.cpp", number: 1, at: 28, failed: false, offset: 1, fuzz: 0 },
      { file: "src/x.cpp", number: 2, at: 40, failed: false, offset: -3, fuzz: 2 },
      { file: "src/x.cpp", number: 3, at: 55, failed: true, offset: 0, fuzz: 0 },
    ],
    missing: ["b/none.cpp"],
  });
});
