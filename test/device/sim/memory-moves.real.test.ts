import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSource, objectText, Simulator } from "./harness.ts";
import { assertClean, hex, kernel, wordsOf } from "./memory-support.ts";

interface Move {
  /** Behind "global_load_" or "buffer_store_" */
  name: string;
  /** Behind "ds_read_" or "ds_write_" */
  lds: string;
  bytes: number;
  /** Registers after a load, from memory and what they held */
  load: (memory: Buffer, old: readonly number[]) => number[];
  /** Bytes that a store writes, from its registers */
  store?: (registers: Buffer) => Buffer;
}

const unsigned = (value: number) => value >>> 0;
const low = (old: readonly number[], value: number) => [
  unsigned(((old[0] ?? 0) & ~0xffff) | (value & 0xffff)),
  ...old.slice(1),
];
const high = (old: readonly number[], value: number) => [
  unsigned(((old[0] ?? 0) & 0xffff) | (value << 16)),
  ...old.slice(1),
];
const whole = (count: number) => (memory: Buffer, old: readonly number[]) => [
  ...Array.from({ length: count }, (_, i) => memory.readUInt32LE(i * 4)),
  ...old.slice(count),
];
const one = (read: (memory: Buffer) => number) => (memory: Buffer, old: readonly number[]) => [
  unsigned(read(memory)),
  ...old.slice(1),
];
const first = (bytes: number) => (registers: Buffer) => registers.subarray(0, bytes);

const MOVES: Move[] = [
  { name: "ubyte", lds: "u8", bytes: 1, load: one((m) => m.readUInt8()) },
  { name: "sbyte", lds: "i8", bytes: 1, load: one((m) => m.readInt8()) },
  { name: "ushort", lds: "u16", bytes: 2, load: one((m) => m.readUInt16LE()) },
  { name: "sshort", lds: "i16", bytes: 2, load: one((m) => m.readInt16LE()) },
  { name: "dword", lds: "b32", bytes: 4, load: whole(1), store: first(4) },
  { name: "dwordx2", lds: "b64", bytes: 8, load: whole(2), store: first(8) },
  { name: "dwordx3", lds: "b96", bytes: 12, load: whole(3), store: first(12) },
  { name: "dwordx4", lds: "b128", bytes: 16, load: whole(4), store: first(16) },
  { name: "ubyte_d16", lds: "u8_d16", bytes: 1, load: (m, old) => low(old, m.readUInt8()) },
  { name: "ubyte_d16_hi", lds: "u8_d16_hi", bytes: 1, load: (m, old) => high(old, m.readUInt8()) },
  { name: "sbyte_d16", lds: "i8_d16", bytes: 1, load: (m, old) => low(old, m.readInt8()) },
  { name: "sbyte_d16_hi", lds: "i8_d16_hi", bytes: 1, load: (m, old) => high(old, m.readInt8()) },
  { name: "short_d16", lds: "u16_d16", bytes: 2, load: (m, old) => low(old, m.readInt16LE()) },
  { name: "short_d16_hi", lds: "u16_d16_hi", bytes: 2, load: (m, old) => high(old, m.readInt16LE()) },
];
const STORES: Pick<Move, "name" | "lds" | "bytes" | "store">[] = [
  { name: "byte", lds: "b8", bytes: 1, store: first(1) },
  { name: "byte_d16_hi", lds: "b8_d16_hi", bytes: 1, store: (r) => r.subarray(2, 3) },
  { name: "short", lds: "b16", bytes: 2, store: first(2) },
  { name: "short_d16_hi", lds: "b16_d16_hi", bytes: 2, store: (r) => r.subarray(2, 4) },
  ...MOVES.filter((move) => move.store !== undefined),
];

