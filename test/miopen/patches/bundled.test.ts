import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { chooseSeries, type Patch } from "../../../src/miopen/patches/series.ts";
import { bundledSeries } from "../added-kernel.ts";
import { projectRoot } from "../context.ts";

const BUNDLED = { bundled: true, folder: null };
const VERSIONS = { "3.4.0": "3.4", "3.5.0": "3.5", "3.5.1": "3.5" };

/** The lines of a patch's hunk at line `at`, without its head. */
function hunkLines({ text }: Patch, at: number): string[] {
  const lines = text.split("\n").slice(at);
  const end = lines.findIndex((line) => /^(?:@@|diff )/.test(line));
  return lines.slice(0, end < 0 ? undefined : end);
}

/** Every patch of every series, with the series' name. */
async function allPatches(): Promise<{ series: string; patch: Patch }[]> {
  const all = [];
  for (const series of await bundledSeries()) {
    const { patches } = await chooseSeries(projectRoot, `${series}.0`, BUNDLED);
    all.push(...patches.map((patch) => ({ series, patch })));
  }
  return all;
}

test("each MIOpen from 3.4.0 to 3.5.1 has its series", async () => {
  for (const [version, folder] of Object.entries(VERSIONS)) {
    const { folders } = await chooseSeries(projectRoot, version, BUNDLED);
    assert.deepEqual(folders, [join(projectRoot, "patches", folder)], version);
  }
  assert.deepEqual([...new Set(Object.values(VERSIONS))], await bundledSeries());
});

test("a series names every patch that lies in its folder, and its README says what it is for", async () => {
  for (const series of await bundledSeries()) {
    const folder = join(projectRoot, "patches", series);
    const { patches } = await chooseSeries(projectRoot, `${series}.0`, BUNDLED);
    const files = (await readdir(folder)).filter((name) => name.endsWith(".patch")).sort();
    assert.deepEqual(
      patches.map(({ name }) => name),
      files,
    );
    const readme = await readFile(join(folder, "README.md"), "utf8");
    const text = patches.map((patch) => patch.text).join("");
    for (const variable of new Set(text.match(/\bMIOPEN_RDNA1_[A-Z_]+/g)))
      assert.ok(readme.includes(variable), `${series}: its README does not tell of ${variable}`);
  }
});

test("every patch says why, what, how it was checked and what upstream has", async () => {
  for (const { series, patch } of await allPatches()) {
    const head = patch.text.slice(0, patch.text.indexOf("\n---\n"));
    for (const part of ["Subject: ", "\nWhy: ", "\nWhat: ", "\nChecked: ", "\nUpstream: "])
      assert.ok(head.includes(part), `${series}/${patch.name}: no "${part.trim()}"`);
  }
});

test("a patch repeats one line of upstream's text at most on each side of a change, and none goes in anywhere", async () => {
  for (const { series, patch } of await allPatches()) {
    for (const { file, line, context, at } of patch.hunks) {
      const where = `${series}/${patch.name}:${line} (${file})`;
      assert.ok(context <= 1, where);
      const isNewFile = at === 0;
      const replaces = hunkLines(patch, line).some((text) => text.startsWith("-"));
      assert.ok(context === 1 || isNewFile || replaces, `${where}: neither context nor a line to find`);
    }
  }
});

test("every source and kernel that a series adds is compiled", async () => {
  for (const series of await bundledSeries()) {
    const { patches } = await chooseSeries(projectRoot, `${series}.0`, BUNDLED);
    const text = patches.map((patch) => patch.text).join("");
    const added = [...text.matchAll(/^--- \/dev\/null\n\+\+\+ b\/src\/(\S+\.cpp)$/gm)].map(([, file]) => file ?? "");
    assert.ok(added.includes("rdna1.cpp"), series);
    const listed = text.split("\n").filter((line) => line.startsWith("+") && /\.cpp\)?$/.test(line));
    for (const file of added) {
      assert.ok(
        listed.some((line) => line.replace(/\)$/, "").split(/[\s+]/).at(-1) === file),
        `${series}: src/CMakeLists.txt does not get ${file}`,
      );
    }
  }
});
