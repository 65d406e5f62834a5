// Order in which waves of a work-group run: nothing that a kernel may count on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";

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