const OLD = [0xa1a2a3a4, 0xb1b2b3b4, 0xc1c2c3c4, 0xd1d2d3d4];
const ALL = 0xffffffff;
const SOME = [0x5a5a00f1, 0x00010000];
/** Bytes between the addresses of two lanes (0: all lanes the same), the first address, and lanes that are on. */
const PATTERNS = [
  { step: 16, start: 64, execs: [ALL, ...SOME] },
  { step: 0, start: 80, execs: [ALL, ...SOME] },
  { step: 20, start: 67, execs: [ALL, ...SOME] },
  { step: 1, start: 70, execs: [ALL] },
  { step: 2, start: 64, execs: [ALL] },
  { step: 4, start: 64, execs: [ALL, 0x7fffffff] },
  { step: 8, start: 64, execs: [ALL] },
  { step: 12, start: 64, execs: [ALL] },
  { step: -4, start: 256, execs: [ALL] },
];
const SIZE = 1024;
const registersOf = (bytes: number, at: number) => (bytes <= 4 ? `v${at}` : `v[${at}:${at + bytes / 4 - 1}]`);

/** Where the address of `s[base]` + v1 + 8 goes. */
const SPACES: Record<string, (operation: string, data: string, base: number) => string> = {
  global_saddr: (operation, data, base) =>
    operands(`global_${operation}`, data, "v1", `s[${base}:${base + 1}] offset:8`),
  global: (operation, data, base) =>
    `${address(base)}\n${operands(`global_${operation}`, data, "v[2:3]", "off offset:-8")}`,
  flat: (operation, data, base) =>
    `${address(base)}\nv_add_co_u32 v2, vcc_lo, -8, v2\nv_add_co_ci_u32 v3, vcc_lo, -1, v3, vcc_lo\n${operands(`flat_${operation}`, data, "v[2:3]", "")}`,
  buffer: (operation, data, base) => `${resource(base)}\nbuffer_${operation} ${data}, v1, s[8:11], 0 offen offset:8`,
};
/** v[2:3] = s[base] + v1 + 16 */
const address = (base: number) => `
  v_add_co_u32 v2, vcc_lo, s${base}, v1
  v_mov_b32 v3, s${base + 1}
  v_add_co_ci_u32 v3, vcc_lo, 0, v3, vcc_lo
  v_add_co_u32 v2, vcc_lo, 16, v2
  v_add_co_ci_u32 v3, vcc_lo, 0, v3, vcc_lo`;
const resource = (base: number) => `
  s_mov_b32 s8, s${base}
  s_mov_b32 s9, s${base + 1}
  s_mov_b32 s10, ${SIZE}
  s_mov_b32 s11, 0x31014fac`;
/** Loads name data, address; stores address, data. */
const operands = (operation: string, data: string, place: string, rest: string) =>
  `${operation} ${operation.includes("_load_") ? `${data}, ${place}` : `${place}, ${data}`}${rest === "" || operation.startsWith("flat") ? "" : `, ${rest}`}`;

const setRegisters = OLD.map((value, i) => `v_mov_b32 v${10 + i}, 0x${value.toString(16)}`).join("\n");
const lanesOf = (exec: number) => Array.from({ length: 32 }, (_, i) => i).filter((i) => ((exec >>> i) & 1) === 1);
const input = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 151 + (i >> 3) * 37 + 129) & 0xff));

interface Case {
  source: KernelSource;
  /** What the second buffer holds afterwards */
  expected: Buffer;
  out: Buffer | number;
}

