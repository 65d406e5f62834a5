import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { type KernelSource, objectText, Simulator } from "./harness.ts";

type Lanes = 32 | 64;

/** Conditions that a branch depends on, and whether they hold: SCC, VCC and EXEC as far as the wave has lanes. */
const CONDITIONS: readonly { set: string; of: (lanes: Lanes) => { scc?: boolean; vcc?: boolean; exec?: boolean } }[] = [
  { set: "s_cmp_eq_u32 s4, s4", of: () => ({ scc: true }) },
  { set: "s_cmp_lg_u32 s4, s4", of: () => ({ scc: false }) },
  { set: "s_mov_b64 vcc, 0", of: () => ({ vcc: false }) },
  { set: "s_mov_b64 vcc, 1", of: () => ({ vcc: true }) },
  { set: "s_mov_b32 vcc_lo, 0\n s_brev_b32 vcc_hi, 1", of: (lanes) => ({ vcc: lanes === 64 }) },
  { set: "s_mov_WIDE 0", of: () => ({ exec: false }) },
  { set: "s_mov_WIDE 4", of: () => ({ exec: true }) },
];

const BRANCHES: Readonly<Record<string, readonly ["scc" | "vcc" | "exec", boolean]>> = {
  s_cbranch_scc0: ["scc", false],
  s_cbranch_scc1: ["scc", true],
  s_cbranch_vccz: ["vcc", false],
  s_cbranch_vccnz: ["vcc", true],
  s_cbranch_execz: ["exec", false],
  s_cbranch_execnz: ["exec", true],
};

interface Case {
  /** Changes s40, which is 0 before */
  code: string;
  /** s40 afterwards */
  expect: number;
}

/** A branch over what sets bit 0; each label once in an object. */
const over = (branch: string, label: string) =>
  `${branch} over_${label}\n s_or_b32 s40, s40, 1\nover_${label}:\n s_or_b32 s40, s40, 2`;

function casesOf(lanes: Lanes): Case[] {
  const conditional = Object.entries(BRANCHES).flatMap(([branch, [flag, when]]) =>
    CONDITIONS.flatMap(({ set, of }, index): Case[] => {
      const holds = of(lanes)[flag];
      if (holds === undefined) return [];
      const text = set.replace("WIDE", lanes === 64 ? "b64 exec," : "b32 exec_lo,");
      return [{ code: `${text}\n ${over(branch, `${branch}_${index}`)}`, expect: holds === when ? 2 : 3 }];
    }),
  );
  const count = "s_add_u32 s40, s40, 5\n s_sub_u32 s41, s41, 1\n s_cmp_lg_u32 s41, 0";
  return [
    ...conditional,
    { code: over("s_branch", "always"), expect: 2 },
    // The simulator goes on behind the first ones of a chain as if they were not there.
    { code: ["one", "two", "three", "four"].map((label) => over("s_branch", label)).join("\n"), expect: 2 },
    { code: `s_mov_b32 s41, 3\nback:\n ${count}\n s_cbranch_scc1 back`, expect: 15 },
  ];
}

/** Stores s40. */
function kernel({ code }: Case, index: number, lanes: Lanes): KernelSource {
  const body = `
  s_load_dwordx2 s[4:5], s[0:1], 0x0
  s_mov_b32 s40, 0
  s_waitcnt lgkmcnt(0)
  ${code}
  s_mov_${lanes === 64 ? "b64 exec" : "b32 exec_lo"}, 1
  v_mov_b32 v1, s40
  v_mov_b32 v2, 0
  global_store_dword v2, v1, s[4:5]`;
  return { name: `case${index}`, body, pointers: 1 };
}

for (const lanes of [32, 64] as const) {
  test(`a branch is taken when its condition holds, and else not, in wave${lanes}`, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    const cases = casesOf(lanes);
    const kernels = cases.map((one, index) => kernel(one, index, lanes));
    const object = await simulator.assemble(objectText(kernels, lanes), "gfx1010", lanes);
    const launches = kernels.map(({ name }) => ({ kernel: name, block: lanes, args: [{ new: 4 }] }));
    const ran = await simulator.run(object, launches);
    deepEqual(ran.faults, []);
    for (const [index, { code, expect }] of cases.entries()) {
      equal(ran.launches[index]?.buffers[0]?.readUInt32LE(0), expect, code);
    }
  });
}

test("a wave waits at a barrier for those behind it", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  // The second wave writes what the first one, which runs first, reads.
  const body = `
  s_load_dwordx2 s[4:5], s[0:1], 0x0
  v_lshlrev_b32 v1, 2, v0
  v_xor_b32 v2, 0x80, v1
  ds_write_b32 v2, v0
  s_waitcnt lgkmcnt(0)
  s_barrier
  ds_read_b32 v3, v1
  s_waitcnt lgkmcnt(0)
  global_store_dword v1, v3, s[4:5]`;
  const object = await simulator.assemble(objectText([{ name: "swap", body, pointers: 1, lds: 256 }]));
  const ran = await simulator.run(object, [{ kernel: "swap", grid: 64, block: 64, args: [{ new: 256 }] }]);
  deepEqual([ran.faults, ran.findings], [[], []]);
  const words = new Uint32Array(Uint8Array.from(ran.launches[0]?.buffers[0] ?? []).buffer);
  deepEqual(
    [...words],
    Array.from({ length: 64 }, (_, item) => item ^ 32),
  );
});
