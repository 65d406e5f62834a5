import { deepEqual, equal, match } from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { objectText, type Ran, Simulator } from "./harness.ts";
import { random } from "./operands.ts";

/** What lane `i` of a register holds before an instruction. */
type Lanes = readonly number[];
interface LaneCase {
  readonly name: string;
  /** Instructions on v2 and v3, which hold a and b; v3 is what is compared. EXEC is `exec`. */
  readonly code: string;
  readonly exec?: bigint;
  readonly expect: (a: Lanes, b: Lanes, lanes: number) => Lanes;
}

const half = 0x0f0f5a5a_12345678n;
const on = (exec: bigint, lane: number): boolean => ((exec >> BigInt(lane)) & 1n) === 1n;
const merged = (exec: bigint, from: Lanes, old: Lanes): Lanes =>
  old.map((value, i) => (on(exec, i) ? (from[i] ?? 0) : value));
const ones = (value: number): number => value.toString(2).replaceAll("0", "").length;
/** Numbers of the 16 lanes, first in the low bits of s8. */
const numbers = 0xfedcba98_76543210n ^ 0x13572468_0f1e2d3cn;
const chosen = (lane: number): number => Number((numbers >> BigInt(4 * (lane % 16))) & 15n);
const inRow = (lane: number, other: boolean): number => ((other ? lane ^ 16 : lane) & ~15) + chosen(lane);

function permutation(name: string, other: boolean, modifiers: string, exec: bigint): LaneCase {
  const fetchInactive = modifiers.includes("[1,");
  const boundControl = modifiers.includes(",1]");
  return {
    name: `${name}${modifiers} with ${exec === half ? "some" : "all"} lanes on`,
    code: `s_mov_b32 s8, 0x${(numbers & 0xffffffffn).toString(16)}\n s_mov_b32 s9, 0x${(numbers >> 32n).toString(16)}
      ${name} v3, v2, s8, s9${modifiers}`,
    exec,
    expect: (a, b) =>
      b.map((old, lane) => {
        if (!on(exec, lane)) return old;
        const from = inRow(lane, other);
        return fetchInactive || on(exec, from) ? (a[from] ?? 0) : boundControl ? 0 : old;
      }),
  };
}

const all = (1n << 64n) - 1n;
const permutations: LaneCase[] = ["", " op_sel:[1,0]", " op_sel:[0,1]", " op_sel:[1,1]"].flatMap((modifiers) =>
  [all, half].flatMap((exec) => [
    permutation("v_permlane16_b32", false, modifiers, exec),
    permutation("v_permlanex16_b32", true, modifiers, exec),
  ]),
);

const moves: LaneCase[] = [
  {
    name: "v_readlane_b32 reads a lane that is off, v_writelane_b32 writes one",
    code: "v_readlane_b32 s8, v2, 5\n s_mov_b32 s9, 0x47\n v_writelane_b32 v3, s8, s9",
    exec: 1n,
    expect: (a, b, lanes) => b.map((old, i) => (i === 0x47 % lanes ? (a[5] ?? 0) : old)),
  },
  {
    name: "v_readlane_b32 takes the lane from M0, v_writelane_b32 a constant",
    code: "s_mov_b32 m0, 30\n v_readlane_b32 s8, v2, m0\n v_mov_b32 v3, s8\n v_writelane_b32 v3, -7, 3",
    expect: (a, b) => b.map((_, i) => (i === 3 ? 0xfffffff9 : (a[30] ?? 0))),
  },
  {
    name: "v_readfirstlane_b32 reads the lowest lane that is on",
    code: "v_readfirstlane_b32 s8, v2\n v_mov_b32 v3, s8",
    exec: 0xf0n,
    expect: (a, b) =>
      merged(
        0xf0n,
        b.map(() => a[4] ?? 0),
        b,
      ),
  },
  {
    name: "v_readfirstlane_b32 reads lane 0 when all are off",
    code: "s_mov_b64 s[10:11], exec\n s_mov_b64 exec, 0\n v_readfirstlane_b32 s8, v2\n s_mov_b64 exec, s[10:11]\n v_mov_b32 v3, s8",
    expect: (a, b) => b.map(() => a[0] ?? 0),
  },
  {
    name: "v_swap_b32 exchanges the lanes that are on",
    code: "v_swap_b32 v2, v3\n v_sub_nc_u32 v3, v3, v2",
    exec: half,
    expect: (a, b) =>
      merged(
        half,
        a.map((value, i) => (value - (b[i] ?? 0)) >>> 0),
        b,
      ),
  },
  {
    name: "v_mbcnt counts the mask's bits below each lane",
    code: "v_mov_b32 v4, 0x13579bdf\n v_mbcnt_lo_u32_b32 v3, v4, v3\n v_mbcnt_hi_u32_b32 v3, v4, v3",
    expect: (_, b) =>
      b.map((old, lane) => {
        const below = (first: number) =>
          lane >= first + 32 ? 0xffffffff : lane <= first ? 0 : 2 ** (lane - first) - 1;
        return (old + ones((0x13579bdf & below(0)) >>> 0) + ones((0x13579bdf & below(32)) >>> 0)) >>> 0;
      }),
  },
];

