import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSource, objectText, Simulator } from "./harness.ts";
import { FLOATS, INTEGERS, LDS_RULES, RULES, type Rule, type Width } from "./memory-rules.ts";
import { assertClean, kernel, words, wordsOf } from "./memory-support.ts";

interface Case {
  kernel: KernelSource;
  rule: Rule;
  width: Width;
  returns: boolean;
}

const RECORD = 32;
const UNTOUCHED = 0x5a5a5a5an;

/** Memory at 0, data at 8, second data behind it; results: memory at 0, the old value at 8. */
function recordsOf(rule: Rule, width: Width): { bytes: Buffer; expected: [memory: bigint, old: bigint][] } {
  const edges = (rule.float === true ? FLOATS : INTEGERS)[width];
  const records: [bigint, bigint, bigint][] = [];
  for (const memory of edges) {
    for (const data of edges) {
      for (const second of rule.operands === 2 ? edges : [0n]) records.push([memory, data, second]);
    }
  }
  const bytes = Buffer.alloc(records.length * RECORD);
  records.forEach(([memory, data, second], i) => {
    bytes.writeBigUInt64LE(memory, i * RECORD);
    bytes.writeBigUInt64LE(width === 32 ? data | (second << 32n) : data, i * RECORD + 8);
    bytes.writeBigUInt64LE(second, i * RECORD + 16);
  });
  const expected = records.map(([memory, data, second]): [bigint, bigint] => [
    BigInt.asUintN(width, rule.next(memory, data, second, width)),
    memory,
  ]);
  return { bytes, expected };
}

const LOAD = `
  v_lshlrev_b32 v1, 5, v0
  v_mov_b32 v10, 0x5a5a5a5a
  v_mov_b32 v11, 0
  global_load_dwordx4 v[2:5], v1, s[4:5]
  global_load_dwordx2 v[6:7], v1, s[4:5] offset:16
  s_waitcnt vmcnt(0)`;
const DONE = `
  s_waitcnt vmcnt(0) lgkmcnt(0)
  s_waitcnt_vscnt null, 0x0
  global_store_dwordx2 v1, v[10:11], s[6:7] offset:8`;

const SPACES: Record<string, (operation: string, data: string, old: string | null) => string> = {
  global: (operation, data, old) =>
    `global_${operation} ${old === null ? "" : `${old}, `}v1, ${data}, s[6:7]${old === null ? "" : " glc"}`,
  flat: (operation, data, old) => `
  v_add_co_u32 v8, vcc_lo, s6, v1
  v_mov_b32 v9, s7
  v_add_co_ci_u32 v9, vcc_lo, 0, v9, vcc_lo
  flat_${operation} ${old === null ? "" : `${old}, `}v[8:9], ${data}${old === null ? "" : " glc"}`,
  buffer: (operation, data, old) => `
  s_mov_b32 s8, s6
  s_mov_b32 s9, s7
  s_mov_b32 s10, -1
  s_mov_b32 s11, 0x31014fac
  buffer_${operation} ${data}, v1, s[8:11], 0 offen${old === null ? "" : " glc"}
  ${old === null ? "" : `s_waitcnt vmcnt(0)\n  v_mov_b32 v10, v4\n  ${old === "v10" ? "" : "v_mov_b32 v11, v5"}`}`,
};

function vectorCases(): Case[] {
  const cases: Case[] = [];
  for (const [space, text] of Object.entries(SPACES)) {
    for (const [name, rule] of Object.entries(RULES)) {
      for (const width of [32, 64] as const) {
        for (const returns of [false, true]) {
          const registers = (width / 32) * (rule.operands ?? 1);
          const data = registers === 1 ? "v4" : `v[4:${3 + registers}]`;
          const operation = `atomic_${name}${width === 64 ? "_x2" : ""}`;
          const old = returns ? (width === 64 ? "v[10:11]" : "v10") : null;
          const body = `${LOAD}
  global_store_dwordx2 v1, v[2:3], s[6:7]
  s_waitcnt_vscnt null, 0x0
  ${text(operation, data, old)}
  ${DONE}`;
          cases.push({ kernel: kernel(`${space}_${operation}_${returns}`, body), rule, width, returns });
        }
      }
    }
  }
  return cases;
}

