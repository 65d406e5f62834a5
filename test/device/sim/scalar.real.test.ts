import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSource, objectText, type Ran, Simulator } from "./harness.ts";
import { type Rule, SAVE_EXEC, SOP1, SOP2, SOPC, SOPK, signed, unsigned } from "./scalar-rules.ts";

const EDGES_32 = [
  0n,
  1n,
  2n,
  3n,
  7n,
  31n,
  32n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x12345678n,
  0x7fffffffn,
  0x80000000n,
  0x80000001n,
  0x9abcdef0n,
  0xfffffffen,
  0xffffffffn,
];
const EDGES_64 = [
  0n,
  1n,
  3n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x123456789abcdefn,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xfedcba9876543210n,
  0xffffffff00000000n,
  0xfffffffffffffffen,
  0xffffffffffffffffn,
];
/** First bit and width of s_bfe, at and over the end. */
const FIELDS = [
  0x10000n,
  0x40000n,
  0x80004n,
  0x100010n,
  0x1f0001n,
  0x200000n,
  0x20001fn,
  0x3f0001n,
  0x400000n,
  0x7f0021n,
];

interface Record {
  a: bigint;
  b: bigint;
  d: bigint;
  scc: boolean;
}

const place = (width: number, first: number) => (width === 64 ? `s[${first}:${first + 1}]` : `s${first}`);

/**
 * One record for each work-group: a in s[8:9], b in s[10:11], the destination s[16:17], SCC. Gives the destination, EXEC
 * after the instruction and SCC.
 */
