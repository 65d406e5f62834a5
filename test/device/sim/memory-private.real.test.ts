import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { assertClean, kernel, words, wordsOf } from "./memory-support.ts";

const SOURCE = `
kernel void private_array(global const int* in, global int* out) {
  int i = __builtin_amdgcn_workitem_id_x();
  int a[37];
  char b[40];
  for (int k = 0; k < 37; k++) { a[k * 5 % 37] = in[i] * k; b[(k * 7 + in[0] * 0) % 37] = in[i] + k; }
  int sum = 0;
  for (int k = 0; k < 37; k++) sum = sum * 31 + a[(k * in[i] & 0x7fff) % 37] + b[k];
  out[i] = sum;
}
// Generic pointers: FLAT accesses to private memory, LDS and global memory.
__attribute__((noinline)) int mix(int* place, int more) { place[0] += more; place[1] ^= place[0]; return place[1]; }
kernel void generic_pointers(global int* in, global int* out) {
  local int shared[128];
  int i = __builtin_amdgcn_workitem_id_x();
  int own[2] = {i, 3 * i};
  shared[2 * i] = 5 * i;
  shared[2 * i + 1] = i;
  int* place = i % 3 == 0 ? own : i % 3 == 1 ? &shared[2 * i] : (int*)(in + 2 * i);
  int first = mix(place, 100);
  out[i] = first * 3 + mix(place, own[0]);
}
`;

const lanes = Array.from({ length: 64 }, (_, i) => i);
const remainder = (value: number) => ((value % 37) + 37) % 37;
const input = lanes.map((i) => 3 + i * 17);

function privateArray(value: number): number {
  const a = new Int32Array(37);
  const b = new Int8Array(40);
  for (let k = 0; k < 37; k++) {
    a[(k * 5) % 37] = value * k;
    b[(k * 7) % 37] = value + k;
  }
  let sum = 0;
  for (let k = 0; k < 37; k++) sum = (Math.imul(sum, 31) + (a[remainder((k * value) & 0x7fff)] ?? 0) + (b[k] ?? 0)) | 0;
  return sum >>> 0;
}

function genericPointers(i: number): number {
  const own = [i, 3 * i];
  const place = i % 3 === 0 ? own : i % 3 === 1 ? [5 * i, i] : [input[2 * i] ?? 0, input[2 * i + 1] ?? 0];
  const mix = (more: number) => {
    place[0] = ((place[0] ?? 0) + more) | 0;
    place[1] = (place[1] ?? 0) ^ place[0];
    return place[1];
  };
  const first = mix(100);
  return (first * 3 + mix(own[0] ?? 0)) >>> 0;
}

for (const waveSize of [32, 64]) {
  test(`private memory and generic pointers work in compiled kernels of wave${waveSize}`, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    const object = await simulator.compile(SOURCE, "cl", "gfx1010", waveSize === 64 ? ["-mwavefrontsize64"] : []);
    const ran = await simulator.run(object, [
      { kernel: "private_array", grid: 64, block: 64, args: [{ in: words(input) }, { new: 256 }] },
      { kernel: "generic_pointers", grid: 32, block: 32, args: [{ in: words(input) }, { new: 128 }] },
    ]);
    assertClean(ran);
    const [array, generic] = ran.launches.map((launch) => wordsOf(launch.buffers[1]));
    assert.deepEqual(array, input.map(privateArray));
    assert.deepEqual(generic, lanes.slice(0, 32).map(genericPointers));
  });
}

/** What a kernel says in its descriptor; with STACK in its place it has a buffer of private memory of any size, too. */
const ARGUMENTS = ".amdhsa_user_sgpr_kernarg_segment_ptr 1";
const STACK = `${ARGUMENTS}
  .amdhsa_user_sgpr_private_segment_buffer 1
  .amdhsa_system_sgpr_private_segment_wavefront_offset 1
  .amdhsa_uses_dynamic_stack 1`;

