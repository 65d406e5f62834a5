// Sub-dword addressing and data-parallel primitives.
import { test } from "node:test";
import { bitsOf, f16, f32, numberOf } from "./exact.ts";
import { checkWaves, type LaneState, type WaveCase, type WaveState } from "./wave-cases.ts";

const selections = ["BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3", "WORD_0", "WORD_1", "DWORD"] as const;
type Selection = (typeof selections)[number];

const rangeOf = (selection: Selection): { shift: number; width: number } => {
  const index = Number(selection.at(-1));
  if (selection === "DWORD") return { shift: 0, width: 32 };
  return selection.startsWith("BYTE") ? { shift: 8 * index, width: 8 } : { shift: 16 * index, width: 16 };
};

const picked = (value: number, selection: Selection, sext = false): number => {
  const { shift, width } = rangeOf(selection);
  const bits = BigInt.asUintN(width, BigInt(value >>> 0) >> BigInt(shift));
  return Number(sext ? BigInt.asIntN(width, bits) : bits);
};

type Unused = "UNUSED_PAD" | "UNUSED_SEXT" | "UNUSED_PRESERVE";
function placed(result: number, old: number, selection: Selection, unused: Unused, bits = 32): number {
  const range = rangeOf(selection);
  const { shift } = range;
  const width = Math.min(range.width, bits);
  const field = BigInt.asUintN(width, BigInt(result));
  const mask = ((1n << BigInt(width)) - 1n) << BigInt(shift);
  if (unused === "UNUSED_PAD") return Number(field << BigInt(shift));
  if (unused === "UNUSED_SEXT") return Number(BigInt.asUintN(32, BigInt.asIntN(width, field) << BigInt(shift)));
  return Number((BigInt(old >>> 0) & ~mask & 0xffffffffn) | (field << BigInt(shift)));
}

const sources: WaveCase[] = selections.flatMap((first, index) => {
  const second = selections[(index * 3 + 1) % selections.length] as Selection;
  return [false, true].map((sext) => ({
    code: `v_sub_nc_u32_sdwa D, ${sext ? "sext(A)" : "A"}, B dst_sel:DWORD src0_sel:${first} src1_sel:${second}`,
    expect: ({ on, own }: WaveState) => (on ? { d: picked(own.a, first, sext) - picked(own.b, second) } : {}),
  }));
});

const destinations: WaveCase[] = selections.flatMap((selection) =>
  (["UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE"] as const).map((unused) => ({
    code: `v_xor_b32_sdwa D, A, B dst_sel:${selection} dst_unused:${unused} src0_sel:DWORD src1_sel:WORD_1`,
    expect: ({ on, own }: WaveState) =>
      on ? { d: placed(own.a ^ picked(own.b, "WORD_1"), own.old, selection, unused) } : {},
  })),
);

const half = (bits: number): number => numberOf(f16, BigInt(bits & 0xffff));
const halves = (lane: number): Partial<LaneState> => ({
  a: Number(bitsOf(f16, lane / 8 - 3)) | (Number(bitsOf(f16, -lane / 4)) << 16),
  b: Number(bitsOf(f16, 2.5 - lane)) | (Number(bitsOf(f16, lane / 16)) << 16),
});