function cases(): Case[] {
  const all: Case[] = [];
  for (const [p, { step, start, execs }] of PATTERNS.entries()) {
    for (const exec of execs) {
      const setUp = `
  v_mul_i32_i24 v1, ${step}, v0
  v_add_nc_u32 v1, ${start - 8}, v1
  ${setRegisters}`;
      const inLds = `
  v_lshlrev_b32 v4, 5, v0
  global_load_dwordx4 v[20:23], v4, s[4:5]
  global_load_dwordx4 v[24:27], v4, s[4:5] offset:16
  s_waitcnt vmcnt(0)
  ds_write_b128 v4, v[20:23]
  ds_write_b128 v4, v[24:27] offset:16`;
      const some = `v_nop // VMEMtoScalarWriteHazard
  s_mov_b32 exec_lo, 0x${exec.toString(16)}`;
      const aligned = (bytes: number) => {
        const unit = bytes <= 4 ? 1 : bytes === 8 ? 8 : 16;
        return start % unit === 0 && step % unit === 0;
      };
      for (const { name, lds, bytes, load } of MOVES) {
        const expected = Buffer.alloc(512);
        for (let lane = 0; lane < 32; lane++) {
          const memory = input.subarray(start + lane * step);
          const values = lanesOf(exec).includes(lane) ? load(memory, OLD) : OLD;
          values.forEach((value, i) => {
            expected.writeUInt32LE(value, lane * 16 + i * 4);
          });
        }
        const finish = `
  s_waitcnt vmcnt(0) lgkmcnt(0)
  v_nop
  s_mov_b32 exec_lo, -1
  v_lshlrev_b32 v5, 4, v0
  global_store_dwordx4 v5, v[10:13], s[6:7]`;
        for (const [space, text] of Object.entries(SPACES)) {
          const body = `${setUp}\n${some}\n${text(`load_${name}`, registersOf(bytes, 10), 4)}${finish}`;
          all.push({ source: kernel(`${space}_load_${name}_${p}_${exec}`, body), expected, out: 512 });
        }
        if (!aligned(bytes)) continue;
        const body = `${setUp}\n${inLds}\n${some}\nds_read_${lds} ${registersOf(bytes, 10)}, v1 offset:8${finish}`;
        all.push({ source: kernel(`ds_read_${lds}_${p}_${exec}`, body, { lds: SIZE }), expected, out: 512 });
      }
      for (const { name, lds, bytes, store } of STORES) {
        if (Math.abs(step) < bytes) continue; // whose bytes stay is not defined
        const data = Buffer.alloc(16);
        OLD.forEach((value, i) => {
          data.writeUInt32LE(value, i * 4);
        });
        const expected = Buffer.from(input);
        for (const lane of lanesOf(exec)) {
          store?.(data).copy(expected, start + lane * step, 0, bytes);
        }
        for (const [space, text] of Object.entries(SPACES)) {
          const body = `${setUp}\n${some}\n${text(`store_${name}`, registersOf(bytes, 10), 6)}`;
          all.push({ source: kernel(`${space}_store_${name}_${p}_${exec}`, body), expected, out: input });
        }
        if (!aligned(bytes)) continue;
        const finish = `
  v_nop
  s_mov_b32 exec_lo, -1
  ds_read_b128 v[20:23], v4
  ds_read_b128 v[24:27], v4 offset:16
  s_waitcnt lgkmcnt(0)
  global_store_dwordx4 v4, v[20:23], s[6:7]
  global_store_dwordx4 v4, v[24:27], s[6:7] offset:16`;
        const body = `${setUp}\n${inLds}\n${some}\nds_write_${lds} v1, ${registersOf(bytes, 10)} offset:8${finish}`;
        all.push({ source: kernel(`ds_write_${lds}_${p}_${exec}`, body, { lds: SIZE }), expected, out: SIZE });
      }
    }
  }
  return all;
}

test("loads and stores of all sizes move the right bytes of the lanes that are on, and no others", {
  timeout: 300_000,
}, async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const all = cases();
  const object = await simulator.assemble(objectText(all.map(({ source }) => source)));
  const ran = await simulator.run(
    object,
    all.map(({ source, out }) => ({
      kernel: source.name,
      args: [{ in: input }, typeof out === "number" ? { new: out } : { in: out }],
    })),
  );
  assertClean(ran);
  all.forEach(({ source, expected }, i) => {
    assert.deepEqual(hex(wordsOf(ran.launches[i]?.buffers[1])), hex(wordsOf(expected)), source.name);
  });
});
