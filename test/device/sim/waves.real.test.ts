// Order in which waves of a work-group run: nothing that a kernel may count on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { wordsOf } from "./memory-support.ts";

/** Two waves, of which work-items 0 and 32 stay. */
const HEAD = `
s_load_dwordx2 s[4:5], s[0:1], 0x0
v_mov_b32 v1, 0
s_mov_b32 exec_lo, 1
s_waitcnt lgkmcnt(0)`;

/**
 * Both waves broadcast through one LDS word, twice, as MIOpen's attention kernels do. Without the second barrier a wave
 * that is ahead overwrites the word before the other has read it.
 */
const broadcast = (second: string) => `${HEAD}
v_lshrrev_b32 v4, 3, v0 ; 0 or 4: the wave's own word
ds_write_b32 v4, v0
s_waitcnt lgkmcnt(0)
s_barrier
ds_read_b32 v5, v1
s_waitcnt lgkmcnt(0)
${second}
v_mov_b32 v6, 7
ds_write_b32 v4, v6
s_waitcnt lgkmcnt(0)
s_barrier
global_store_dword v4, v5, s[4:5]`;

const KERNELS = [
  { name: "last_one_wins", body: `${HEAD}\nglobal_store_dword v1, v0, s[4:5]` },
  { name: "one_barrier_short", body: broadcast(""), lds: 8 },
  { name: "enough_barriers", body: broadcast("s_barrier"), lds: 8 },
];

test("waves run in the order asked for, and only what races depends on it", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(objectText(KERNELS.map((kernel) => ({ pointers: 1, ...kernel }))));
  const results = async (waves: string) => {
    const launches = KERNELS.map(({ name }) => ({ kernel: name, block: 64, args: [{ new: 8 }] }));
    const { launches: done } = await simulator.run(object, launches, { env: { RDNA1_DEVICE_WAVES: waves } });
    return done.map(({ result, buffers }) => [result, buffers[0]?.readUInt32LE(0), buffers[0]?.readUInt32LE(4)]);
  };
  assert.deepEqual(await results("ascending"), [
    ["hipSuccess", 32, 0],
    ["hipSuccess", 0, 7],
    ["hipSuccess", 0, 0],
  ]);
  assert.deepEqual(await results("descending"), [
    ["hipSuccess", 0, 0],
    ["hipSuccess", 0, 0],
    ["hipSuccess", 0, 0],
  ]);
});

/** Each wave stores, in each lane, its number in the group, EXEC, and its work-item's x and y. */
const WHERE = `
s_load_dwordx2 s[4:5], s[0:1], 0x0
s_get_waveid_in_workgroup s6
s_lshl_b32 s7, s3, 1
s_add_u32 s7, s7, s2
s_lshl_b32 s7, s7, 10
s_waitcnt lgkmcnt(0)
s_lshl_b32 s8, s6, 9
s_add_u32 s7, s7, s8
v_mbcnt_lo_u32_b32 v2, -1, 0
v_lshlrev_b32 v2, 4, v2
v_add_nc_u32 v2, s7, v2
v_mov_b32 v4, s6
v_mov_b32 v5, exec_lo
v_mov_b32 v6, v0
v_mov_b32 v7, v1
s_barrier
global_store_dwordx4 v2, v[4:7], s[4:5]`;

/** What the lanes of a work-group of this size store: two waves of 32, zeros for what is not there. */
function places(width: number, height: number): number[] {
  return Array.from({ length: 64 }, (_, item) => {
    if (item >= width * height) return [0, 0, 0, 0];
    const wave = Math.floor(item / 32);
    const lanes = Math.min(width * height - wave * 32, 32);
    return [wave, 2 ** lanes - 1, item % width, Math.floor(item / width)];
  }).flat();
}

test("the last work-group of an axis has what is left of the grid as its size", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const text = objectText([{ name: "where", pointers: 1, body: WHERE }]).replace(
    ".amdhsa_user_sgpr_kernarg_segment_ptr 1",
    `.amdhsa_user_sgpr_kernarg_segment_ptr 1
  .amdhsa_system_sgpr_workgroup_id_y 1
  .amdhsa_system_vgpr_workitem_id 1`,
  );
  const object = await simulator.assemble(text);
  const ran = await simulator.run(object, [
    { kernel: "where", grid: [13, 11, 1], block: [8, 8, 1], args: [{ in: Buffer.alloc(4096) }] },
  ]);
  assert.deepEqual(ran.faults, []);
  assert.deepEqual(ran.findings, []);
  const sizes = [places(8, 8), places(5, 8), places(8, 3), places(5, 3)];
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[0]), sizes.flat());
});

test("a wave that would have no work-item is not started", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `
s_load_dwordx4 s[4:7], s[0:1], 0x0
v_lshrrev_b32 v1, 5, v0
v_readfirstlane_b32 s3, v1
s_lshl_b32 s3, s3, 2
s_waitcnt lgkmcnt(0)
s_load_dword s8, s[4:5], s3
v_lshlrev_b32 v3, 2, v0
s_waitcnt lgkmcnt(0)
v_mov_b32 v4, s8
global_store_dword v3, v4, s[6:7]`;
  const object = await simulator.assemble(objectText([{ name: "first", body }]));
  const two = new Uint8Array(new Uint32Array([7, 9]).buffer);
  const ran = await simulator.run(object, [
    { kernel: "first", grid: 40, block: 128, args: [{ in: two }, { in: Buffer.alloc(160) }] },
  ]);
  assert.deepEqual(ran.faults, []);
  const expected = Array.from({ length: 40 }, (_, i) => (i < 32 ? 7 : 9));
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), expected);
});
