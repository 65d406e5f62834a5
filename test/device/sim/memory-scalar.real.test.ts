import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { assertClean, hex, words, wordsOf } from "./memory-support.ts";

const content = Array.from({ length: 64 }, (_, i) => 0xabc00000 + i);
const OLD = 0x77;

interface Case {
  name: string;
  /** Loads to s[24:39] */
  text: string;
  expected: number[];
}

const slice = (first: number, count: number) => content.slice(first, first + count);
const LOADS: Case[] = [
  { name: "load_dword", text: "s_load_dword s24, s[4:5], 0x10", expected: slice(4, 1) },
  { name: "load_x2", text: "s_load_dwordx2 s[24:25], s[4:5], 0x8", expected: slice(2, 2) },
  { name: "load_x4", text: "s_load_dwordx4 s[24:27], s[4:5], 0x8", expected: slice(2, 4) },
  { name: "load_x8", text: "s_load_dwordx8 s[24:31], s[4:5], 0x0", expected: slice(0, 8) },
  { name: "load_x16", text: "s_load_dwordx16 s[24:39], s[4:5], 0x40", expected: slice(16, 16) },
  { name: "load_unaligned", text: "s_load_dword s24, s[4:5], 0x13", expected: slice(4, 1) },
  { name: "load_register", text: "s_mov_b32 s3, 36\n  s_load_dword s24, s[4:5], s3", expected: slice(9, 1) },
  {
    name: "load_both",
    text: "s_mov_b32 s3, 36\n  s_load_dwordx2 s[24:25], s[4:5], s3 offset:-4",
    expected: slice(8, 2),
  },
  {
    name: "load_negative",
    text: "s_add_u32 s12, s4, 64\n  s_addc_u32 s13, s5, 0\n  s_load_dword s24, s[12:13], -0x8",
    expected: slice(14, 1),
  },
  {
    name: "load_over_base",
    text: "s_mov_b64 s[24:25], s[4:5]\n  s_load_dwordx4 s[24:27], s[24:25], 0x4",
    expected: slice(1, 4),
  },
  { name: "buffer_load", text: "s_buffer_load_dwordx4 s[24:27], s[8:11], 0x4", expected: slice(1, 4) },
  {
    name: "buffer_x16",
    text: "s_movk_i32 s10, 256\n  s_buffer_load_dwordx16 s[24:39], s[8:11], 0x40",
    expected: slice(16, 16),
  },
  {
    name: "buffer_range",
    text: "s_buffer_load_dwordx8 s[24:31], s[8:11], 0x58",
    expected: [...slice(22, 3), 0, 0, 0, 0, 0],
  },
  { name: "buffer_past", text: "s_mov_b32 s3, 0x70000000\n  s_buffer_load_dword s24, s[8:11], s3", expected: [0] },
  {
    name: "buffer_stride",
    text: "s_or_b32 s9, s9, 0x80000\n  s_mov_b32 s10, 3\n  s_buffer_load_dwordx8 s[24:31], s[8:11], 0x0",
    expected: [...slice(0, 6), 0, 0],
  },
];

const show = `
  s_waitcnt lgkmcnt(0)
  v_mov_b32 v0, 0
  ${Array.from({ length: 16 }, (_, i) => `v_mov_b32 v${i + 1}, s${24 + i}`).join("\n  ")}
  ${[0, 1, 2, 3].map((i) => `global_store_dwordx4 v0, v[${i * 4 + 1}:${i * 4 + 4}], s[6:7] offset:${i * 16}`).join("\n  ")}`;
const setUp = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  ${Array.from({ length: 16 }, (_, i) => `s_movk_i32 s${24 + i}, 0x${OLD.toString(16)}`).join("\n  ")}
  s_waitcnt lgkmcnt(0)
  s_mov_b32 s8, s4
  s_mov_b32 s9, s5
  s_movk_i32 s10, 100
  s_mov_b32 s11, 0x31016fac`;

test("scalar loads take offsets, range and destination as the instruction and the resource say", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(
    objectText(LOADS.map(({ name, text }) => ({ name, body: `${setUp}\n  ${text}${show}` }))),
  );
  const ran = await simulator.run(
    object,
    LOADS.map(({ name }) => ({ kernel: name, block: 1, args: [{ in: words(content) }, { new: 64 }] })),
  );
  assertClean(ran);
  LOADS.forEach(({ name, expected }, i) => {
    const all = [...expected, ...Array(16 - expected.length).fill(OLD)];
    assert.deepEqual(hex(wordsOf(ran.launches[i]?.buffers[1])), hex(all), name);
  });
});

test("scalar stores write what is in range, s_memtime goes on and s_get_waveid_in_workgroup counts waves", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const store = `${setUp}
  s_mov_b32 s24, 1
  s_mov_b32 s25, 2
  s_mov_b32 s8, s6
  s_mov_b32 s9, s7
  s_store_dwordx2 s[24:25], s[6:7], 0x8
  s_store_dwordx4 s[24:27], s[6:7], 0x20
  s_buffer_store_dwordx2 s[24:25], s[8:11], 0x60
  s_dcache_wb`;
  const time = `${setUp}
  s_memtime s[24:25]
  s_waitcnt lgkmcnt(0)
  s_branch next