test("a kernel whose stack the compiler cannot bound has what a runtime gives it, for each wave its own", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = (offset: number) => `
  s_load_dwordx4 s[8:11], s[4:5], 0x0
  s_add_u32 s0, s0, s7
  s_addc_u32 s1, s1, 0
  v_mov_b32 v1, ${offset}
  buffer_store_dword v0, v1, s[0:3], 0 offen
  v_lshlrev_b32 v3, 2, v0
  s_waitcnt 0
  s_waitcnt_vscnt null, 0x0
  s_barrier
  buffer_load_dword v2, v1, s[0:3], 0 offen
  s_waitcnt 0
  global_store_dword v3, v2, s[10:11]`;
  const text = objectText([
    { name: "last", body: body(1020) },
    { name: "past", body: body(2048) },
  ]).replaceAll(ARGUMENTS, STACK);
  const object = await simulator.assemble(text);
  const run = (kernel: string) => simulator.run(object, [{ kernel, block: 64, args: [{ new: 4 }, { new: 256 }] }]);
  const last = await run("last");
  assertClean(last);
  assert.deepEqual(wordsOf(last.launches[0]?.buffers[1]), lanes);
  assert.match(
    String((await run("past")).faults[0]?.problem),
    /^writes 4 bytes at .*behind the end of the private memory/,
  );
});

test("a wave that goes beyond its private memory does not reach another wave's", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const own = `
  s_load_dwordx4 s[8:11], s[4:5], 0x0
  s_add_u32 s0, s0, s7
  s_addc_u32 s1, s1, 0
  v_mov_b32 v1, 0
  v_lshrrev_b32 v5, 5, v0
  v_readfirstlane_b32 s12, v5
  v_lshlrev_b32 v3, 2, v0
  buffer_store_dword v0, v1, s[0:3], 0 offen
  s_waitcnt 0
  s_waitcnt_vscnt null, 0x0
  s_barrier
  s_cmp_lg_u32 s12, `;
  const result = `
  s_cbranch_scc1 END
  ACCESS
END:
  s_waitcnt 0
  s_waitcnt_vscnt null, 0x0
  s_barrier
  buffer_load_dword v2, v1, s[0:3], 0 offen
  s_waitcnt 0
  global_store_dword v3, v2, s[10:11]`;
  /** Wave \`wave\` of two accesses private memory as \`access\` says, after both have filled their first dword. */
  const astray = (name: string, wave: number, access: string) => ({
    name,
    body: `${own}${wave}${result.replaceAll("END", `${name}_end`).replace("ACCESS", access)}`,
  });
  const text = objectText([
    astray("store", 0, "v_mov_b32 v4, 0x400\n  buffer_store_dword v0, v4, s[0:3], 0 offen"),
    astray("load", 0, "v_mov_b32 v4, 0x400\n  buffer_load_dword v2, v4, s[0:3], 0 offen"),
    astray(
      "below",
      1,
      "s_mov_b32 s13, -4096\n  s_add_u32 s0, s0, s13\n  s_addc_u32 s1, s1, -1\n  buffer_store_dword v0, off, s[0:3], 0",
    ),
    astray("inside", 0, "v_mov_b32 v4, 0x3fc\n  buffer_store_dword v0, v4, s[0:3], 0 offen"),
  ]).replaceAll(ARGUMENTS, STACK);
  const object = await simulator.assemble(text);
  const run = (kernel: string) => simulator.run(object, [{ kernel, block: 64, args: [{ new: 4 }, { new: 256 }] }]);
  const inside = await run("inside");
  assertClean(inside);
  assert.deepEqual(wordsOf(inside.launches[0]?.buffers[1]), lanes);
  for (const [name, verb] of [
    ["store", "writes"],
    ["load", "reads"],
    ["below", "writes"],
  ] as const) {
    assert.match(
      String((await run(name)).faults[0]?.problem),
      new RegExp(
        `^${verb} 4 bytes at 0x[0-9a-f]+, which lies in the private memory of another wave; .* has 1024 bytes`,
      ),
      name,
    );
  }
});

test("private memory that a wave reads before it wrote there is found, whatever the wave before it left", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = (written: number) => `
  s_load_dwordx4 s[8:11], s[4:5], 0x0
  s_add_u32 s0, s0, s7
  s_addc_u32 s1, s1, 0
  v_mov_b32 v1, 16
  v_mov_b32 v2, 20
  v_lshlrev_b32 v3, 2, v0
  buffer_store_dword v0, v1, s[0:3], 0 offen
  s_waitcnt_vscnt null, 0x0
  buffer_load_dword v4, v${written}, s[0:3], 0 offen
  s_waitcnt 0
  global_store_dword v3, v4, s[10:11]
  buffer_store_dword v0, v2, s[0:3], 0 offen`;
  const text = objectText([
    { name: "spilled", body: body(1) },
    { name: "never", body: body(2) },
  ]).replaceAll(ARGUMENTS, STACK);
  const object = await simulator.assemble(text);
  const run = (kernel: string) =>
    simulator.run(object, [{ kernel, grid: 128, block: 32, args: [{ new: 4 }, { new: 128 }] }]);
  assertClean(await run("spilled"));
  const { findings } = await run("never");
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ["uninitialised-scratch"],
  );
  assert.match(String(findings[0]?.problem), /^reads 4 bytes at .*, which was never written/);
});