const others: WaveCase[] = [
  ...(["UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE"] as const).flatMap((unused) =>
    (["WORD_0", "WORD_1", "DWORD"] as const).map((selection) => ({
      code: `v_add_f16_sdwa D, -A, |B| dst_sel:${selection} dst_unused:${unused} src0_sel:WORD_1 src1_sel:WORD_0`,
      lane: halves,
      expect: ({ on, own }: WaveState) => {
        const result = Number(bitsOf(f16, Math.abs(half(own.b)) - half(own.a >>> 16)));
        return on ? { d: placed(result, own.old, selection, unused, 16) } : {};
      },
    })),
  ),
  {
    code: "s_mov_b32 s8, 0xabcd1234\nv_add_nc_u32_sdwa D, s8, A dst_sel:DWORD src0_sel:WORD_1 src1_sel:BYTE_1",
    expect: ({ on, own }) => (on ? { d: 0xabcd + picked(own.a, "BYTE_1") } : {}),
  },
  {
    code: "v_mov_b32_sdwa D, A dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE src0_sel:WORD_0",
    expect: ({ on, own }) => (on ? { d: (own.old & 0xffff) | (own.a << 16) } : {}),
  },
  {
    code: "v_cmp_lt_i32_sdwa F, sext(A), B src0_sel:BYTE_2 src1_sel:BYTE_0",
    expect: ({ on, own }) => ({ flag: on && picked(own.a, "BYTE_2", true) < picked(own.b, "BYTE_0") }),
  },
  {
    code: "v_cndmask_b32_sdwa D, A, B, VCC dst_sel:DWORD src0_sel:BYTE_3 src1_sel:WORD_1",
    expect: ({ on, own }) => (on ? { d: own.vcc ? picked(own.b, "WORD_1") : picked(own.a, "BYTE_3") } : {}),
  },
  {
    code: "v_add_nc_u32_sdwa D, A, B clamp dst_sel:DWORD src0_sel:DWORD src1_sel:WORD_0",
    expect: ({ on, own }) => (on ? { d: Math.min(own.a + picked(own.b, "WORD_0"), 0xffffffff) } : {}),
  },
  {
    code: "v_cvt_f32_ubyte0_sdwa D, A dst_sel:DWORD src0_sel:BYTE_2",
    expect: ({ on, own }) => (on ? { d: Number(bitsOf(f32, picked(own.a, "BYTE_2"))) } : {}),
  },
];

/** The lane that a lane reads; undefined outside its row. */
type Reads = (lane: number) => number | undefined;
const inRow =
  (read: (position: number) => number): Reads =>
  (lane) => {
    const position = read(lane % 16);
    return position < 0 || position > 15 ? undefined : lane - (lane % 16) + position;
  };

const controls: [string, Reads][] = [
  ["quad_perm:[3,1,0,2]", (lane) => lane - (lane % 4) + ([3, 1, 0, 2][lane % 4] as number)],
  ["row_shl:1", inRow((position) => position + 1)],
  ["row_shl:15", inRow((position) => position + 15)],
  ["row_shr:1", inRow((position) => position - 1)],
  ["row_shr:8", inRow((position) => position - 8)],
  ["row_ror:3", inRow((position) => (position + 13) % 16)],
  ["row_mirror", inRow((position) => 15 - position)],
  ["row_half_mirror", (lane) => lane - (lane % 8) + 7 - (lane % 8)],
  ["row_share:0", inRow(() => 0)],
  ["row_share:11", inRow(() => 11)],
  ["row_xmask:5", inRow((position) => position ^ 5)],
];

interface Moved {
  writes: boolean;
  value: number;
}

function moved(state: WaveState, reads: Reads, fetchInactive: boolean, boundControl: boolean): Moved {
  const from = reads(state.lane);
  const source = from === undefined ? undefined : state.at(from);
  const valid = source !== undefined && (fetchInactive || source.on);
  return { writes: state.on && (valid || boundControl), value: valid ? source.a : 0 };
}

const flags = [0, 1, 2, 3].map((bits) => ({ bound: (bits & 1) === 1, fetch: bits >= 2 }));
const options = ({ bound, fetch }: { bound: boolean; fetch: boolean }): string =>
  `${bound ? " bound_ctrl:1" : ""}${fetch ? " fi:1" : ""}`;

const dpp: WaveCase[] = controls.flatMap(([control, reads]) =>
  flags.map((flag) => ({
    code: `v_xor_b32_dpp D, A, B ${control} row_mask:0xf bank_mask:0xf${options(flag)}`,
    expect: (state: WaveState) => {
      const { writes, value } = moved(state, reads, flag.fetch, flag.bound);
      return writes ? { d: value ^ state.own.b } : {};
    },
  })),
);

