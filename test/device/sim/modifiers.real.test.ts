// neg, abs, omod, clamp, op_sel, SDWA and VOP3P's selections.
import { test } from "node:test";
import { bitsOf, f16, f32, numberOf } from "./exact.ts";
import { checkWaves, type LaneState, type WaveCase } from "./wave-cases.ts";

const single = (bits: number): number => numberOf(f32, BigInt(bits >>> 0));
const half = (bits: number): number => numberOf(f16, BigInt(bits & 0xffff));
const bits32 = (value: number): number => Number(bitsOf(f32, value));
const bits16 = (value: number): number => Number(bitsOf(f16, value));

/** Floats without NaN, whose results would not be told apart by their bits. */
const nearOne = (lane: number): Partial<LaneState> => ({
  a: bits32((lane - 20) / 16),
  b: bits32(1.5 - lane / 8),
  c: bits32(lane / 3 - 5),
  old: bits32(lane - 30.5),
});
const twoHalves = (lane: number): Partial<LaneState> => ({
  a: bits16(lane / 8 - 3) | (bits16(-lane / 4) << 16),
  b: bits16(2.5 - lane) | (bits16(lane / 16) << 16),
  c: bits16(lane * 0.75) | (bits16(-7 - lane) << 16),
});

const f32Of = (code: string, expect: (a: number, b: number, c: number, old: number) => number): WaveCase => ({
  code,
  lane: nearOne,
  expect: ({ on, own }) =>
    on ? { d: bits32(expect(single(own.a), single(own.b), single(own.c), single(own.old))) } : {},
});

const signs: WaveCase[] = [
  f32Of("v_add_f32_e64 D, -A, B", (a, b) => b - a),
  f32Of("v_add_f32_e64 D, |A|, -|B|", (a, b) => Math.abs(a) - Math.abs(b)),
  f32Of("v_mul_f32_e64 D, -|A|, -B", (a, b) => Math.abs(a) * b),
  f32Of("v_fma_f32 D, A, -B, |C|", (a, b, c) => Math.fround(Math.abs(c) - a * b)),
  f32Of("v_fmac_f32_e64 D, -A, 2.0", (a, _b, _c, old) => old - 2 * a),
  {
    code: "v_add_f64 v[16:17], -|v[4:5]|, v[6:7]\nv_add_f64 v[18:19], v[6:7], |v[4:5]|\nv_add_f64 v[16:17], v[16:17], v[18:19]\nv_cvt_f32_f64 D, v[16:17]",
    // 5.5 - 3 + 5.5 + 3, of pairs whose low words are not zero
    lane: () => ({ a: 0, b: 0xc0080000, c: 0, old: 0x40160000 }),
    expect: ({ on }) => (on ? { d: bits32(11) } : {}),
  },
  {
    code: "v_add_f16_e64 D, -A, |B|",
    lane: twoHalves,
    expect: ({ on, own }) => (on ? { d: (own.old & 0xffff0000) | bits16(Math.abs(half(own.b)) - half(own.a)) } : {}),
  },
];

const flushing = 0x1c0; // f32 subnormals flushed, DX10_CLAMP
const ieee = 0x200;
const keeping = 0x1f0;

const outputs: WaveCase[] = [
  { ...f32Of("v_add_f32_e64 D, A, B mul:2", (a, b) => 2 * (a + b)), mode: flushing },
  { ...f32Of("v_add_f32_e64 D, A, B mul:4", (a, b) => 4 * (a + b)), mode: flushing },
  { ...f32Of("v_add_f32_e64 D, A, B div:2", (a, b) => (a + b) / 2), mode: flushing },
  { ...f32Of("v_fmac_f32_e64 D, A, B div:2", (a, b, _c, old) => Math.fround(old + a * b) / 2), mode: flushing },
  { ...f32Of("v_add_f32_e64 D, A, -B mul:2", (a, b) => a - b), mode: flushing | ieee, findings: ["omod-ignored"] },
  { ...f32Of("v_sub_f32_e64 D, A, B mul:2", (a, b) => a - b), mode: keeping, findings: ["omod-ignored"] },
  f32Of("v_add_f32_e64 D, A, B clamp", (a, b) => Math.min(Math.max(a + b, 0), 1)),
  f32Of("v_fmac_f32_e64 D, A, B clamp", (a, b, _c, old) => Math.min(Math.max(Math.fround(old + a * b), 0), 1)),
  { ...f32Of("v_mul_f32_e64 D, A, B clamp mul:2", (a, b) => Math.min(Math.max(2 * a * b, 0), 1)), mode: flushing },
  {
    code: "v_add_f32_e64 D, 0x7fc00000, A clamp",
    lane: nearOne,
    expect: ({ on }) => (on ? { d: 0 } : {}),
    mode: keeping,
  },
  {
    code: "v_add_f32_e64 D, 0x7fc00000, A clamp",
    lane: nearOne,
    expect: ({ on }) => (on ? { d: 0x7fc00000 } : {}),
    mode: keeping & ~0x100,
  },
  {
    code: "v_add_f16_e64 D, A, B clamp",
    lane: twoHalves,
    expect: ({ on, own }) =>
      on ? { d: (own.old & 0xffff0000) | bits16(Math.min(Math.max(half(own.a) + half(own.b), 0), 1)) } : {},
  },
  {
    code: "v_pk_add_f16 D, A, B clamp",
    lane: twoHalves,
    expect: ({ on, own }) => {
      const clamped = (shift: number): number =>
        bits16(Math.min(Math.max(half(own.a >>> shift) + half(own.b >>> shift), 0), 1));
      return on ? { d: clamped(0) | (clamped(16) << 16) } : {};
    },
  },
];

