import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { assertClean, hex, kernel, words, wordsOf } from "./memory-support.ts";

const lanes = Array.from({ length: 32 }, (_, i) => i);

test("LDS pairs go to both places, and the address register may be the destination", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const fill = `
  v_lshlrev_b32 v3, 2, v0
  v_mov_b32 v4, 0
  ds_write_b32 v3, v4 offset:0
  ds_write_b32 v3, v4 offset:128
  s_waitcnt lgkmcnt(0)`;
  const dump = `
  s_waitcnt lgkmcnt(0)
  ds_read_b32 v4, v3
  ds_read_b32 v5, v3 offset:128
  s_waitcnt lgkmcnt(0)
  global_store_dword v3, v4, s[6:7]
  global_store_dword v3, v5, s[6:7] offset:128`;
  const store = (count: number) => `
  s_waitcnt lgkmcnt(0)
  v_lshlrev_b32 v3, 4, v0
  global_store_dwordx4 v3, v[10:13], s[6:7]
  ; ${count}`;
  const all = [
    kernel(
      "write2_b32",
      `${fill}\n  v_add_nc_u32 v1, 1, v0\n  v_add_nc_u32 v2, 100, v0\n  ds_write2_b32 v3, v1, v2 offset0:0 offset1:32${dump}`,
      { lds: 256 },
    ),
    kernel(
      "write2_b64",
      `${fill}\n  v_mov_b32 v6, 1\n  v_mov_b32 v7, 2\n  v_mov_b32 v8, 3\n  v_mov_b32 v9, 4\n  v_mov_b32 v1, 16\n  s_mov_b32 exec_lo, 8\n  ds_write2_b64 v1, v[6:7], v[8:9] offset0:1 offset1:4\n  v_nop\n  s_mov_b32 exec_lo, -1${dump}`,
      { lds: 256 },
    ),
    kernel(
      "read2_b32",
      `v_lshlrev_b32 v3, 2, v0\n  ds_write_b32 v3, v0\n  v_mov_b32 v12, 0\n  v_mov_b32 v13, 0\n  v_lshlrev_b32 v10, 2, v0\n  s_mov_b32 exec_lo, 0x7fffffff\n  s_waitcnt lgkmcnt(0)\n  ds_read2_b32 v[10:11], v10 offset0:1 offset1:0\n  v_nop\n  s_mov_b32 exec_lo, -1${store(2)}`,
      { lds: 128 },
    ),
    kernel(
      "read2_b64",
      `v_lshlrev_b32 v3, 3, v0\n  v_mov_b32 v1, v0\n  v_add_nc_u32 v2, 50, v0\n  ds_write_b64 v3, v[1:2]\n  v_xor_b32 v12, 8, v3\n  s_waitcnt lgkmcnt(0)\n  ds_read2_b64 v[10:13], v12 offset0:0 offset1:1${store(4)}`,
      { lds: 264 },
    ),
    kernel(
      "read2st64_b32",
      `v_lshlrev_b32 v3, 2, v0\n  v_add_nc_u32 v1, 9, v0\n  ds_write_b32 v3, v0\n  ds_write2st64_b32 v3, v1, v0 offset0:2 offset1:3\n  v_mov_b32 v12, 0\n  v_mov_b32 v13, 0\n  s_waitcnt lgkmcnt(0)\n  ds_read2st64_b32 v[10:11], v3 offset0:2 offset1:3${store(2)}`,
      { lds: 1024 },
    ),
    kernel(
      "pairs_st64_b64",
      `v_lshlrev_b32 v3, 3, v0\n  v_add_nc_u32 v1, 9, v0\n  v_mov_b32 v2, v0\n  v_add_nc_u32 v4, 70, v0\n  v_mov_b32 v5, 3\n  ds_write2st64_b64 v3, v[1:2], v[4:5] offset0:1 offset1:2\n  s_waitcnt lgkmcnt(0)\n  ds_read2st64_b64 v[10:13], v3 offset0:1 offset1:2${store(4)}`,
      { lds: 2048 },
    ),
    kernel(
      "wrxchg2_b32",
      `v_lshlrev_b32 v3, 3, v0\n  v_mov_b32 v1, 7\n  v_mov_b32 v2, v0\n  ds_write_b64 v3, v[1:2]\n  v_mov_b32 v4, 55\n  s_waitcnt lgkmcnt(0)\n  ds_wrxchg2_rtn_b32 v[10:11], v3, v4, v3 offset0:0 offset1:1\n  s_waitcnt lgkmcnt(0)\n  ds_read_b64 v[12:13], v3${store(4)}`,
      { lds: 256 },
    ),
    kernel(
      "condxchg32",
      `v_lshlrev_b32 v3, 3, v0\n  v_mov_b32 v1, 7\n  v_mov_b32 v2, 8\n  ds_write_b64 v3, v[1:2]\n  v_mov_b32 v4, 0x80000001\n  v_mov_b32 v5, 0x7fffffff\n  s_waitcnt lgkmcnt(0)\n  ds_condxchg32_rtn_b64 v[10:11], v3, v[4:5]\n  s_waitcnt lgkmcnt(0)\n  ds_read_b64 v[12:13], v3${store(4)}`,
      { lds: 256 },
    ),
  ];
  const object = await simulator.assemble(objectText(all));
  const ran = await simulator.run(
    object,
    all.map(({ name }) => ({
      kernel: name,
      args: [{ in: words([0]) }, { new: name.startsWith("write2") ? 256 : 512 }],
    })),
  );
  const inRange = ran.findings.filter((finding) => !String(finding.problem).includes("read2_b64"));
  assertClean({ ...ran, findings: inRange });
  const out = Object.fromEntries(all.map(({ name }, i) => [name, wordsOf(ran.launches[i]?.buffers[1])]));
  assert.deepEqual(out.write2_b32, [...lanes.map((i) => i + 1), ...lanes.map((i) => i + 100)]);
  const placed = Array(64).fill(0);
  [1, 2].forEach((value, i) => {
    placed[6 + i] = value;
  });
  [3, 4].forEach((value, i) => {
    placed[12 + i] = value;
  });
  assert.deepEqual(out.write2_b64, placed);
  assert.deepEqual(
    out.read2_b32,
    lanes.flatMap((i) => (i === 31 ? [124, out.read2_b32?.[125] ?? 0, 0, 0] : [i + 1, i, 0, 0])),
  );
  assert.deepEqual(
    out.read2_b64,
    lanes.flatMap((i) => {
      const next = (i ^ 1) + 1;
      return [
        i ^ 1,
        50 + (i ^ 1),
        ...(next < 32 ? [next, 50 + next] : [out.read2_b64?.[i * 4 + 2] ?? 0, out.read2_b64?.[i * 4 + 3] ?? 0]),
      ];
    }),
  );
  assert.deepEqual(
    out.read2st64_b32,
    lanes.flatMap((i) => [i + 9, i, 0, 0]),
  );
  assert.deepEqual(
    out.pairs_st64_b64,
    lanes.flatMap((i) => [i + 9, i, i + 70, 3]),
  );
  assert.deepEqual(
    out.wrxchg2_b32,
    lanes.flatMap((i) => [7, i, 55, i * 8]),
  );
  assert.deepEqual(hex(out.condxchg32 ?? []), hex(lanes.flatMap(() => [7, 8, 1, 8])));
});
