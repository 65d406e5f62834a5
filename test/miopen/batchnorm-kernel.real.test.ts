import assert from "node:assert/strict";
import { test } from "node:test";
import { type Architecture, type Argument, Simulator } from "../device/sim/harness.ts";
import { addedKernels, bundledSeries } from "./added-kernel.ts";

/*
 * The batch-norm kernels that every series adds, on their own: compiled from the patch's text and compared with a reference
 * in double precision. The solver around them is proven with a built library (patched.real.test.ts).
 */

const SOURCE = "src/kernels/MIOpenBatchNormRdna1.cpp";

type Type = "FP32" | "FP16" | "BFP16";

/** How a number is stored, and how far a stored result may be from the exact one, relative to the largest. */
const TYPES: Record<Type, { write: (v: number) => number[]; read: (b: Buffer, i: number) => number; error: number }> = {
  FP32: {
    write: (v) => [...Buffer.from(new Float32Array([v]).buffer)],
    read: (b, i) => b.readFloatLE(4 * i),
    error: 2e-6,
  },
  FP16: {
    write: (v) => {
      const view = new DataView(new ArrayBuffer(2));
      view.setFloat16(0, v, true);
      return [view.getUint8(0), view.getUint8(1)];
    },
    read: (b, i) => new DataView(b.buffer, b.byteOffset).getFloat16(2 * i, true),
    error: 6e-4,
  },
  BFP16: {
    write: (v) => {
      const bits = Buffer.from(new Float32Array([v]).buffer).readUInt32LE(0);
      const top = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
      return [top & 0xff, top >>> 8];
    },
    read: (b, i) => Buffer.from([0, 0, b[2 * i] ?? 0, b[2 * i + 1] ?? 0]).readFloatLE(0),
    error: 4e-3,
  },
};

interface Case {
  n: number;
  c: number;
  hw: number;
  nhwc?: boolean;
  type?: Type;
  mean?: number;
  /** How far the first pixel of each channel lies from the others, whose deviation is about 1 */
  outlier?: number;
  inPlace?: boolean;
  /** Statistics are given out and taken in */
  saved?: boolean;
  group?: number;
  card?: Architecture;
}

const CASES: readonly Case[] = [
  { n: 2, c: 3, hw: 49, saved: true },
  { n: 1, c: 1, hw: 1 },
  { n: 7, c: 2, hw: 13, saved: true, card: "gfx1011" },
  { n: 3, c: 2, hw: 700, group: 1024, card: "gfx1012" },
  { n: 5, c: 37, hw: 6, nhwc: true, saved: true, group: 256 },
  { n: 2, c: 5, hw: 33, nhwc: true },
  { n: 2, c: 3, hw: 200, mean: 1000, saved: true },
  { n: 4, c: 2, hw: 2500, outlier: 3000, saved: true },
  { n: 4, c: 2, hw: 1500, outlier: 1000, nhwc: true },
  { n: 4, c: 2, hw: 60, type: "FP16", saved: true },
  { n: 4, c: 35, hw: 9, type: "FP16", nhwc: true },
  { n: 3, c: 2, hw: 101, type: "BFP16", saved: true },
  { n: 2, c: 2, hw: 50, inPlace: true, saved: true },
];

/** Numbers in -1 … 1 that are the same in each run. */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const floats = (values: readonly number[]): Argument => ({
  in: new Uint8Array(Buffer.from(new Float32Array(values).buffer)),
});
const float = (value: number): Argument => ({
  word: Buffer.from(new Float32Array([value]).buffer).readUInt32LE(0),
});
const nothing: Argument = { long: 0n };
const EPSILON = 1e-5;
const FACTOR = 0.1;

function close(got: number, want: number, limit: number, what: string): void {
  assert.ok(Math.abs(got - want) <= limit, `${what}: ${got}, not ${want}`);
}