/** s[8:9] becomes the wave's private memory, which HW_REG_FLAT_SCR is set to. */
const flatScratch = `
  s_mov_b32 s3, s2
  s_setreg_b32 hwreg(HW_REG_FLAT_SCR_LO), s8
  s_setreg_b32 hwreg(HW_REG_FLAT_SCR_HI), s9`;

test("FLAT reaches LDS through its aperture, with LDS's rules", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `
  v_lshlrev_b32 v1, 2, v0
  v_add_nc_u32 v2, 40, v0
  ds_write_b32 v1, v2
  s_mov_b64 s[8:9], src_shared_base
  v_lshl_add_u32 v4, v0, 2, 4
  v_mov_b32 v5, s9
  s_waitcnt lgkmcnt(0)
  flat_load_dword v6, v[4:5]
  s_waitcnt vmcnt(0) lgkmcnt(0)
  global_store_dword v1, v6, s[6:7]`;
  const object = await simulator.assemble(objectText([kernel("aperture", body, { lds: 128 })]));
  const ran = await simulator.run(object, [{ kernel: "aperture", args: [{ in: words([0]) }, { new: 128 }] }]);
  assert.deepEqual(
    ran.findings.map((finding) => finding.kind),
    ["lds-out-of-range"],
  );
  const expected = Array.from({ length: 32 }, (_, i) => (i < 31 ? i + 41 : 0xfff7a5a5));
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), expected);
});

/** flat_load_dword v6, v[4:5] offset:4; llvm-mc refuses the offset for RDNA1. */
const flatLoad = ".long 0xdc300004\n  .long 0x067d0004";
const flatTarget = (low: string, high: string) => `
  v_lshlrev_b32 v1, 2, v0
  v_add_nc_u32 v2, 40, v0
  ds_write_b32 v1, v2
  v_mov_b32 v4, ${low}
  v_mov_b32 v5, ${high}
  s_waitcnt lgkmcnt(0)
  ${flatLoad}
  s_waitcnt vmcnt(0) lgkmcnt(0)
  global_store_dword v1, v6, s[6:7]`;

test("the offset of FLAT counts for LDS, and for global memory only on gfx1030", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const text = objectText([
    kernel("shared", `s_mov_b64 s[8:9], src_shared_base\n${flatTarget("8", "s9")}`, { lds: 128 }),
    kernel("global", flatTarget("s4", "s5"), { lds: 128 }),
  ]);
  const args = [{ in: words([100, 200]) }, { new: 128 }];
  for (const [architecture, first] of [
    ["gfx1010", 100],
    ["gfx1011", 100],
    ["gfx1012", 100],
    ["gfx1030", 200],
  ] as const) {
    const object = await simulator.assemble(text, architecture);
    const shared = await simulator.run(object, [{ kernel: "shared", args }], { architecture });
    assertClean(shared);
    assert.deepEqual(wordsOf(shared.launches[0]?.buffers[1]), Array(32).fill(43));
    const global = await simulator.run(object, [{ kernel: "global", args }], { architecture });
    assert.deepEqual(
      global.findings.map(({ kind }) => kind),
      first === 100 ? ["flat-offset"] : [],
    );
    assert.deepEqual(wordsOf(global.launches[0]?.buffers[1]), Array(32).fill(first), architecture);
  }
});

test("an access outside of a work-item's private memory is a fault", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `${flatScratch}\n  v_mov_b32 v1, 64\n  scratch_load_dword v2, v1, off`;
  const object = await simulator.assemble(objectText([kernel("outside", body)]));
  const ran = await simulator.run(object, [{ kernel: "outside", args: [{ in: words([0]) }, { new: 128 }] }]);
  assert.match(
    String(ran.faults[0]?.problem),
    /^reads 4 bytes at offset 64 of private memory, of which a work-item has 0 bytes/,
  );
});