const word = (value: number, index: number): number => (value >>> (16 * index)) & 0xffff;
const withHigh = (old: number, high: number): number => (old & 0xffff) | (high << 16);
const withLow = (old: number, low: number): number => (old & 0xffff0000) | (low & 0xffff);

const selections: WaveCase[] = [0, 1, 2, 3, 4, 5, 6, 7].map((selection) => {
  const [a, b, d] = [selection & 1, (selection >> 1) & 1, selection >> 2] as const;
  return {
    code: `v_sub_nc_u16 D, A, B op_sel:[${a},${b},${d}]`,
    expect: ({ on, own }) => {
      const difference = (word(own.a, a) - word(own.b, b)) & 0xffff;
      return on ? { d: d === 1 ? withHigh(own.old, difference) : withLow(own.old, difference) } : {};
    },
  };
});

const packed: WaveCase[] = [];
for (const [low, high] of [
  [0, 0],
  [0, 3],
  [3, 0],
  [1, 2],
  [2, 1],
  [3, 3],
] as const) {
  const list = (bits: number): string => `[${bits & 1},${bits >> 1}]`;
  packed.push({
    code: `v_pk_sub_u16 D, A, B op_sel:${list(low)} op_sel_hi:${list(high)}`,
    expect: ({ on, own }) => {
      const part = (bits: number): number => (word(own.a, bits & 1) - word(own.b, bits >> 1)) & 0xffff;
      return on ? { d: part(low) | (part(high) << 16) } : {};
    },
  });
  packed.push({
    code: `v_pk_add_f16 D, A, B op_sel:${list(low)} op_sel_hi:${list(high)} neg_lo:[1,0] neg_hi:[0,1]`,
    lane: twoHalves,
    expect: ({ on, own }) => {
      const first = half(word(own.b, low >> 1)) - half(word(own.a, low & 1));
      const second = half(word(own.a, high & 1)) - half(word(own.b, high >> 1));
      return on ? { d: bits16(first) | (bits16(second) << 16) } : {};
    },
  });
}

/** v_fma_mix: a source is f32, or a half of the register as f16. */
const mixes: WaveCase[] = [];
for (const [hi, sel] of [
  [0, 0],
  [7, 0],
  [7, 7],
  [3, 2],
  [5, 1],
  [2, 2],
] as const) {
  const bit = (bits: number, i: number): number => (bits >> i) & 1;
  const list = (bits: number): string => `[${[0, 1, 2].map((i) => bit(bits, i)).join(",")}]`;
  const lane = (number: number): Partial<LaneState> => {
    const [floats, shorts] = [nearOne(number), twoHalves(number)];
    const pick = (i: number, key: "a" | "b" | "c"): number =>
      ((bit(hi, i) === 1 ? shorts : floats)[key] as number) >>> 0;
    return { a: pick(0, "a"), b: pick(1, "b"), c: pick(2, "c") };
  };
  const value = (own: LaneState, i: number): number => {
    const bits = [own.a, own.b, own.c][i] as number;
    return bit(hi, i) === 1 ? half(word(bits, bit(sel, i))) : single(bits);
  };
  const fused = (own: LaneState): number => Math.fround(Math.abs(value(own, 2)) - value(own, 0) * value(own, 1));
  const operands = `D, -A, B, |C| op_sel:${list(sel)} op_sel_hi:${list(hi)}`;
  mixes.push(
    { code: `v_fma_mix_f32 ${operands}`, lane, expect: ({ on, own }) => (on ? { d: bits32(fused(own)) } : {}) },
    {
      code: `v_fma_mixlo_f16 ${operands}`,
      lane,
      expect: ({ on, own }) => (on ? { d: withLow(own.old, bits16(fused(own))) } : {}),
    },
    {
      code: `v_fma_mixhi_f16 ${operands}`,
      lane,
      expect: ({ on, own }) => (on ? { d: withHigh(own.old, bits16(fused(own))) } : {}),
    },
  );
}

test("VOP3: neg and abs", (t) => checkWaves(t, signs));
test("omod and clamp of floats", (t) => checkWaves(t, outputs));
test("VOP3: op_sel reads and writes one half of a register", (t) => checkWaves(t, selections));
test("VOP3P: op_sel, op_sel_hi and neg of each half", (t) => checkWaves(t, packed));
test("v_fma_mix reads f32 or f16 by op_sel_hi", (t) => checkWaves(t, mixes));
