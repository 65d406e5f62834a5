import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { chooseSeries } from "../../../src/miopen/patches/series.ts";
import { patchStage } from "../../../src/miopen/patches/stage.ts";
import { parseOrigin } from "../../../src/miopen/source/origin.ts";
import { sourceStage } from "../../../src/miopen/source/stage.ts";
import { freshContext, projectRoot } from "../context.ts";
import { diff, SMALL_MIOPEN, writeSeries, writeTree } from "../small-miopen.ts";

const SOLVER = SMALL_MIOPEN["src/solver.cpp"] ?? "";
const ONE = SOLVER.replace("found = 0", "found = 1");
/** Changes the very line that ONE has made. */
const TWO = ONE.replace("found = 1", "found = 2");

interface Setting {
  /** What is in the source instead of, or besides, the small MIOpen */
  source?: Record<string, string>;
  patches: (folder: string) => Record<string, string>;
}

async function setting(t: TestContext, { source = {}, patches }: Setting) {
  const { folder, context, log } = await freshContext(t);
  writeTree(join(folder, "source"), source);
  mkdirSync(join(folder, "diffs"));
  writeSeries(join(folder, "series"), patches(join(folder, "diffs")));
  const miopen = await sourceStage(context, parseOrigin("./source", folder));
  const series = await chooseSeries(projectRoot, miopen.version, { bundled: false, folder: join(folder, "series") });
  const errors: { message: string; file: string | undefined; line: number | undefined }[] = [];
  context.log.error = (message, where) => void errors.push({ message, file: where?.file, line: where?.line });
  return { folder, context, log, miopen, series, errors, apply: () => patchStage(context, miopen, series) };
}

const twoPatches = (folder: string) => ({
  "1.patch": diff(folder, "src/solver.cpp", SOLVER, ONE),
  "2.patch": `${diff(folder, "src/solver.cpp", ONE, TWO)}${diff(folder, "src/new.cpp", "", "int made;\n")}`,
});

test("applies patches in order to a copy of what they touch, and reports each", async (t) => {
  const { apply, miopen } = await setting(t, { patches: twoPatches });
  const { tree, reports, removed } = await apply();
  assert.deepEqual(
    reports.map(({ name, status, offset }) => [name, status, offset]),
    [
      ["1.patch", "applied", 0],
      ["2.patch", "applied", 0],
    ],
  );
  assert.equal(readFileSync(join(tree, "src/solver.cpp"), "utf8"), TWO);
  assert.deepEqual(readdirSync(join(tree, "src")).sort(), ["new.cpp", "solver.cpp"]);
  assert.deepEqual(removed, []);
  assert.ok(!miopen.files.has("src/new.cpp"));
});

test("says how far a patch was off and how much context it had to do without", async (t) => {
  const moved = { "src/solver.cpp": `// a new line\n${SOLVER.replace("int solvers()", "int solvers() noexcept")}` };
  const { apply } = await setting(t, { source: moved, patches: twoPatches });
  const { reports } = await apply();
  assert.deepEqual(
    reports.map(({ status, offset }) => [status, offset]),
    [
      ["applied", 1],
      ["applied", 1],
    ],
  );
  assert.ok(reports.every(({ fuzz }) => fuzz > 0));
});

test("applies a patch byte by byte, whatever the encoding of the source, to a file of any name", async (t) => {
  const name = "src/Größe.txt";
  const { folder, context, log } = await freshContext(t);
  writeTree(join(folder, "source"));
  const content = (word: string) => Buffer.from(`caf\xe9\n${word} \xff\xb5s\n`, "latin1");
  writeFileSync(join(folder, "source", name), content("old"));
  const patch = [`--- a/${name}`, `+++ b/${name}`, "@@ -1,2 +1,2 @@"].map((line) => `${line}\n`).join("");
  const lines = Buffer.from(" caf\xe9\n-old \xff\xb5s\n+new \xff\xb5s\n", "latin1");
  writeSeries(join(folder, "series"), { "1.patch": "" });
  writeFileSync(join(folder, "series/1.patch"), Buffer.concat([Buffer.from(patch), lines]));
  const miopen = await sourceStage(context, parseOrigin("./source", folder));
  const series = await chooseSeries(projectRoot, miopen.version, { bundled: false, folder: join(folder, "series") });
  const { tree } = await patchStage(context, miopen, series);
  assert.deepEqual(readFileSync(join(tree, name)), content("new"));
  assert.ok(log.lines.some((line) => line.includes("1 of 1 applied")));
});