const maskedRows: WaveCase[] = [
  [0x5, 0xf],
  [0xf, 0x6],
  [0xa, 0x9],
  [0x0, 0xf],
].map(([rows, banks]) => ({
  code: `v_mov_b32_dpp D, A row_ror:1 row_mask:0x${rows?.toString(16)} bank_mask:0x${banks?.toString(16)}`,
  exec: 0xffff_ffff_ffff_ffffn,
  expect: ({ lane, at }: WaveState) => {
    const bank = Math.floor((lane % 16) / 4);
    const writes = (((rows as number) >> Math.floor(lane / 16)) & 1) === 1 && (((banks as number) >> bank) & 1) === 1;
    return writes ? { d: at(lane - (lane % 16) + ((lane + 15) % 16)).a } : {};
  },
}));

const floats = (lane: number): Partial<LaneState> => ({
  a: Number(bitsOf(f32, lane - 11.5)),
  b: Number(bitsOf(f32, lane / 4)),
  old: Number(bitsOf(f32, 100 - lane)),
});
const single = (bits: number): number => numberOf(f32, BigInt(bits >>> 0));

const moreDpp: WaveCase[] = [
  {
    code: "v_add_f32_dpp D, -|A|, B row_half_mirror row_mask:0xf bank_mask:0xf bound_ctrl:1 fi:1",
    lane: floats,
    expect: ({ lane, on, own, at }) => {
      const other = single(at(lane - (lane % 8) + 7 - (lane % 8)).a);
      return on ? { d: Number(bitsOf(f32, single(own.b) - Math.abs(other))) } : {};
    },
  },
  {
    code: "v_fmac_f32_dpp D, A, B quad_perm:[0,0,0,0] row_mask:0xf bank_mask:0xf fi:1",
    lane: floats,
    expect: ({ lane, on, own, at }) => {
      const product = single(at(lane - (lane % 4)).a) * single(own.b);
      return on ? { d: Number(bitsOf(f32, single(own.old) + product)) } : {};
    },
  },
  {
    code: "v_mov_b32_dpp A, A row_shr:1 row_mask:0xf bank_mask:0xf\nALL\nv_mov_b32 D, A",
    exec: 0xffff_ffff_ffff_ffffn,
    expect: ({ lane, own, at }) => ({ d: lane % 16 === 0 ? own.a : at(lane - 1).a, on: true }),
  },
  {
    code: "v_add_co_ci_u32_dpp D, VCC, A, B, VCC row_ror:2 row_mask:0xf bank_mask:0xf\nv_cndmask_b32 D, 0, D, VCC",
    exec: 0xffff_ffff_ffff_ffffn,
    expect: ({ lane, own, at }) => {
      const sum = at(lane - (lane % 16) + ((lane + 14) % 16)).a + own.b + (own.vcc ? 1 : 0);
      return { d: sum >= 2 ** 32 ? sum : 0 };
    },
  },
];

const dpp8: WaveCase[] = [false, true].map((fetch) => ({
  code: `v_xor_b32_dpp D, A, B dpp8:[7,6,0,1,5,2,3,3]${fetch ? " fi:1" : ""}`,
  expect: ({ lane, on, own, at }: WaveState) => {
    const source = at(lane - (lane % 8) + ([7, 6, 0, 1, 5, 2, 3, 3][lane % 8] as number));
    return on ? { d: (fetch || source.on ? source.a : 0) ^ own.b } : {};
  },
}));

test("SDWA selects and extends parts of sources", (t) => checkWaves(t, sources));
test("SDWA writes a part of the destination", (t) => checkWaves(t, destinations));
test("SDWA with halves, scalars, masks and saturation", (t) => checkWaves(t, others));
test("DPP16 moves the first source between the lanes of a row", (t) => checkWaves(t, dpp));
test("DPP16 leaves rows and banks alone that its masks leave out", (t) => checkWaves(t, maskedRows));
test("DPP16 with modifiers, accumulators and masks", (t) => checkWaves(t, moreDpp));
test("DPP8 moves between eight lanes", (t) => checkWaves(t, dpp8));
