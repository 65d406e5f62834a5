import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeRocblasOverlay } from "../../src/device/rocblas-overlay.ts";
import { TARGETS } from "../../src/rdna1/targets.ts";
import { scratch } from "./support.ts";

/** The first 64 bytes of a code object: magic, e_flags. */
function object(flags: number): Buffer {
  const header = Buffer.alloc(80, 0xaa);
  header.write("\x7fELF", 0, "latin1");
  header.writeUInt32LE(flags, 48);
  return header;
}

async function library(folder: string, files: Record<string, Buffer>): Promise<string> {
  const path = join(folder, "library");
  await mkdir(path);
  const lazy = { "TensileLibrary_lazy_gfx1010.dat": Buffer.from("table") };
  for (const [name, content] of Object.entries({ ...lazy, ...files })) await writeFile(join(path, name), content);
  return path;
}

test("only the machine field and the names change, other cards are left out", async (t) => {
  const folder = await scratch(t);
  const source = await library(folder, {
    "TensileLibrary_Type_SS_fallback_gfx1010.hsaco": object(0x133),
    "TensileLibrary_Type_SS_fallback_gfx1030.hsaco": object(0x36),
    "TensileLibrary_Type_SS_fallback.dat": Buffer.from("generic"),
    "Kernels.so-000-gfx1010.hsaco": object(0x233),
    "TensileLibrary_Type_HH_gfx908.dat": Buffer.from("other"),
  });
  const out = join(folder, "out");
  assert.deepEqual(await makeRocblasOverlay(source, TARGETS.gfx1012, out), { files: 4, bytes: 172 });
  assert.deepEqual((await readdir(out)).sort(), [
    "Kernels.so-000-gfx1012.hsaco",
    "TensileLibrary_Type_SS_fallback.dat",
    "TensileLibrary_Type_SS_fallback_gfx1012.hsaco",
    "TensileLibrary_lazy_gfx1012.dat",
  ]);
  assert.deepEqual(await readFile(join(out, "TensileLibrary_Type_SS_fallback_gfx1012.hsaco")), object(0x135));
  assert.deepEqual(await readFile(join(out, "Kernels.so-000-gfx1012.hsaco")), object(0x235));
});

test("what cannot be relabelled is refused, and nothing is left behind", async (t) => {
  const cases: [string, Buffer, RegExp][] = [
    ["a_gfx1010.hsaco", Buffer.from(`CCOB${"x".repeat(100)}`), /no plain ELF/],
    ["a_gfx1010.hsaco", object(0x36), /is not for gfx1010/],
    ["TensileLibrary_x.dat", Buffer.from("names gfx1010"), /names a card/],
  ];
  for (const [name, content, message] of cases) {
    const folder = await scratch(t);
    const source = await library(folder, { [name]: content });
    await assert.rejects(makeRocblasOverlay(source, TARGETS.gfx1011, join(folder, "out")), message);
    assert.deepEqual(await readdir(folder), ["library"]);
  }
  const folder = await scratch(t);
  await assert.rejects(
    makeRocblasOverlay(folder, TARGETS.gfx1011, join(folder, "out")),
    /no Tensile library for gfx1010/,
  );
  await assert.rejects(makeRocblasOverlay(join(folder, "none"), TARGETS.gfx1011, join(folder, "out")), /cannot read/);
});