test("removes a file that a patch empties", async (t) => {
  const patches = (folder: string) => ({
    "1.patch": diff(folder, "src/api.cpp", SMALL_MIOPEN["src/api.cpp"] ?? "", ""),
  });
  const { apply } = await setting(t, { patches });
  assert.deepEqual((await apply()).removed, ["src/api.cpp"]);
});

test("refuses a series when one patch does not fit, names file and line, and leaves nothing", async (t) => {
  const other = { "src/solver.cpp": "int solvers()\n{\n    return 7;\n}\n" };
  const { apply, errors, folder } = await setting(t, { source: other, patches: twoPatches });
  await assert.rejects(
    apply(),
    /2 of 2 patches do not apply to MIOpen 3\.4\.0:\n1\.patch: rejected: src\/solver\.cpp:\d/,
  );
  assert.equal(errors[0]?.file, join(folder, "series/1.patch"));
  assert.equal(errors[0]?.line, 3);
  assert.match(errors[0]?.message ?? "", /does not apply at src\/solver\.cpp:\d/);
  const left = readdirSync(join(folder, "cache/stages/miopen-patches")).filter((name) => !name.endsWith(".lock"));
  assert.deepEqual(left, []);
});

test("names a file that the source does not have", async (t) => {
  const patches = (folder: string) => ({ "1.patch": diff(folder, "src/none.cpp", "a\nb\n", "a\nc\n") });
  const { apply } = await setting(t, { patches });
  await assert.rejects(apply(), /1\.patch: rejected: src\/none\.cpp: src\/none\.cpp is not in the source/);
});

test("never lets a pure addition with one line of context go where it does not belong", async (t) => {
  const patches = (folder: string) => ({
    "1.patch": diff(folder, "src/solver.cpp", "a\nb\nc\n", "a\nnew\nb\nc\n", 1),
  });
  const { apply } = await setting(t, { patches });
  await assert.rejects(apply(), /1 of 1 patches do not apply/);
});

test("recognises patches that the source has already, even where a later one changed the same line", async (t) => {
  const source = { "src/solver.cpp": TWO, "src/new.cpp": "int made;\n" };
  const { apply, context } = await setting(t, { source, patches: twoPatches });
  const { tree, reports } = await apply();
  assert.deepEqual(
    reports.map(({ status }) => status),
    ["already applied", "already applied"],
  );
  assert.equal(readFileSync(join(tree, "src/solver.cpp"), "utf8"), TWO);
  assert.ok(existsSync(join(tree, "src/new.cpp")));
  assert.ok(context.timings.patches !== undefined);
});

test("applies the rest where the source has the first patches", async (t) => {
  const { apply } = await setting(t, { source: { "src/solver.cpp": ONE }, patches: twoPatches });
  const { tree, reports } = await apply();
  assert.deepEqual(
    reports.map(({ status }) => status),
    ["already applied", "applied"],
  );
  assert.equal(readFileSync(join(tree, "src/solver.cpp"), "utf8"), TWO);
});

test("picks the series by MIOpen's version, replaces it, or adds to it", async (t) => {
  const { folder } = await freshContext(t);
  const fix = diff(folder, "src/solver.cpp", SOLVER, ONE);
  writeSeries(join(folder, "patches/3.5"), { "a.patch": fix }, "# version: 4\n");
  writeSeries(join(folder, "patches/3.5.1"), { "b.patch": fix });
  writeSeries(join(folder, "mine"), { "c.patch": fix });
  const names = async (version: string, bundled: boolean, own: boolean) => {
    const series = await chooseSeries(folder, version, { bundled, folder: own ? join(folder, "mine") : null });
    return [series.version, ...series.patches.map(({ name }) => name)];
  };
  assert.deepEqual(await names("3.5.0", true, false), [4, "a.patch"]);
  assert.deepEqual(await names("3.5.1", true, false), [1, "b.patch"]);
  assert.deepEqual(await names("3.5.0", true, true), [4, "a.patch", "c.patch"]);
  assert.deepEqual(await names("3.5.0", false, true), [1, "c.patch"]);
  await assert.rejects(names("3.6.0", true, false), /no series for MIOpen 3\.6\.0; there are 3\.5, 3\.5\.1/);
});
