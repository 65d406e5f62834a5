import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { assertClean, kernel, words, wordsOf } from "./memory-support.ts";

const lanes = Array.from({ length: 32 }, (_, i) => i);
const values = lanes.map((i) => 0x1000 + i * 7);

/** v1 holds the lane's word of the first buffer, v2 that of its second 32 words, v10 goes to the second buffer. */
const around = (body: string) => `
  v_lshlrev_b32 v3, 2, v0
  global_load_dword v1, v3, s[4:5]
  global_load_dword v2, v3, s[4:5] offset:128
  v_mov_b32 v10, 0x77
  s_waitcnt vmcnt(0)
  ${body}
  s_waitcnt lgkmcnt(0)
  v_nop
  s_mov_b32 exec_lo, -1
  global_store_dword v3, v10, s[6:7]`;

interface Exchange {
  name: string;
  text: string;
  /** Second words; default 0 */
  addresses?: number[];
  exec?: number;
  /** Source lane of a lane, or a value */
  expected: (lane: number, isOn: (lane: number) => boolean) => number;
}

const quad = [2, 0, 3, 3];
const scattered = lanes.map((i) => ((i * 5 + 3) % 32) * 4);
const EXCHANGES: Exchange[] = [
  {
    name: "swizzle_reverse_32",
    text: 'ds_swizzle_b32 v10, v1 offset:swizzle(BITMASK_PERM, "iiiii")',
    expected: (i) => values[i ^ 31] ?? 0,
  },
  {
    name: "swizzle_masks",
    text: 'ds_swizzle_b32 v10, v1 offset:swizzle(BITMASK_PERM, "p01pi")',
    expected: (i) => values[((i & 0b10011) | 0b00100) ^ 1] ?? 0,
  },
  {
    name: "swizzle_quad",
    text: "ds_swizzle_b32 v10, v1 offset:swizzle(QUAD_PERM, 2, 0, 3, 3)",
    expected: (i) => values[(i & ~3) | (quad[i & 3] ?? 0)] ?? 0,
  },
  {
    name: "swizzle_off",
    text: "ds_swizzle_b32 v10, v1 offset:swizzle(SWAP, 1)",
    exec: 0x5555ff0f,
    expected: (i, on) => (on(i ^ 1) ? (values[i ^ 1] ?? 0) : 0),
  },
  {
    name: "bpermute",
    text: "ds_bpermute_b32 v10, v2, v1",
    addresses: scattered,
    expected: (i) => values[(i * 5 + 3) % 32] ?? 0,
  },
  {
    name: "bpermute_offset",
    text: "ds_bpermute_b32 v10, v2, v1 offset:8",
    addresses: scattered.map((a) => a + 2 + 128),
    expected: (i) => values[(i * 5 + 5) % 32] ?? 0,
  },
  {
    name: "bpermute_off",
    text: "ds_bpermute_b32 v10, v2, v1",
    addresses: scattered,
    exec: 0x0ff0ff0f,
    expected: (i, on) => (on((i * 5 + 3) % 32) ? (values[(i * 5 + 3) % 32] ?? 0) : 0),
  },
  {
    name: "permute",
    text: "ds_permute_b32 v10, v2, v1",
    addresses: scattered,
    expected: (i) => values[lanes.find((from) => (from * 5 + 3) % 32 === i) ?? 0] ?? 0,
  },
  {
    name: "permute_off",
    text: "ds_permute_b32 v10, v2, v1",
    addresses: scattered,
    exec: 0x0ff0ff0f,
    expected: (i, on) => {
      const from = lanes.find((lane) => (lane * 5 + 3) % 32 === i) ?? 0;
      return on(from) ? (values[from] ?? 0) : 0;
    },
  },
  {
    name: "permute_clash",
    text: "ds_permute_b32 v10, v2, v1",
    addresses: lanes.map(() => 12),
    expected: (i) => (i === 3 ? (values[31] ?? 0) : 0),
  },
];

test("ds_swizzle, ds_permute and ds_bpermute give each lane the value of the right lane, 0 from lanes that are off", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const all = EXCHANGES.map(({ name, text, exec = 0xffffffff }) =>
    kernel(name, around(`s_mov_b32 exec_lo, 0x${exec.toString(16)}\n  ${text}`)),
  );
  const object = await simulator.assemble(objectText(all));
  const ran = await simulator.run(
    object,
    EXCHANGES.map(({ name, addresses }) => ({
      kernel: name,
      args: [{ in: words([...values, ...(addresses ?? lanes)]) }, { new: 128 }],
    })),
  );
  assertClean(ran);
  EXCHANGES.forEach(({ name, exec = 0xffffffff, expected }, i) => {
    const on = (lane: number) => ((exec >>> lane) & 1) === 1;
    assert.deepEqual(
      wordsOf(ran.launches[i]?.buffers[1]),
      lanes.map((lane) => (on(lane) ? expected(lane, on) : 0x77)),
      name,
    );
  });
});

test("in wave64 values are exchanged within each half", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `
  v_lshlrev_b32 v3, 2, v0
  v_not_b32 v2, v3
  v_add_nc_u32 v1, 100, v0
  ds_bpermute_b32 v10, v2, v1
  ds_swizzle_b32 v11, v1 offset:swizzle(REVERSE, 32)
  v_lshlrev_b32 v4, 3, v0
  s_waitcnt lgkmcnt(0)
  global_store_dwordx2 v4, v[10:11], s[6:7]`;
  const object = await simulator.assemble(
    objectText([{ name: "halves", body: `s_load_dwordx4 s[4:7], s[0:1], 0x0\n  s_waitcnt lgkmcnt(0)${body}` }], 64),
    "gfx1010",
    64,
  );
  const ran = await simulator.run(object, [{ kernel: "halves", block: 64, args: [{ in: words([0]) }, { new: 512 }] }]);
  assertClean(ran);
  const reversed = Array.from({ length: 64 }, (_, i) => 100 + (i ^ 31));
  assert.deepEqual(
    wordsOf(ran.launches[0]?.buffers[1]),
    reversed.flatMap((value) => [value, value]),
  );
});