function ldsCases(): Case[] {
  const cases: Case[] = [];
  for (const [name, rule] of Object.entries(LDS_RULES)) {
    for (const width of rule.widths ?? ([32, 64] as const)) {
      for (const returns of rule.returnsOnly ? [true] : [false, true]) {
        const [verb, type] = name.split("_");
        const registers = (at: number) => (width === 64 ? `v[${at}:${at + 1}]` : `v${at}`);
        const data = [registers(4), ...(rule.operands === 2 ? [registers(4 + width / 32)] : [])].join(", ");
        const operation = `ds_${verb}_${returns ? "rtn_" : ""}${type}${width}`;
        const body = `${LOAD}
  v_and_b32 v8, 31, v0
  v_lshlrev_b32 v8, 3, v8
  ds_write_b64 v8, v[2:3] offset:16
  s_waitcnt lgkmcnt(0)
  ${operation} ${returns ? `${registers(10)}, ` : ""}v8, ${data} offset:16
  s_waitcnt lgkmcnt(0)
  ds_read_b64 v[2:3], v8 offset:16
  s_waitcnt lgkmcnt(0)
  global_store_dwordx2 v1, v[2:3], s[6:7]
  ${DONE}`;
        cases.push({ kernel: kernel(operation, body, { lds: 272 }), rule, width, returns });
      }
    }
  }
  return cases;
}

/** One record for each work-group of one lane. */
function scalarCases(): Case[] {
  const cases: Case[] = [];
  for (const [name, rule] of Object.entries(RULES)) {
    if (rule.float === true) continue;
    for (const width of [32, 64] as const) {
      for (const returns of [false, true]) {
        for (const buffer of [false, true]) {
          const registers = (width / 32) * (rule.operands ?? 1);
          const data = registers === 1 ? "s20" : `s[20:${19 + registers}]`;
          const operation = `s_${buffer ? "buffer_" : ""}atomic_${name}${width === 64 ? "_x2" : ""}`;
          const body = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_lshl_b32 s3, s2, 5
  s_waitcnt lgkmcnt(0)
  s_load_dwordx2 s[12:13], s[4:5], s3
  s_load_dwordx4 s[20:23], s[4:5], s3 offset:8
  s_waitcnt lgkmcnt(0)
  s_mov_b32 s8, s6
  s_mov_b32 s9, s7
  s_mov_b32 s10, -1
  s_mov_b32 s11, 0x31014fac
  s_store_dwordx2 s[12:13], s[6:7], s3
  s_dcache_wb
  ${operation} ${data}, ${buffer ? "s[8:11]" : "s[6:7]"}, s3${returns ? " glc" : ""}
  s_waitcnt lgkmcnt(0)
  ${returns ? "" : "s_mov_b32 s20, 0x5a5a5a5a"}
  ${returns && width === 64 ? "" : "s_mov_b32 s21, 0"}
  s_store_dwordx2 s[20:21], s[6:7], s3 offset:8
  s_dcache_wb`;
          cases.push({ kernel: { name: `${operation}_${returns}`, body }, rule, width, returns });
        }
      }
    }
  }
  return cases;
}

for (const [title, cases, block] of [
  [
    "every atomic of GLOBAL, FLAT and MUBUF changes memory as its rule says and returns the old value with glc",
    vectorCases(),
    32,
  ],
  ["every LDS atomic changes memory as its rule says and returns the old value in its rtn form", ldsCases(), 32],
  ["every scalar atomic changes memory as its rule says and returns the old value with glc", scalarCases(), 1],
] as const) {
  test(title, { timeout: 300_000 }, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    const object = await simulator.assemble(objectText(cases.map((one) => one.kernel)));
    const inputs = cases.map((one) => recordsOf(one.rule, one.width));
    const ran = await simulator.run(
      object,
      cases.map((one, i) => {
        const bytes = inputs[i]?.bytes ?? Buffer.alloc(0);
        return {
          kernel: one.kernel.name,
          grid: bytes.length / RECORD,
          block,
          args: [{ in: bytes }, { new: bytes.length }],
        };
      }),
    );
    assertClean(ran);
    cases.forEach((one, i) => {
      const out = ran.launches[i]?.buffers[1];
      inputs[i]?.expected.forEach(([memory, old], record) => {
        const at = record * RECORD;
        const read = (place: number) =>
          one.width === 64 ? out?.readBigUInt64LE(place) : BigInt(out?.readUInt32LE(place) ?? 0);
        const input = inputs[i]?.bytes.subarray(at, at + RECORD).toString("hex");
        assert.equal(read(at), memory, `${one.kernel.name}: memory after ${input}`);
        assert.equal(read(at + 8), one.returns ? old : UNTOUCHED, `${one.kernel.name}: returned for ${input}`);
      });
    });
  });
}

test("additions of all lanes of many work-groups to one place are all counted", { timeout: 120_000 }, async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const body = `
  v_mov_b32 v1, 0
  v_mov_b32 v2, 1
  v_mov_b32 v3, 1
  global_atomic_add v1, v2, s[6:7]
  global_atomic_add_x2 v1, v[2:3], s[6:7] offset:8`;
  const count = kernel("count", body);
  const object = await simulator.assemble(objectText([count]));
  const ran = await simulator.run(object, [
    { kernel: "count", grid: 32 * 4000, args: [{ in: words([0]) }, { in: words([0, 0, 0, 0]) }] },
  ]);
  assertClean(ran);
  assert.deepEqual(wordsOf(ran.launches[0]?.buffers[1]), [128_000, 0, 128_000, 128_000]);
});
