import assert from "node:assert/strict";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { OWN_SOURCES } from "../../src/kernels/dialect.ts";
import { readFolders } from "../../src/miopen/patches/series.ts";
import { scratch } from "../toolchain/helpers.ts";
import { projectRoot } from "./context.ts";
import { patchedInCache } from "./patched-in-cache.ts";

const PATCHED = Object.values(OWN_SOURCES).join(" ");

/** A cache with libraries, each a day newer than the one before; `series` is the digest that its record has. */
async function cacheOf(t: TestContext, libraries: Record<string, { text: string; series?: string }>) {
  const root = await scratch(t);
  for (const [day, [name, { text, series }]] of Object.entries(libraries).entries()) {
    const library = join(root, "stages/miopen", name, "prefix/lib/libMIOpen.so.1");
    await mkdir(dirname(library), { recursive: true });
    await writeFile(library, text);
    await utimes(library, 0, day * 86_400);
    const record = JSON.stringify({ parts: { series } });
    if (series !== undefined) await writeFile(join(root, "stages/miopen", name, "stage.json"), record);
  }
  const prefix = await patchedInCache(root);
  return prefix === null ? null : prefix.split("/").at(-2);
}

test("takes the library of a series of the project before a newer one that lacks patches", async (t) => {
  const { digest } = await readFolders([join(projectRoot, "patches/3.4")]);
  const whole = { text: PATCHED, series: digest };
  const libraries = { older: whole, whole, control: { text: PATCHED, series: "0" }, stock: { text: "" } };
  assert.equal(await cacheOf(t, libraries), "whole");
});

test("takes the newest with the kernels of the patches where no series is the project's", async (t) => {
  const libraries = { older: { text: PATCHED, series: "0" }, newer: { text: PATCHED }, stock: { text: "" } };
  assert.equal(await cacheOf(t, libraries), "newer");
  assert.equal(await cacheOf(t, { stock: { text: "" } }), null);
});