next:
  s_memtime s[26:27]
  s_memrealtime s[28:29]${show}`;
  const wave = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_get_waveid_in_workgroup s8
  s_waitcnt lgkmcnt(0)
  v_lshlrev_b32 v1, 2, v0
  v_mov_b32 v2, s8
  global_store_dword v1, v2, s[6:7]`;
  const object = await simulator.assemble(
    objectText([
      { name: "store", body: store },
      { name: "time", body: time },
      { name: "wave", body: wave },
    ]),
  );
  const started = process.hrtime.bigint();
  const ran = await simulator.run(object, [
    { kernel: "store", block: 1, args: [{ in: words(content) }, { in: words(Array(32).fill(9)) }] },
    { kernel: "time", block: 1, args: [{ in: words(content) }, { new: 64 }] },
    { kernel: "wave", block: 96, args: [{ in: words(content) }, { new: 384 }] },
  ]);
  assertClean(ran);
  const [stored, times, waves] = ran.launches.map((launch) => wordsOf(launch.buffers[1]));
  assert.deepEqual(
    stored,
    Array.from({ length: 32 }, (_, i) => ({ 2: 1, 3: 2, 8: 1, 9: 2, 10: OLD, 11: OLD, 24: 1 })[i] ?? 9),
  );
  const before = setUp.trim().split("\n").length; // instructions are the clock
  assert.deepEqual(times?.slice(0, 4), [before + 1, 0, before + 4, 0]);
  const tenNanoseconds = BigInt(times?.[4] ?? 0) + (BigInt(times?.[5] ?? 0) << 32n);
  assert.ok(tenNanoseconds * 10n >= started - 10n && tenNanoseconds * 10n <= process.hrtime.bigint());
  assert.deepEqual(
    waves,
    Array.from({ length: 96 }, (_, i) => Math.floor(i / 32)),
  );
});

test("four dwords may be loaded where the fourth lies behind the end of an allocation, as compilers load three", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(
    objectText([
      { name: "three", body: `${setUp}\n  s_load_dwordx4 s[24:27], s[4:5], 0x0${show}` },
      { name: "two", body: `${setUp}\n  s_load_dwordx4 s[24:27], s[4:5], 0x4${show}` },
    ]),
  );
  const run = (kernel: string) =>
    simulator.run(object, [{ kernel, block: 1, args: [{ in: words([1, 2, 3]) }, { new: 64 }] }]);
  const three = await run("three");
  assertClean(three);
  assert.deepEqual(wordsOf(three.launches[0]?.buffers[1]).slice(0, 5), [1, 2, 3, 0, OLD]);
  assert.match(String((await run("two")).faults[0]?.problem), /^reads 16 bytes at .* runs 8 bytes past the end/);
});

/** SMEM on s[4:5] with NULL as data, of which llvm-mc knows nothing wide: opcode, then GLC or 0. */
const onNull = (opcode: number, glc = 0) =>
  `.long 0xf4000000 | ${opcode << 18} | ${glc << 16} | 125 << 6 | 2\n  .long 0xfa000000`;

test("NULL takes what scalar loads and atomics give, and reads as 0 in stores and atomics", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const cases = [
    { name: "load_x2", code: onNull(0x01), first: slice(0, 4) },
    { name: "load_x16", code: onNull(0x04), first: slice(0, 4) },
    { name: "load_buffer_x16", code: ".long 0xf4301f44\n  .long 0xfa000000", first: slice(0, 4) },
    { name: "store_x4", code: onNull(0x12), first: [0, 0, 0, 0] },
    { name: "swap", code: onNull(0x80, 1), first: [0, ...slice(1, 3)] },
    { name: "swap_x2", code: onNull(0xa0, 1), first: [0, 0, ...slice(2, 2)] },
    { name: "cmpswap", code: onNull(0x81, 1), first: slice(0, 4) },
    { name: "cmpswap_x2", code: onNull(0xa1, 1), first: slice(0, 4) },
    { name: "add", code: onNull(0x82), first: slice(0, 4) },
  ];
  const object = await simulator.assemble(
    objectText(
      cases.map(({ name, code }) => ({
        name,
        // The second load has NULL as its offset.
        body: `${setUp}\n  ${code}\n  s_waitcnt lgkmcnt(0)\n  s_load_dwordx4 s[24:27], s[4:5], 0x0${show}`,
      })),
    ),
  );
  for (const { name, first } of cases) {
    const ran = await simulator.run(object, [{ kernel: name, block: 1, args: [{ in: words(content) }, { new: 64 }] }]);
    assertClean(ran);
    assert.deepEqual(hex(wordsOf(ran.launches[0]?.buffers[1])), hex([...first, ...Array(12).fill(OLD)]), name);
  }
});
