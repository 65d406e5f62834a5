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
__attribute__((noinline)) int depth(int n, int* up) { int here[3] = {n, *up, n * n}; return n == 0 ? here[1] : depth(n - 1, here + n % 3) + here[2]; }
kernel void recursion(global const int* in, global int* out) {
  int i = __builtin_amdgcn_workitem_id_x();
  int start = in[i];
  out[i] = depth(i % 7, &start);
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

function depth(n: number, up: number): number {
  const here = [n, up, n * n];
  return n === 0 ? up : depth(n - 1, here[n % 3] ?? 0) + n * n;
}

for (const waveSize of [32, 64]) {
  test(`private memory, generic pointers and the stack work in compiled kernels of wave${waveSize}`, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    const object = await simulator.compile(SOURCE, "cl", "gfx1010", waveSize === 64 ? ["-mwavefrontsize64"] : []);
    const args = [{ in: words([...input, ...input]) }, { new: 256 }];
    const launches = ["private_array", "generic_pointers", "recursion"].map((kernel) => ({
      kernel,
      grid: 64,
      block: 64,
      args,
    }));
    launches[1] = { kernel: "generic_pointers", grid: 32, block: 32, args: [{ in: words(input) }, { new: 128 }] };
    const ran = await simulator.run(object, launches);
    assertClean(ran);
    const [array, generic, stack] = ran.launches.map((launch) => wordsOf(launch.buffers[1]));
    assert.deepEqual(array, input.map(privateArray));
    assert.deepEqual(generic, lanes.slice(0, 32).map(genericPointers));
    assert.deepEqual(
      stack,
      lanes.map((i) => depth(i % 7, input[i] ?? 0)),
    );
  });
}

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
  const expected = Array.from({ length: 32 }, (_, i) => (i < 31 ? i + 41 : 0));
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), expected);
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
