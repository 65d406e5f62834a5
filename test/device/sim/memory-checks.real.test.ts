import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, type Ran, Simulator } from "./harness.ts";
import { assertClean, hex, kernel, words, wordsOf } from "./memory-support.ts";

const kinds = (ran: Ran) => ran.findings.map((finding) => finding.kind);
const one = (ran: Ran) => {
  assert.equal(ran.faults.length, 1, JSON.stringify(ran.findings));
  assert.equal(ran.launches.at(-1)?.result, "hipErrorLaunchFailure");
  return ran.faults[0]?.problem ?? "";
};

/** Lane 5 alone goes `bytes` further than lane * 4. */
const astray = (bytes: number) => `
  v_lshlrev_b32 v1, 2, v0
  v_mov_b32 v2, ${bytes}
  v_cmp_eq_u32 vcc_lo, 5, v0
  v_cndmask_b32 v2, 0, v2, vcc_lo
  v_add_nc_u32 v1, v1, v2`;

test("an access outside of the live allocations is a fault that names lane, instruction and allocation", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(
    objectText([
      kernel("store_past", `${astray(108)}\n  global_store_dword v1, v0, s[6:7]`),
      kernel("load_before", `${astray(4)}\n  global_load_dword v2, v1, s[6:7] offset:-4`),
      kernel("store_half_past", `${astray(106)}\n  global_store_dword v1, v0, s[6:7]`),
      kernel("load_nothing", "v_mov_b32 v2, 0\n  v_mov_b32 v3, 0\n  global_load_dword v4, v[2:3], off"),
      kernel("load_scalar", "s_load_dwordx4 s[8:11], s[6:7], 0x78"),
      kernel("store_arguments", "v_mov_b32 v2, 0\n  global_store_dword v2, v0, s[0:1]"),
      kernel("atomic_astray", `${astray(2)}\n  global_atomic_add v1, v0, s[6:7]`),
    ]),
  );
  const run = (name: string) =>
    simulator.run(object, [{ kernel: name, args: [{ in: words([0]) }, { in: Buffer.alloc(128) }] }]);

  const past = one(await run("store_past"));
  assert.match(
    past,
    /^writes 4 bytes at 0x[0-9a-f]+, which lies in no live allocation; the nearest is the device allocation 0x[0-9a-f]+ of 128 bytes \(store_past \+ 0x[0-9a-f]+: global_store_dword v1, v0, s\[6:7\], work-group 0,0,0, wave 0, lane 5\)$/,
  );
  assert.match(one(await run("load_before")), /^reads 4 bytes at .*, which lies in no live allocation.*lane 0/);
  assert.match(
    one(await run("store_half_past")),
    /^writes 4 bytes at .* runs 2 bytes past the end of the device allocation .* of 128 bytes/,
  );
  assert.match(one(await run("load_nothing")), /^reads 4 bytes at 0x0, which lies in no live allocation.*lane 0/);
  assert.match(one(await run("load_scalar")), /^reads 16 bytes at .* runs 8 bytes past the end/);
  assert.match(one(await run("store_arguments")), /^writes 4 bytes at .*, which lies in the kernel arguments/);
  assert.match(one(await run("atomic_astray")), /^changes 4 bytes at .*, which is no multiple of 4 .*lane 5/);
});

test("touching memory that has been freed is a fault that says so", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = "v_lshlrev_b32 v1, 2, v0\n  global_load_dword v2, v1, s[6:7]";
  const object = await simulator.assemble(objectText([kernel("stale", body)]));
  const ran = await simulator.run(object, [{ kernel: "stale", args: [{ in: words([0]) }, { freed: 1000 }] }]);
  assert.match(one(ran), /^reads 4 bytes at .*, which lies in an allocation of 1000 bytes that has been freed \(stale/);
});

