import assert from "node:assert/strict";
import { test } from "node:test";
import { objectText, Simulator } from "./harness.ts";
import { content, LOADS, lanes, OLD, resource } from "./memory-buffer-cases.ts";
import { assertClean, hex, kernel, words, wordsOf } from "./memory-support.ts";

test("buffer loads find their address and their range as the resource says", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const sources = LOADS.map((load) => {
    const old = [10, 11, 12, 13].map((register) => `v_mov_b32 v${register}, 0x${OLD.toString(16)}`).join("\n  ");
    return kernel(
      load.name,
      `${old}${resource(load.resource)}
  ${load.address}
  ${load.text}
  v_lshlrev_b32 v3, 4, v0
  s_waitcnt vmcnt(0)
  global_store_dwordx4 v3, v[10:13], s[6:7]`,
    );
  });
  const object = await simulator.assemble(objectText(sources));
  const ran = await simulator.run(
    object,
    LOADS.map(({ name }) => ({ kernel: name, args: [{ in: words(content) }, { new: 512 }] })),
  );
  assertClean(ran);
  LOADS.forEach(({ name, expected }, i) => {
    assert.deepEqual(hex(wordsOf(ran.launches[i]?.buffers[1])), hex(lanes.flatMap(expected)), name);
  });
});

test("buffer stores and atomics out of range are dropped, atomics give 0 there", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const prepare = `${resource({ records: 72, check: 3 })}
  s_mov_b32 s8, s6
  s_mov_b32 s9, s7
  v_mov_b32 v10, 1
  v_mov_b32 v11, 2
  v_lshlrev_b32 v1, 3, v0`;
  const sources = [
    kernel("store", `${prepare}\n  buffer_store_dwordx2 v[10:11], v1, s[8:11], 0 offen offset:4`),
    kernel(
      "atomic",
      `${prepare}\n  v_mov_b32 v2, v1\n  buffer_atomic_add v10, v1, s[8:11], 0 offen glc\n  s_waitcnt vmcnt(0)\n  global_store_dword v2, v10, s[6:7] offset:4`,
    ),
    kernel(
      "store_format",
      `${prepare}\n  s_mov_b32 s11, 0x3100dfac\n  v_mov_b32 v10, 1.5\n  buffer_store_format_x v10, v1, s[8:11], 0 offen`,
    ),
    kernel(
      "format_as_it_is", // 32_UINT; one word further what is read back
      `${prepare}\n  s_mov_b32 s11, 0x31014fac\n  v_add_nc_u32 v10, 40, v0\n  buffer_store_format_x v10, v1, s[8:11], 0 offen
  s_waitcnt_vscnt null, 0x0\n  buffer_load_format_x v12, v1, s[8:11], 0 offen\n  s_waitcnt vmcnt(0)
  global_store_dword v1, v12, s[6:7] offset:4`,
    ),
  ];
  const object = await simulator.assemble(objectText(sources));
  const untouched = words(Array.from({ length: 64 }, () => 7));
  const ran = await simulator.run(
    object,
    sources.map(({ name }) => ({ kernel: name, args: [{ in: words([0]) }, { in: untouched }] })),
  );
  assertClean(ran);
  const [store, atomic, format, asItIs] = ran.launches.map((launch) => wordsOf(launch.buffers[1]));
  const all = Array.from({ length: 64 }, (_, i) => i);
  assert.deepEqual(
    store,
    all.map((i) => (i === 0 || i > 17 ? 7 : 2 - (i % 2))),
  );
  assert.deepEqual(
    atomic,
    all.map((i) => (i % 2 === 0 ? (i < 18 ? 8 : 7) : i < 18 ? 7 : 0)),
  );
  assert.deepEqual(
    hex(format ?? []),
    all.map((i) => (i % 2 === 0 && i < 18 ? "3e00" : "7")),
  );
  assert.deepEqual(
    asItIs,
    all.map((i) => (i < 18 ? 40 + Math.floor(i / 2) : i % 2 === 0 ? 7 : 0)),
  );
});

test("an unbound resource reads as 0, takes no writes and is noticed; what is no buffer is a fault", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const read = `v_lshlrev_b32 v1, 2, v0
  buffer_load_dword v2, v1, s[8:11], 0 offen
  s_waitcnt vmcnt(0)
  global_store_dword v1, v2, s[6:7]`;
  const sources = [
    kernel("unbound", `${resource({ records: 1024, check: 3, format: 0 })}\n  ${read}`),
    kernel("image", `${resource({ records: 1024, check: 3 })}\n  s_bitset1_b32 s11, 31\n  ${read}`),
    kernel(
      "packed",
      `${resource({ records: 1024, check: 3, format: 36 })}\n  ${read.replace("_dword v2", "_format_x v2")}`,
    ),
  ];
  const object = await simulator.assemble(objectText(sources));
  const args = [{ in: words(content) }, { new: 128 }];
  const unbound = await simulator.run(object, [{ kernel: "unbound", args }]);
  assert.deepEqual(
    unbound.findings.map((finding) => finding.kind),
    ["unbound-buffer"],
  );
  assert.deepEqual(
    wordsOf(unbound.launches[0]?.buffers[1]),
    lanes.map(() => 0),
  );
  const image = await simulator.run(object, [{ kernel: "image", args }]);
  assert.match(String(image.faults[0]?.problem), /^the resource is not that of a buffer: its type is 2/);
  const packed = await simulator.run(object, [{ kernel: "packed", args }]);
  assert.match(String(packed.faults[0]?.problem), /^buffer format 36 is not supported/);
});
