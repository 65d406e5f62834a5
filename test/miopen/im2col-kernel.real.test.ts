import assert from "node:assert/strict";
import { test } from "node:test";
import { type Architecture, type Argument, Simulator } from "../device/sim/harness.ts";
import { addedKernels, bundledSeries } from "./added-kernel.ts";

/*
 * The Im2d2Col that every series adds, compiled from the patch's text and launched as the patched host does (Im2d2ColGPU in
 * utilocl.cpp).
 */

const SOURCE = "src/kernels/MIOpenIm2d2ColRdna1.cpp";

interface Case {
  c: number;
  h: number;
  w: number;
  filter: readonly [number, number];
  pad?: readonly [number, number];
  stride?: readonly [number, number];
  dilation?: readonly [number, number];
  /** Bytes of an element */
  bytes?: 1 | 2 | 4;
  wide?: boolean;
  /** Elements in front of the image */
  offset?: number;
  card?: Architecture;
}

const CASES: readonly (Case & { why: string })[] = [
  { why: "an image wider than the stock tile", c: 4, h: 8, w: 14, filter: [1, 7] },
  { why: "the largest such image", c: 8, h: 9, w: 14, filter: [2, 7], card: "gfx1012" },
  { why: "four channels a group, padded", c: 8, h: 8, w: 8, filter: [3, 3], pad: [1, 1], offset: 5 },
  { why: "fewer outputs than items", c: 4, h: 7, w: 9, filter: [3, 4], bytes: 2 },
  { why: "four images that do not fit", c: 4, h: 70, w: 70, filter: [65, 65] },
  { why: "one block", c: 3, h: 8, w: 30, filter: [3, 3], pad: [1, 1] },
  { why: "several blocks with rests", c: 2, h: 19, w: 45, filter: [3, 5], pad: [1, 2], card: "gfx1011" },
  { why: "strides", c: 2, h: 37, w: 41, filter: [7, 7], pad: [3, 3], stride: [2, 2] },
  { why: "large strides", c: 1, h: 40, w: 60, filter: [11, 11], pad: [5, 0], stride: [3, 3] },
  { why: "uneven strides", c: 4, h: 16, w: 20, filter: [2, 3], stride: [1, 3] },
  { why: "dilation", c: 2, h: 24, w: 40, filter: [3, 3], pad: [4, 4], dilation: [4, 4] },
  { why: "a tile that shrinks", c: 1, h: 150, w: 150, filter: [5, 5], dilation: [30, 30], stride: [3, 3] },
  { why: "a filter beyond LDS", c: 2, h: 131, w: 130, filter: [130, 129], pad: [1, 0] },
  { why: "16-bit elements", c: 4, h: 12, w: 12, filter: [5, 5], pad: [2, 2], bytes: 2 },
  { why: "bytes, wide index", c: 3, h: 12, w: 40, filter: [3, 3], bytes: 1, wide: true },
];

const MAX_LOCAL_MEM = 65536;

/** Im2d2ColGPU with patch 0014 on RDNA1: how the kernel is built and launched. */
function plan({ c, h, w, filter: [r, s], ...rest }: Case, [outH, outW]: readonly [number, number]) {
  const [strideH, strideW] = rest.stride ?? [1, 1];
  const [dilationH, dilationW] = rest.dilation ?? [1, 1];
  const [spanH, spanW] = [(r - 1) * dilationH + 1, (s - 1) * dilationW + 1];
  let channels = outH <= 8 && outW <= 8 && strideH === 1 && strideW === 1 && c % 4 === 0 ? 4 : 1;
  if (4 * Math.max(h * w, spanH * spanW) > MAX_LOCAL_MEM / 4) channels = 1;
  let [tileW, tileH] = [32, 8];
  const reckon = () => ((tileW - 1) * strideW + spanW) * ((tileH - 1) * strideH + spanH);
  let local = channels === 4 ? 4 * h * w : reckon();
  const extreme = channels * spanW * spanH * 4 > MAX_LOCAL_MEM;
  while (!extreme && local * 4 > MAX_LOCAL_MEM) {
    if (tileH === 1 && tileW > 1) tileW /= 2;
    if (tileH > 1) tileH /= 2;
    local = reckon();
  }
  const blocksX = Math.ceil(outW / tileW);
  const blocks = blocksX * Math.ceil(outH / tileH);
  const rounded = extreme ? 1024 : 2 ** Math.max(10, Math.ceil(Math.log2(local)));
  assert.ok(rounded <= 16384 && (channels === 1 || blocks === 1));
  const groups = Math.max(1, c / channels) * blocks;
  return { channels, tileW, tileH, blocksX, blocks, rounded, groups, extreme };
}