test("lanes that are off may hold any address", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `${astray(0x10000000)}
  v_cmp_ne_u32 vcc_lo, 5, v0
  s_and_b32 exec_lo, exec_lo, vcc_lo
  global_load_dword v3, v1, s[4:5]
  s_waitcnt vmcnt(0)
  global_store_dword v1, v3, s[6:7]`;
  const object = await simulator.assemble(objectText([kernel("off", body)]));
  const input = words(Array.from({ length: 32 }, (_, i) => i + 1000));
  const ran = await simulator.run(object, [{ kernel: "off", args: [{ in: input }, { in: Buffer.alloc(128) }] }]);
  assertClean(ran);
  const expected = wordsOf(input).map((word, i) => (i === 5 ? 0 : word));
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), expected);
});

test("one instruction may access several allocations, some of them more than 4 GiB apart", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `
  s_load_dwordx2 s[8:9], s[0:1], 0x18
  v_lshlrev_b32 v1, 2, v0
  v_cmp_gt_u32 vcc_lo, 9, v0
  v_mov_b32 v2, s4
  v_mov_b32 v3, s5
  s_waitcnt lgkmcnt(0)
  v_mov_b32 v4, s8
  v_mov_b32 v5, s9
  v_cndmask_b32 v2, v4, v2, vcc_lo
  v_cndmask_b32 v3, v5, v3, vcc_lo
  v_add_co_u32 v2, vcc_lo, v2, v1
  v_add_co_ci_u32 v3, vcc_lo, 0, v3, vcc_lo
  global_load_dword v6, v[2:3], off
  s_waitcnt vmcnt(0)
  global_store_dword v1, v6, s[6:7]`;
  const object = await simulator.assemble(objectText([kernel("mixed", body, { pointers: 4 })]));
  const [a, b] = [100, 200].map((start) => words(Array.from({ length: 32 }, (_, i) => i + start)));
  assert.ok(a !== undefined && b !== undefined);
  for (const between of [4096, 5 * 2 ** 30]) {
    const ran = await simulator.run(object, [
      { kernel: "mixed", args: [{ in: a }, { new: 128 }, { freed: between }, { in: b }] },
    ]);
    assertClean(ran);
    assert.deepEqual(
      wordsOf(ran.launches[0]?.buffers[1]),
      Array.from({ length: 32 }, (_, i) => i + (i < 9 ? 100 : 200)),
    );
  }
});

test("reading device memory that nothing was written to is a finding, byte for byte", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const object = await simulator.assemble(
    objectText([
      kernel("fill_low_halves", "v_lshlrev_b32 v1, 2, v0\n  global_store_short v1, v0, s[6:7]"),
      kernel("read_low_halves", "v_lshlrev_b32 v1, 2, v0\n  global_load_ushort v2, v1, s[6:7]"),
      kernel("read_dwords", "v_lshlrev_b32 v1, 2, v0\n  global_load_dword v2, v1, s[6:7]"),
      kernel("read_scalar", "s_load_dword s8, s[6:7], 0x0"),
      kernel("fill", "v_lshlrev_b32 v1, 2, v0\n  global_store_dword v1, v0, s[6:7]"),
      kernel("add", "v_lshlrev_b32 v1, 2, v0\n  global_atomic_add v1, v0, s[6:7]"),
    ]),
  );
  const first = { in: words([0]) };
  const launch = (kernel: string, buffer: { new: number } | { same: number }) => ({ kernel, args: [first, buffer] });

  for (const reader of ["read_dwords", "read_scalar", "add"]) {
    const fresh = await simulator.run(object, [launch(reader, { new: 128 })]);
    assert.deepEqual(kinds(fresh), ["uninitialised-memory"], reader);
    assert.match(
      String(fresh.findings[0]?.problem),
      /bytes at 0x[0-9a-f]+ \(byte 0 of its allocation\), which was never written/,
    );
  }
  const written = await simulator.run(object, [
    launch("fill", { new: 128 }),
    launch("read_dwords", { same: 1 }),
    launch("add", { same: 1 }),
  ]);
  assertClean(written);
  const halves = await simulator.run(object, [
    launch("fill_low_halves", { new: 128 }),
    launch("read_low_halves", { same: 1 }),
  ]);
  assertClean(halves);
  const more = await simulator.run(object, [
    launch("fill_low_halves", { new: 128 }),
    launch("read_dwords", { same: 1 }),
  ]);
  assert.deepEqual(kinds(more), ["uninitialised-memory"]);
  const copied = await simulator.run(object, [{ kernel: "read_dwords", args: [first, { in: Buffer.alloc(128) }] }]);
  assertClean(copied);
  const part = await simulator.run(object, [
    { kernel: "fill", args: [first, { new: 256 }] },
    { kernel: "read_dwords", grid: 64, args: [first, { same: 1 }] },
  ]);
  assert.deepEqual(kinds(part), ["uninitialised-memory"]);
  assert.match(String(part.findings[0]?.problem), /\(byte 128 of its allocation\).*work-group 1,0,0, wave 0, lane 0/);
});