/** v10 to v13 hold a + 10 to a + 13. */
const relative: LaneCase[] = [
  {
    name: "v_movrels_b32 adds M0 to the source",
    code: "s_mov_b32 m0, 3\n v_movrels_b32 v3, v10",
    exec: half,
    expect: (a, b) =>
      merged(
        half,
        a.map((value) => value + 13),
        b,
      ),
  },
  {
    name: "v_movreld_b32 adds M0 to the destination",
    code: "s_mov_b32 m0, 2\n v_movreld_b32 v1, v11",
    exec: half,
    expect: (a, b) =>
      merged(
        half,
        a.map((value) => value + 11),
        b,
      ),
  },
  {
    name: "v_movrelsd_b32 adds M0 to both",
    code: "s_mov_b32 m0, 1\n v_movrelsd_b32 v2, v11",
    expect: (a) => a.map((value) => value + 12),
  },
  {
    name: "v_movrelsd_2_b32 adds the two halves of M0",
    code: "s_mov_b32 m0, 0x20003\n v_movrelsd_2_b32 v1, v10",
    expect: (a) => a.map((value) => value + 13),
  },
  {
    name: "v_swaprel_b32 exchanges registers that M0 selects",
    code: "s_mov_b32 m0, 0x20003\n v_swaprel_b32 v1, v10\n v_sub_nc_u32 v3, v3, v13",
    exec: half,
    expect: (a, b) =>
      merged(
        half,
        a.map((value, i) => (value + 13 - (b[i] ?? 0)) >>> 0),
        b,
      ),
  },
];

async function check(t: TestContext, cases: readonly LaneCase[]): Promise<void> {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  for (const lanes of [32, 64] as const) {
    const kernels = cases.map(({ code, exec = all }, index) => ({
      name: `case${index}`,
      body: `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  v_lshlrev_b32 v20, 2, v0
  s_waitcnt lgkmcnt(0)
  global_load_dword v2, v20, s[6:7]
  global_load_dword v3, v20, s[6:7] offset:256
  s_waitcnt vmcnt(0)
  ${[10, 11, 12, 13].map((register) => `v_add_nc_u32 v${register}, ${register}, v2`).join("\n  ")}
  s_mov_b32 exec_lo, 0x${(exec & 0xffffffffn).toString(16)}
  ${lanes === 64 ? `s_mov_b32 exec_hi, 0x${(exec >> 32n).toString(16)}` : ""}
  ${lanes === 32 ? code.replaceAll(/s_mov_b64 (.*)exec/g, "s_mov_b32 $1exec_lo").replaceAll(/s\[(\d+):\d+\]/g, "s$1") : code}
  s_mov_b32 exec_lo, -1
  ${lanes === 64 ? "s_mov_b32 exec_hi, -1" : ""}
  global_store_dword v20, v3, s[4:5]`,
    }));
    const object = await simulator.assemble(objectText(kernels, lanes), "gfx1010", lanes);
    const next = random(lanes);
    const [a, b] = [0, 1].map(() => Array.from({ length: 64 }, () => next() >>> 1)) as [number[], number[]];
    const input = new Uint8Array(Uint32Array.from([...a, ...b]).buffer);
    const launches = kernels.map(({ name }) => ({
      kernel: name,
      block: lanes,
      args: [{ in: new Uint8Array(256) }, { in: input }],
    }));
    const ran: Ran = await simulator.run(object, launches);
    deepEqual(ran.faults, []);
    for (const [index, one] of cases.entries()) {
      await t.test(`${one.name} in wave${lanes}`, () => {
        const results = ran.launches[index]?.buffers[0] ?? Buffer.alloc(256);
        const got = Array.from({ length: lanes }, (_, lane) => results.readUInt32LE(4 * lane));
        deepEqual(got, one.expect(a.slice(0, lanes), b.slice(0, lanes), lanes));
      });
    }
  }
}

test("lanes of a row permuted", (t) => check(t, permutations));
test("lanes and registers read and written one by one", (t) => check(t, moves));
test("registers that M0 selects", (t) => check(t, relative));

test("a register beyond those allocated is a fault", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = "s_mov_b32 m0, 64\n v_movrels_b32 v3, v0";
  const object = await simulator.assemble(objectText([{ name: "k", body, pointers: 0 }]));
  const ran = await simulator.run(object, [{ kernel: "k", args: [] }]);
  equal(ran.faults.length, 1);
  match(JSON.stringify(ran.faults[0]), /M0 selects v64 of 64 allocated VGPRs/);
});