function kernelAround(name: string, instruction: string, exec: "s[10:11]" | "s10" | null = null): KernelSource {
  const body = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_lshl_b32 s3, s2, 5
  s_waitcnt lgkmcnt(0)
  s_load_dwordx8 s[8:15], s[4:5], s3
  s_waitcnt lgkmcnt(0)
  s_mov_b64 s[16:17], s[12:13]
  s_mov_b32 s22, exec_lo
  s_cmp_lg_u32 s14, 0
  ${exec === null ? "" : `s_mov_b${exec === "s10" ? 32 : 64} exec${exec === "s10" ? "_lo" : ""}, ${exec}`}
  ${instruction}
  s_cselect_b32 s18, 1, 0
  s_mov_b32 s20, exec_lo
  s_mov_b32 s21, exec_hi
  s_mov_b32 exec_lo, s22
  v_mov_b32 v1, s16
  v_mov_b32 v2, s17
  v_mov_b32 v3, s18
  v_mov_b32 v4, s20
  v_mov_b32 v5, s21
  v_mov_b32 v6, s3
  global_store_dwordx4 v6, v[1:4], s[6:7]
  global_store_dword v6, v5, s[6:7] offset:16
`;
  return { name, body };
}

function packed(records: readonly Record[]): Uint8Array {
  const bytes = Buffer.alloc(records.length * 32);
  records.forEach(({ a, b, d, scc }, i) => {
    bytes.writeBigUInt64LE(a, i * 32);
    bytes.writeBigUInt64LE(b, i * 32 + 8);
    bytes.writeBigUInt64LE(d, i * 32 + 16);
    bytes.writeUInt32LE(scc ? 1 : 0, i * 32 + 24);
  });
  return bytes;
}

function unpacked(buffer: Buffer | undefined, count: number) {
  assert.equal(buffer?.length, count * 32);
  return Array.from({ length: count }, (_, i) => ({
    d: buffer?.readBigUInt64LE(i * 32) ?? 0n,
    scc: buffer?.readUInt32LE(i * 32 + 8) === 1,
    exec: (buffer?.readUInt32LE(i * 32 + 12) ?? 0) + 2 ** 32 * (buffer?.readUInt32LE(i * 32 + 16) ?? 0),
    exec64: BigInt(buffer?.readUInt32LE(i * 32 + 12) ?? 0) | (BigInt(buffer?.readUInt32LE(i * 32 + 16) ?? 0) << 32n),
  }));
}

const OLD = 0x1122334455667788n;

function recordsOf(rule: Rule, name: string, immediates?: readonly bigint[]): Record[] {
  const edges = (width: number) => (width === 0 ? [0n] : width === 32 ? EDGES_32 : EDGES_64);
  const b = immediates ?? [...edges(rule.b), ...(name.startsWith("s_bfe") ? FIELDS : [])];
  const olds = name === "s_addk_i32" || name === "s_mulk_i32" ? EDGES_32 : [OLD];
  const records: Record[] = [];
  for (const x of edges(rule.a)) {
    for (const y of b) {
      for (const d of olds) {
        for (const scc of rule.readsScc === true ? [false, true] : [records.length % 2 === 0]) {
          records.push({ a: x, b: y, d, scc });
        }
      }
    }
  }
  return records;
}

function assertClean(ran: Ran) {
  assert.deepEqual(
    ran.faults.map((fault) => fault.problem),
    [],
  );
  assert.deepEqual(
    ran.findings.map((finding) => finding.problem),
    [],
  );
}

interface Case {
  name: string;
  rule: Rule;
  records: Record[];
}

function assertOutcomes({ name, rule, records }: Case, buffer: Buffer | undefined) {
  const results = unpacked(buffer, records.length);
  records.forEach(({ a, b, d, scc }, i) => {
    const bits = rule.d === 0 ? 64 : rule.d;
    const [value, flag] = rule.of(a, b, unsigned(bits, d), scc);
    const rest = bits === 32 ? (d >> 32n) << 32n : 0n;
    const expected = rule.d === 0 ? { d, scc: flag ?? scc } : { d: value | rest, scc: flag ?? scc };
    const { d: got, scc: gotScc } = results[i] ?? { d: -1n, scc: false };
    const hex = (n: bigint) => `0x${n.toString(16)}`;
    assert.deepEqual(
      { d: hex(got), scc: gotScc },
      { d: hex(expected.d), scc: expected.scc },
      `${name} of ${hex(a)}, ${hex(b)}, destination ${hex(d)}, scc ${scc}`,
    );
  });
}

/** Results of one run, which the harness reads as text, are kept short. */
const RECORDS_A_RUN = 4000;

async function check(simulator: Simulator, cases: readonly (Case & { instruction: string })[]) {
  const kernels = cases.map(({ name, instruction }, i) => kernelAround(`k${i}_${name}`, instruction));
  const object = await simulator.assemble(objectText(kernels));
  for (let first = 0; first < cases.length; ) {
    let last = first;
    for (let count = 0; last < cases.length && count < RECORDS_A_RUN; last++) count += cases[last]?.records.length ?? 0;
    const batch = cases.slice(first, last);
    const ran = await simulator.run(
      object,
      batch.map(({ records }, i) => ({
        kernel: kernels[first + i]?.name ?? "",
        grid: records.length,
        block: 1,
        args: [{ in: packed(records) }, { new: records.length * 32 }],
      })),
    );
    assertClean(ran);
    batch.forEach((one, i) => {
      assert.equal(ran.launches[i]?.result, "hipSuccess", one.name);
      assertOutcomes(one, ran.launches[i]?.buffers[1]);
    });
    first = last;
  }
}

test("scalar instructions compute what the manual says, at the edges of their operands", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const plain = [...Object.entries(SOP1), ...Object.entries(SOP2), ...Object.entries(SOPC)].map(([name, rule]) => {
    const operands = [rule.d && place(rule.d, 16), rule.a && place(rule.a, 8), rule.b && place(rule.b, 10)];
    const instruction = `${name} ${operands.filter((operand) => operand !== 0).join(", ")}`;
    return { name, rule, instruction, records: recordsOf(rule, name) };
  });
  const immediates = [0n, 1n, -1n, 0x7fffn, -0x8000n, 0x1234n];
  const withImmediate = Object.entries(SOPK).flatMap(([name, rule]) =>
    immediates.map((k) => {
      const text = name.endsWith("_u32") ? unsigned(16, k) : k;
      const instruction = `${name} ${rule.a === 0 ? "s16" : "s8"}, ${text}`;
      return { name, rule, instruction, records: recordsOf(rule, name, [unsigned(32, k)]) };
    }),
  );
  await check(simulator, [...plain, ...withImmediate]);
});

test("the instructions that change EXEC save it and say in SCC whether lanes are left", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  for (const bits of [32, 64] as const) {
    const edges = bits === 32 ? EDGES_32 : EDGES_64;
    const records = edges.flatMap((a) => edges.map((b) => ({ a, b, d: OLD, scc: a % 2n === 0n })));
    const names = Object.keys(SAVE_EXEC);
    const kernels = names.map((name) =>
      kernelAround(name, `s_${name}_b${bits} ${place(bits, 16)}, ${place(bits, 8)}`, bits === 32 ? "s10" : "s[10:11]"),
    );
    const object = await simulator.assemble(objectText(kernels, bits), "gfx1010", bits);
    const args = [{ in: packed(records) }, { new: records.length * 32 }];
    const ran = await simulator.run(
      object,
      names.map((kernel) => ({ kernel, grid: records.length, block: 1, args })),
    );
    assertClean(ran);
    names.forEach((name, i) => {
      const results = unpacked(ran.launches[i]?.buffers[1], records.length);
      const rule = SAVE_EXEC[name];
      if (rule === undefined) return;
      records.forEach(({ a, b, d }, j) => {
        const exec = unsigned(bits, rule.of(a, b));
        const high = bits === 32 ? (d >> 32n) << 32n : 0n;
        const saved = (rule.writes === true ? exec : b) | high;
        const { d: got, scc, exec64 } = results[j] ?? { d: -1n, scc: false, exec64: -1n };
        assert.deepEqual([got, scc, exec64], [saved, exec !== 0n, exec], `s_${name}_b${bits} of ${a} with EXEC ${b}`);
      });
    });
  }
});

/** A kernel that leaves its result in s[16:17] (and s18: SCC); its first record's d and scc. */
async function evaluate(simulator: Simulator, instruction: string, record: Partial<Record> = {}) {
  const object = await simulator.assemble(objectText([kernelAround("k", instruction)]));
  const args = [{ in: packed([{ a: 0n, b: 0n, d: OLD, scc: false, ...record }]) }, { new: 32 }];
  const ran = await simulator.run(object, [{ kernel: "k", grid: 1, block: 1, args }]);
  const buffer = ran.launches[0]?.buffers[1];
  return { ran, low: buffer?.readUInt32LE(0), high: buffer?.readUInt32LE(4), ...unpacked(buffer, 1)[0] };
}

test("constants, literals, NULL, flags and apertures are sources like registers", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const cases: [instruction: string, d: bigint][] = [
    ["s_mov_b64 s[16:17], 64", 64n],
    ["s_mov_b64 s[16:17], -16", 2n ** 64n - 16n],
    ["s_mov_b64 s[16:17], 1.0", 0x3ff0000000000000n],
    ["s_mov_b64 s[16:17], 0x89abcdef", 0x89abcdefn],
    ["s_ashr_i64 s[16:17], 0x89abcdef, 0", 0xffffffff89abcdefn],
    ["s_mov_b32 s17, -4.0\n s_mov_b32 s16, 0x12345678", 0xc080000012345678n],
    ["s_mov_b32 s17, null\n s_mov_b32 null, 77\n s_add_u32 s16, null, 5", 5n],
    ["s_mov_b64 s[16:17], null", 0n],
    ["s_mov_b32 vcc_lo, 0\n s_mov_b32 s16, src_vccz\n s_mov_b32 vcc_lo, 2\n s_add_u32 s17, src_vccz, 3", 0x300000001n],
    ["s_mov_b32 s16, src_execz\n s_mov_b32 exec_lo, 0\n s_mov_b32 s17, src_execz", 0x100000000n],
    ["s_cmp_eq_u32 s14, s14\n s_mov_b32 s16, src_scc\n s_cmp_lg_u32 s14, s14\n s_mov_b32 s17, src_scc", 1n],
    ["s_cmp_eq_u32 s14, s14\n s_mov_b64 s[16:17], src_scc", 1n],
    ["s_mov_b64 s[16:17], src_shared_base", 0x2000000000000n],
    ["s_mov_b64 s[16:17], src_private_base", 0x1000000000000n],
    ["s_mov_b64 s[16:17], src_shared_limit", 0x20000ffffffffn],
    ["s_mov_b64 s[16:17], src_private_limit", 0x10000ffffffffn],
    ["s_mov_b32 vcc_hi, 9\n s_mov_b32 s16, vcc_hi\n s_mov_b32 m0, 8\n s_mov_b32 s17, m0", 0x800000009n],
    ["s_mov_b32 s16, exec_hi\n s_mov_b32 s17, exec_lo", 0x100000000n],
  ];
  for (const [instruction, d] of cases) {
    const { ran, d: got } = await evaluate(simulator, instruction);
    assertClean(ran);
    assert.equal(got?.toString(16), d.toString(16), instruction);
  }
});

test("M0 moves the operands of s_movrel", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const setup = "s_mov_b64 s[30:31], 0x77\n s_mov_b32 s32, 0x99\n s_mov_b32 s33, 0x11\n";
  const cases: [instruction: string, d: bigint][] = [
    ["s_mov_b32 m0, 2\n s_movrels_b32 s16, s30\n s_mov_b32 s17, 0", 0x99n],
    ["s_mov_b32 m0, 2\n s_movrels_b64 s[16:17], s[30:31]", 0x1100000099n],
    ["s_mov_b32 m0, 5\n s_movreld_b32 s12, s30\n s_mov_b32 s16, 0", 0x7700000000n],
    ["s_mov_b32 m0, 4\n s_movreld_b64 s[12:13], s[32:33]", 0x1100000099n],
    ["s_mov_b32 m0, 0x40003\n s_movrelsd_2_b32 s12, s30\n s_mov_b32 s17, 0", 0x11n],
  ];
  for (const [instruction, d] of cases) {
    const { ran, d: got } = await evaluate(simulator, setup + instruction);
    assertClean(ran);
    assert.equal(got?.toString(16), d.toString(16), instruction);
  }
  const { ran } = await evaluate(simulator, "s_mov_b32 m0, 90\n s_movrels_b32 s16, s30");
  assert.match(ran.faults[0]?.problem ?? "", /M0 moves the operand to s120/);
});

test("MODE and FLAT_SCRATCH are read and written by fields", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const cases: [instruction: string, d: bigint][] = [
    [
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 8), 0xf0\n s_getreg_b32 s16, hwreg(HW_REG_MODE, 0, 8)\n s_mov_b32 s17, 0",
      0xf0n,
    ],
    [
      "s_mov_b32 s16, 0xffa5\n s_setreg_b32 hwreg(HW_REG_MODE, 4, 2), s16\n s_getreg_b32 s16, hwreg(HW_REG_MODE, 4, 4)\n s_and_b32 s16, s16, 3\n s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 8), 0xf0\n s_mov_b32 s17, 0",
      1n,
    ],
    [
      "s_setreg_b32 hwreg(HW_REG_FLAT_SCR_LO), s8\n s_setreg_b32 hwreg(HW_REG_FLAT_SCR_HI), s10\n s_getreg_b32 s16, hwreg(HW_REG_FLAT_SCR_LO)\n s_getreg_b32 s17, hwreg(HW_REG_FLAT_SCR_HI)",
      0x5555555566666666n,
    ],
    ["s_getreg_b32 s16, hwreg(HW_REG_SH_MEM_BASES)\n s_mov_b32 s17, 0", 0x20001n],
    ["s_cmp_eq_u32 s14, s14\n s_getreg_b32 s16, hwreg(HW_REG_STATUS, 0, 1)\n s_mov_b32 s17, 0", 1n],
  ];
  for (const [instruction, d] of cases) {
    const { ran, d: got } = await evaluate(simulator, instruction, { a: 0x66666666n, b: 0x55555555n });
    assertClean(ran);
    assert.equal(got?.toString(16), d.toString(16), instruction);
  }
});

test("calls and returns go where they say", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const called = `
  s_mov_b64 s[16:17], 0
  s_call_b64 s[30:31], inner
  s_getpc_b64 s[34:35]
  s_add_u32 s34, s34, inner-.
  s_addc_u32 s35, s35, 0
  s_swappc_b64 s[30:31], s[34:35]
  s_branch over
inner:
  s_add_u32 s16, s16, 7
  s_setpc_b64 s[30:31]
over:`;
  const { ran, d } = await evaluate(simulator, called);
  assertClean(ran);
  assert.equal(d, 14n);
});

test("refuses what a wave of 32 lanes or a kernel cannot do", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const cases: [instruction: string, problem: RegExp][] = [
    ["s_mov_b32 exec_hi, 0", /s_mov_b32 exec_hi, 0: writes EXEC_HI, which 32 lanes do not have/],
    ["s_mov_b64 exec, -1", /writes EXEC_HI/],
    ["s_and_saveexec_b64 s[16:17], s[8:9]", /writes EXEC_HI/],
    ["s_setreg_imm32_b32 hwreg(HW_REG_STATUS, 0, 1), 1", /does not let kernels write hardware register 2/],
    ["s_getreg_b32 s16, hwreg(29)", /has no hardware register 29/],
    ["s_rfe_b64 s[8:9]", /does not execute/],
    ["s_mov_b32 ttmp0, 0", /trap temporaries/],
  ];
  for (const [instruction, problem] of cases) {
    const { ran } = await evaluate(simulator, instruction);
    assert.match(ran.faults[0]?.problem ?? "no fault", problem, instruction);
    assert.notEqual(ran.launches[0]?.result, "hipSuccess");
  }
});

test("immediates of SOPK are sign-extended but for unsigned comparisons", () => {
  assert.equal(SOPK.s_movk_i32?.of(0n, 0xffff8000n, 0n, false)[0], 0xffff8000n);
  assert.equal(SOPK.s_cmpk_eq_u32?.of(0xffffn, 0xffffffffn, 0n, false)[1], true);
  assert.equal(signed(16, 0x8000n), -0x8000n);
});