test("LDS behind the work-group's is memory up to a multiple of 512 bytes, then 0 and takes no writes, and LDS that nothing was written to is noticed", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const address = "v_lshlrev_b32 v1, 2, v0";
  const store = "s_waitcnt lgkmcnt(0)\n  global_store_dword v1, v2, s[6:7]";
  const behind = (offset: number) =>
    `${address}\n  ds_write_b32 v1, v0 offset:${offset}\n  s_waitcnt lgkmcnt(0)\n  ds_read_b32 v2, v1 offset:${offset}\n  ${store}`;
  const object = await simulator.assemble(
    objectText([
      kernel(
        "one_past",
        `${address}\n  v_mov_b32 v2, -1\n  ds_write_b32 v1, v2\n  s_waitcnt lgkmcnt(0)\n  ds_read_b32 v2, v1 offset:4\n  ${store}`,
        { lds: 128 },
      ),
      kernel("behind", behind(128), { lds: 128 }),
      kernel("behind_unit", behind(512), { lds: 512 }),
      kernel("behind_all", behind(512), { lds: 128 }),
      kernel("write_past", `${address}\n  ds_write_b32 v1, v0 offset:4`, { lds: 128 }),
      kernel("unwritten", `${address}\n  ds_read_b32 v2, v1`, { lds: 128 }),
      kernel("half_unwritten", `${address}\n  ds_write_b16 v1, v0\n  s_waitcnt lgkmcnt(0)\n  ds_read_b32 v2, v1`, {
        lds: 128,
      }),
      kernel("half_written", `${address}\n  ds_write_b16 v1, v0\n  s_waitcnt lgkmcnt(0)\n  ds_read_u16 v2, v1`, {
        lds: 128,
      }),
      kernel("misaligned", `${address}\n  v_mov_b32 v2, 0\n  v_mov_b32 v3, 0\n  ds_write_b64 v1, v[2:3]`, { lds: 256 }),
    ]),
  );
  const run = (name: string, env = {}) =>
    simulator.run(object, [{ kernel: name, args: [{ in: words([0]) }, { in: Buffer.alloc(128) }] }], { env });

  const past = await run("one_past");
  assert.deepEqual(kinds(past), ["lds-out-of-range"]);
  assert.match(String(past.findings[0]?.problem), /^reads 4 bytes at LDS address 128 of 128 .*lane 31/);
  assert.deepEqual(hex(wordsOf(past.launches[0]?.buffers[1])), [...Array(31).fill("ffffffff"), "fff7a5a5"]);
  const lanes = Array.from({ length: 32 }, (_, i) => i);
  for (const [name, expected] of [
    ["behind", lanes],
    ["behind_unit", lanes.map(() => 0)],
    ["behind_all", lanes.map(() => 0)],
  ] as const) {
    const ran = await run(name);
    assert.deepEqual(kinds(ran), ["lds-out-of-range", "lds-out-of-range"], name);
    assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), expected, name);
  }
  assert.deepEqual(kinds(await run("write_past")), ["lds-out-of-range"]);
  assert.deepEqual(kinds(await run("unwritten")), ["uninitialised-lds"]);
  assert.deepEqual(kinds(await run("half_unwritten")), ["uninitialised-lds"]);
  assertClean(await run("half_written"));
  assert.deepEqual(kinds(await run("misaligned")), ["lds-misaligned"]);
  assert.match(one(await run("one_past", { RDNA1_DEVICE_STRICT: "1" })), /^lds-out-of-range: reads 4 bytes/);
});
