import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { RdnaError } from "../../src/errors.ts";
import type { Kernel } from "../../src/kernels/database.ts";
import { deriveIm2col } from "../../src/kernels/derive.ts";
import { type Im2d2ColShape, im2d2colKey } from "../../src/kernels/im2col.ts";
import { databaseKey } from "../../src/kernels/keys.ts";
import type { TensorType } from "../../src/kernels/problem.ts";

const shape = (tile: number, more: Partial<Im2d2ColShape> = {}): Im2d2ColShape => ({
  ...{ tile, strided: true, oneBlock: false, large: false },
  ...more,
});

/**
 * The numbers of an Im2d2Col object where the compiler puts them: LDS bytes in the metadata and in the descriptor,
 * two instruction words, and `code`, which stands for everything else.
 */
function objectOf(type: TensorType, tile: number, code = 0xbf8c0000): Buffer {
  const object = Buffer.alloc(160, 0x5a);
  const bytes = tile * (type === "fp32" ? 4 : 2);
  object.writeUInt8(0xcd, 30);
  object.writeUInt16BE(bytes, 31);
  object.writeUInt32LE(bytes, 64);
  object.writeUInt32LE(tile, 128);
  object.writeUInt32LE(tile - 257, 136);
  object.writeUInt32LE(code, 140);
  return object;
}

function harvested(type: TensorType, size: Im2d2ColShape, object = objectOf(type, size.tile)): Kernel {
  const hash = createHash("md5").update(object).digest("hex");
  return { ...databaseKey(im2d2colKey(type, size), "gfx1010"), blob: object, hash, size: 0, object };
}

test("the object between two harvested ones is computed to the byte", () => {
  for (const type of ["fp32", "fp16"] as const) {
    for (const tile of [301, 512, 1000, 4097]) {
      const ends = [300, 8000].map((end) => harvested(type, shape(end)));
      const { kernels, missing } = deriveIm2col(ends, [{ type, shape: shape(tile) }], "gfx1010");
      assert.deepEqual(missing, []);
      assert.deepEqual(kernels, [harvested(type, shape(tile))]);
    }
  }
});

test("what was harvested is not derived", () => {
  const rows = [harvested("fp32", shape(300))];
  assert.deepEqual(deriveIm2col(rows, [{ type: "fp32", shape: shape(300) }], "gfx1010").kernels, []);
});

test("bf16 rows come from fp16 objects, multi-block rows from strided ones", () => {
  const rows = [harvested("fp16", shape(300))];
  const wanted = [
    { type: "bf16", shape: shape(300) },
    { type: "fp16", shape: shape(300, { strided: false }) },
    { type: "bf16", shape: shape(300, { oneBlock: true }) },
  ] as const;
  const { kernels } = deriveIm2col(rows, wanted, "gfx1010");
  assert.deepEqual(
    kernels.map(({ hash }) => hash),
    wanted.map(() => rows[0]?.hash),
  );
});

test("an image that is one block with stride 1 has code of its own", () => {
  const wanted = [{ type: "fp32", shape: shape(300, { strided: false, oneBlock: true }) }] as const;
  assert.deepEqual(deriveIm2col([harvested("fp32", shape(300))], wanted, "gfx1010").missing, wanted);
});

for (const [what, rows] of [
  [
    "between two of different code",
    [harvested("fp32", shape(300)), harvested("fp32", shape(400), objectOf("fp32", 400, 1))],
  ],
  ["between two of different length", [harvested("fp32", shape(300)), harvested("fp32", shape(400), Buffer.alloc(8))]],
  ["beyond the last one", [harvested("fp32", shape(300))]],
] as const) {
  test(`a tile ${what} is reported as missing`, () => {
    const wanted = [{ type: "fp32", shape: shape(350) }] as const;
    const { kernels, missing } = deriveIm2col(rows, wanted, "gfx1010");
    assert.deepEqual([kernels, missing], [[], wanted]);
  });
}

test("wide indices are never derived", () => {
  const rows = [300, 400].map((tile) => harvested("fp16", shape(tile)));
  const wanted = [{ type: "fp16", shape: shape(350, { large: true }) }] as const;
  assert.deepEqual(deriveIm2col(rows, wanted, "gfx1010").missing, wanted);
});

test("a harvested object between two others must come out the same, or nothing is derived", () => {
  const rows = [300, 350, 400].map((tile) => harvested("fp32", shape(tile)));
  assert.equal(deriveIm2col(rows, [], "gfx1010").checked, 1);
  const [low, , high] = rows;
  assert.ok(low !== undefined && high !== undefined);
  const other = harvested("fp32", shape(350), objectOf("fp32", 350, 7));
  assert.throws(() => deriveIm2col([low, other, high], [], "gfx1010"), RdnaError);
});

test("two objects for one tile and one family are refused", () => {
  const rows = [harvested("fp16", shape(300)), harvested("bf16", shape(300), objectOf("bf16", 300, 3))];
  assert.throws(() => deriveIm2col(rows, [], "gfx1010"), RdnaError);
});

test("kernels of other sources are left alone", () => {
  const naive: Kernel = {
    name: "naive_conv.cpp.o",
    args: " -mcpu=gfx1010",
    blob: Buffer.alloc(4),
    hash: "",
    size: 0,
    object: Buffer.alloc(4),
  };
  assert.deepEqual(deriveIm2col([naive], [], "gfx1010"), { kernels: [], missing: [], checked: 0 });
});