test("batch norm in training agrees with double precision for every type, layout and shape", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const sources = await addedKernels(SOURCE, await bundledSeries());
  const runs = [...sources].flatMap(([source, series]) => CASES.map((one, index) => ({ source, series, one, index })));
  for (const { source, series, one, index } of runs) {
    const {
      n,
      c,
      hw,
      nhwc = false,
      type = "FP32",
      mean = 0,
      outlier = 0,
      saved = false,
      group = 256,
      card = "gfx1010",
    } = one;
    const { write, read, error } = TYPES[type];
    const label = `${series} ${JSON.stringify(one)}`;
    const object = await simulator.compile(source, "hip", card, [`-DMIOPEN_USE_${type}=1`, "-std=c++17"]);
    const stored = (values: readonly number[]) => new Uint8Array(values.flatMap(write));
    const kept = (bytes: Uint8Array) => Array.from({ length: n * c * hw }, (_, i) => read(Buffer.from(bytes), i));

    const at = (b: number, ch: number, p: number) => (nhwc ? (b * hw + p) * c + ch : (b * c + ch) * hw + p);
    const values = numbers(n * c * hw, index + 1).map((v, i) => mean + v + (i % 3));
    for (let ch = 0; ch < c; ch++) values[at(0, ch, 0)] = (values[at(0, ch, 0)] ?? 0) + outlier;
    const xBytes = stored(values);
    const dyBytes = stored(numbers(n * c * hw, index + 50));
    const [x, dy] = [kept(xBytes), kept(dyBytes)];
    const scale = [...new Float32Array(numbers(c, 7).map((v) => 1 + v / 2))];
    const bias = [...new Float32Array(numbers(c, 9))];
    const lanes = nhwc ? 2 ** Math.min(5, Math.ceil(Math.log2(c))) : 1;
    const strides = [n === 0 ? 0 : c * hw, nhwc ? 1 : hw, nhwc ? c : 1].map((s): Argument => ({ long: BigInt(s) }));
    const shape = [n, c, hw, lanes].map((word): Argument => ({ word }));
    const grid = Math.ceil(c / lanes) * group;

    const moments = Array.from({ length: c }, (_, ch) => {
      const values = Array.from({ length: n * hw }, (_, i) => x[at(Math.floor(i / hw), ch, i % hw)] ?? Number.NaN);
      const average = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length;
      return { average, variance, inverse: 1 / Math.sqrt(variance + EPSILON) };
    });
    const statistics = (size: number): Argument => (saved ? { new: size } : nothing);
    const forward = await simulator.run(
      object,
      [
        {
          kernel: "BatchNormTrainForwardRdna1",
          ...{ grid, block: group },
          args: [
            { in: xBytes },
            one.inPlace ? { same: 0 } : { new: xBytes.length },
            floats(scale),
            floats(bias),
            ...(saved ? [floats(bias), floats(scale)] : [nothing, nothing]),
            ...[statistics(4 * c), statistics(4 * c)],
            ...[...strides, ...shape, float(EPSILON), float(FACTOR)],
          ],
        },
      ],
      { architecture: card },
    );
    assert.deepEqual([forward.faults, forward.findings], [[], []], label);
    const out = forward.launches[0]?.buffers ?? [];
    const y = out[1];
    assert.ok(y !== undefined);
    for (let b = 0; b < n; b++)
      for (let ch = 0; ch < c; ch++)
        for (let p = 0; p < hw; p++) {
          const { average, inverse } = moments[ch] ?? { average: 0, inverse: 0 };
          const value = ((x[at(b, ch, p)] ?? 0) - average) * inverse * (scale[ch] ?? 0) + (bias[ch] ?? 0);
          close(read(y, at(b, ch, p)), value, error * (4 + Math.abs(mean) + Math.abs(value)), `${label} y`);
        }
    if (saved) {
      const [running, runningVariance, saveMean, saveInverse] = out.slice(-4);
      for (const [ch, { average, variance, inverse }] of moments.entries()) {
        const unbiased = n * hw === 1 ? variance : (variance * n * hw) / (n * hw - 1);
        const limit = 3e-6 * (1 + Math.abs(mean));
        close(saveMean?.readFloatLE(4 * ch) ?? 0, average, limit, `${label} mean`);
        close(saveInverse?.readFloatLE(4 * ch) ?? 0, inverse, 1e-5 * inverse, `${label} inverse`);
        close(running?.readFloatLE(4 * ch) ?? 0, 0.9 * (bias[ch] ?? 0) + FACTOR * average, limit, `${label} running`);
        const wanted = 0.9 * (scale[ch] ?? 0) + FACTOR * unbiased;
        close(runningVariance?.readFloatLE(4 * ch) ?? 0, wanted, 1e-5 * wanted, `${label} running variance`);
      }
    }

    const backward = await simulator.run(
      object,
      [
        {
          kernel: "BatchNormTrainBackwardRdna1",
          ...{ grid, block: group },
          args: [
            ...[{ in: xBytes }, { in: dyBytes }, one.inPlace ? { same: 1 } : { new: xBytes.length }, floats(scale)],
            ...[{ new: 4 * c }, { new: 4 * c }],
            ...(saved
              ? [floats(moments.map(({ average }) => average)), floats(moments.map(({ inverse }) => inverse))]
              : [nothing, nothing]),
            ...[...strides, ...shape, float(EPSILON)],
          ],
        },
      ],
      { architecture: card },
    );
    assert.deepEqual([backward.faults, backward.findings], [[], []], label);
    const gradients = backward.launches[0]?.buffers ?? [];
    const dx = gradients[2];
    const [dscale, dbias] = gradients.slice(4, 6);
    assert.ok(dx !== undefined && dscale !== undefined && dbias !== undefined);
    for (const [ch, { average, inverse }] of moments.entries()) {
      const all = Array.from({ length: n * hw }, (_, i) => at(Math.floor(i / hw), ch, i % hw));
      const normal = (i: number) => ((x[i] ?? 0) - average) * inverse;
      const sum = all.reduce((total, i) => total + (dy[i] ?? 0), 0);
      const sumNormal = all.reduce((total, i) => total + (dy[i] ?? 0) * normal(i), 0);
      const limit = 1e-5 * (1 + n * hw) * (1 + Math.abs(mean) / 100);
      close(dbias.readFloatLE(4 * ch), sum, limit, `${label} dbias`);
      close(dscale.readFloatLE(4 * ch), sumNormal, limit, `${label} dscale`);
      const weight = (scale[ch] ?? 0) * inverse;
      for (const i of all) {
        const value = weight * ((dy[i] ?? 0) - sum / (n * hw) - (normal(i) * sumNormal) / (n * hw));
        close(read(dx, i), value, error * (1 + Math.abs(weight)) * 4 * (1 + Math.abs(mean)), `${label} dx`);
      }
    }
  }
});