const int = (word: number): Argument => ({ word: word >>> 0 });

test("Im2d2Col moves every element where the GEMM reads it, within its LDS", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const sources = await addedKernels(SOURCE, await bundledSeries());
  const sizes = new Set<number>();
  for (const { source, one } of [...sources.keys()].flatMap((source) => CASES.map((one) => ({ source, one })))) {
    const { c, h, w, filter, bytes = 4, wide = false, offset = 0, card = "gfx1010", why } = one;
    const [r, s] = filter;
    const { pad = [0, 0], stride = [1, 1], dilation = [1, 1] } = one;
    const out = (size: number, span: number, p: number, by: number) => Math.floor((size + 2 * p - span) / by) + 1;
    const outH = out(h, (r - 1) * dilation[0] + 1, pad[0], stride[0]);
    const outW = out(w, (s - 1) * dilation[1] + 1, pad[1], stride[1]);
    const how = plan(one, [outH, outW]);
    sizes.add(how.rounded);
    const flags = [
      `-DMIOPEN_USE_${{ 1: "INT8", 2: "FP16", 4: "FP32" }[bytes]}=1`,
      `-DLOCAL_MEM_SIZE=${how.rounded}`,
      ...(how.extreme ? ["-DEXTREME_LARGE", `-DNUM_CH_TOTAL=${c}`] : []),
      ...(wide ? ["-DUSE_LARGE_BUFFER_INDEX"] : []),
    ];
    const object = await simulator.compile(source, "hip", card, [...flags, "-std=c++17"]);

    const image = Uint8Array.from(
      { length: (offset + c * h * w) * bytes },
      (_, i) => 1 + (((i * 2654435761) >>> 13) % 255),
    );
    const wanted = Buffer.alloc(c * r * s * outH * outW * bytes);
    let at = 0;
    for (let ch = 0; ch < c; ch++)
      for (let fr = 0; fr < r; fr++)
        for (let fs = 0; fs < s; fs++)
          for (let oy = 0; oy < outH; oy++)
            for (let ox = 0; ox < outW; ox++, at += bytes) {
              const y = oy * stride[0] - pad[0] + fr * dilation[0];
              const x = ox * stride[1] - pad[1] + fs * dilation[1];
              if (y < 0 || y >= h || x < 0 || x >= w) continue;
              const from = (offset + (ch * h + y) * w + x) * bytes;
              wanted.set(image.subarray(from, from + bytes), at);
            }

    const garbage = new Uint8Array(wanted.length).fill(0xa5);
    const shape = [h, w, r, s, outH, outW, ...pad, ...stride, ...dilation].map(int);
    const launch = [how.channels, how.blocksX, how.blocks, how.tileW, how.tileH].map(int);
    const ran = await simulator.run(
      object,
      [
        {
          kernel: "Im2d2Col_v2",
          ...{ grid: how.groups * 256, block: 256 },
          args: [int(c * h * w), { in: image }, { long: BigInt(offset) }, ...shape, { in: garbage }, ...launch],
        },
      ],
      { architecture: card },
    );
    assert.deepEqual([ran.faults, ran.findings], [[], []], why);
    assert.equal(ran.launches[0]?.result, "hipSuccess", why);
    assert.ok(ran.launches[0]?.buffers[1]?.equals(wanted), `${why}: other columns`);
  }
  assert.deepEqual(
    [...sizes].sort((a, b) => a - b),
    [1024, 2048, 4096, 8192, 16384],
  );
});
