import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { cacheRoot } from "../../../src/cache/root.ts";
import { bunzipFor } from "../../../src/kernels/bunzip.ts";
import { checkRows, type KernelRow, readRows } from "../../../src/kernels/database.ts";
import type { Toolchain } from "../../../src/toolchain/toolchain.ts";
import { toolchainUnderTest } from "../support.ts";
import { Disassemblers, firstDifferences, refused, type WaveSize } from "./disassembly.ts";

/** RDNA1_TEST_FULL=1: every object of the kernel set. */
const FULL = process.env.RDNA1_TEST_FULL === "1";
const SAMPLED_OBJECTS = 400;

const toolchain = await toolchainUnderTest();
const started = typeof toolchain === "string" ? toolchain : await Disassemblers.start(toolchain);
const skip = typeof started === "string" ? started : false;

describe("the decoder on compiled kernels", { skip, concurrency: false }, () => {
  const disassemblers = started as Disassemblers;
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "rdna1-decode-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** All files, a few megabytes at once, on two processors. */
  async function compareObjects(files: readonly string[], waveSize: WaveSize): Promise<number> {
    let instructions = 0;
    const waiting = batches(files, 4e6).values();
    const worker = async () => {
      for (const batch of waiting) {
        const listings = await disassemblers.list(batch, "gfx1010", waveSize);
        assert.deepEqual(firstDifferences(listings), [], `in ${batch.join(" ")}`);
        instructions += listings.own.filter((line) => !refused(line)).length;
      }
    };
    await Promise.all([worker(), worker()]);
    return instructions;
  }

  test("decodes and prints every instruction of rocBLAS' gfx1010 objects as LLVM does", async (t) => {
    const library = (toolchain as Toolchain).paths.rocblasLibrary;
    const names =
      library === null ? [] : (await readdir(library)).filter((name) => /gfx1010.*\.(hsaco|co)$/.test(name));
    if (library === null || names.length === 0) return t.skip("the toolchain has no gfx1010 objects of rocBLAS");
    const instructions = await compareObjects(
      names.map((name) => join(library, name)),
      32,
    );
    t.diagnostic(`${instructions} instructions in ${names.length} objects`);
    assert.ok(instructions > 50_000);
  });

  test("decodes and prints every instruction of the kernel set as LLVM does", async (t) => {
    const file = newestKernelSet();
    if (file === null) return t.skip("no kernel set in the cache; `npm start` makes one");
    const rows = distinct(readRows(file));
    const every = FULL ? 1 : Math.max(1, Math.floor(rows.length / SAMPLED_OBJECTS));
    const sample = rows.filter((_, index) => index % every === 0);
    const kernels = await checkRows(file, sample, bunzipFor(toolchain as Toolchain));
    const files = new Map<WaveSize, string[]>([
      [32, []],
      [64, []],
    ]);
    for (const { object, hash } of kernels) {
      const path = join(folder, hash);
      await writeFile(path, object);
      files.get(waveSizeOf(object))?.push(path);
    }
    let instructions = 0;
    for (const [waveSize, paths] of files) instructions += await compareObjects(paths, waveSize);
    t.diagnostic(`${instructions} instructions in ${kernels.length} of ${rows.length} objects`);
    assert.ok(instructions > 1000);
  });
});

function distinct(rows: readonly KernelRow[]): KernelRow[] {
  return [...new Map(rows.map((row) => [row.hash, row])).values()];
}

function batches(files: readonly string[], bytes: number): string[][] {
  const all: string[][] = [];
  let room = 0;
  for (const file of files) {
    const size = statSync(file).size;
    if (size > room || all.length === 0) {
      all.push([]);
      room = bytes;
    }
    all.at(-1)?.push(file);
    room -= size;
  }
  return all;
}

/** From the metadata, a byte behind the key; all kernels of an object have the same. */
function waveSizeOf(object: Buffer): WaveSize {
  const key = ".wavefront_size";
  const at = object.indexOf(key);
  return at >= 0 && object[at + key.length] === 64 ? 64 : 32;
}

function newestKernelSet(): string | null {
  const home = join(cacheRoot(process.env), "stages/kernels-gfx1010");
  const names = statSync(home, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(home);
  const files = names.map((name) => join(home, name, "gfx1010.kdb"));
  const there = files.flatMap((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? [] : [{ file, age: found.mtimeMs }];
  });
  return there.sort((a, b) => b.age - a.age)[0]?.file ?? null;
}
