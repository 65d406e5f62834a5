// Lanes that are off: what they do not change, and what they leave in masks.
import { test } from "node:test";
import { checkWaves, type WaveCase } from "./wave-cases.ts";

const none = 0n;
const upperHalf = 0xffff_ffff_0000_0000n;
const lowerHalf = 0x0000_0000_ffff_ffffn;

const added: WaveCase = { code: "v_add_nc_u32 D, A, B", expect: ({ on, own }) => (on ? { d: own.a + own.b } : {}) };
const compared: WaveCase = {
  code: "v_cmp_lt_u32_e64 F, A, B",
  expect: ({ on, own }) => ({ flag: on && own.a < own.b }),
};
const narrowed: WaveCase = {
  code: "v_cmpx_lt_u32 A, B",
  expect: ({ on, own }) => ({ on: on && own.a < own.b }),
};

const shapes: WaveCase[] = [
  added,
  compared,
  narrowed,
  { ...narrowed, code: "v_cmpx_lt_u32_e64 A, B" },
  { code: "v_cmpx_f_u32 A, B", expect: () => ({ on: false }) },
  { code: "v_cmpx_t_i64 v[4:5], v[6:7]", expect: ({ on }) => ({ on }) },
  {
    code: "v_xor_b32 D, 0x1234, A",
    expect: ({ on, own }) => (on ? { d: own.a ^ 0x1234 } : {}),
  },
  {
    code: "v_add_f16 D, 1.0, 1.0", // the upper half stays, in lanes that are on, too
    expect: ({ on, own }) => (on ? { d: (own.old & 0xffff0000) | 0x4000 } : {}),
  },
  {
    code: "v_cndmask_b32 D, A, B, VCC",
    expect: ({ on, own }) => (on ? { d: own.vcc ? own.b : own.a } : {}),
  },
  {
    code: "v_add_co_u32 D, F, A, B",
    expect: ({ on, own }) => (on ? { d: own.a + own.b, flag: own.a + own.b >= 2 ** 32 } : {}),
  },
  {
    code: "v_add_co_ci_u32_e64 D, F, A, B, VCC",
    expect: ({ on, own }) => {
      const sum = own.a + own.b + (own.vcc ? 1 : 0);
      return on ? { d: sum, flag: sum >= 2 ** 32 } : {};
    },
  },
  {
    code: "v_mov_b32 v16, v12\nv_mov_b32 v17, v12\nv_lshlrev_b64 v[16:17], 4, v[4:5]\nv_xor_b32 D, v16, v17",
    expect: ({ on, own }) => {
      const wide = ((BigInt(own.b) << 32n) | BigInt(own.a)) << 4n;
      return on ? { d: Number((wide ^ (wide >> 32n)) & 0xffffffffn) } : {};
    },
  },
  {
    code: "v_lshlrev_b64 v[4:5], 4, v[4:5]\nALL\nv_xor_b32 D, v4, v5",
    expect: ({ on, own }) => {
      const wide = ((BigInt(own.b) << 32n) | BigInt(own.a)) << (on ? 4n : 0n);
      return { d: Number((wide ^ (wide >> 32n)) & 0xffffffffn), on: true };
    },
  },
  {
    // Sources and destination overlap by one register of their pairs.
    code: "v_lshlrev_b64 v[5:6], 8, v[4:5]\nALL\nv_xor_b32 D, v5, v6",
    expect: ({ on, own }) => {
      const wide = ((BigInt(own.b) << 32n) | BigInt(own.a)) << 8n;
      const [low, high] = on ? [wide & 0xffffffffn, (wide >> 32n) & 0xffffffffn] : [BigInt(own.b), BigInt(own.c)];
      return { d: Number(low ^ high), on: true };
    },
  },
  {
    code: "v_lshlrev_b64 v[4:5], 8, v[5:6]\nALL\nv_xor_b32 D, v4, v5",
    expect: ({ on, own }) => {
      const wide = ((BigInt(own.c) << 32n) | BigInt(own.b)) << 8n;
      const [low, high] = on ? [wide & 0xffffffffn, (wide >> 32n) & 0xffffffffn] : [BigInt(own.a), BigInt(own.b)];
      return { d: Number(low ^ high), on: true };
    },
  },
];

const masks = [none, upperHalf, lowerHalf, upperHalf | lowerHalf, 1n, 1n << 63n];

test("lanes that are off keep their registers and leave no bits in masks", (t) =>
  checkWaves(t, [...shapes, ...masks.flatMap((exec) => [added, compared, narrowed].map((one) => ({ ...one, exec })))]));

const sources: WaveCase[] = [
  { code: "v_mov_b32 D, src_execz", expect: ({ on }) => (on ? { d: 0 } : {}) },
  { code: "s_mov_b64 vcc, 0\nv_mov_b32 D, src_vccz", expect: ({ on }) => (on ? { d: 1 } : {}) },
  { code: "s_mov_b64 vcc, 2\nv_mov_b32 D, src_vccz", expect: ({ on }) => (on ? { d: 0 } : {}) },
  { code: "s_cmp_eq_u32 s0, s0\nv_mov_b32 D, src_scc", expect: ({ on }) => (on ? { d: 1 } : {}) },
  { code: "s_mov_b32 m0, 77\nv_add_nc_u32 D, m0, A", expect: ({ on, own }) => (on ? { d: own.a + 77 } : {}) },
  { code: "v_add_nc_u32_e64 D, 5, null", expect: ({ on }) => (on ? { d: 5 } : {}) },
  { code: "v_cndmask_b32_e64 D, A, B, null", expect: ({ on, own }) => (on ? { d: own.a } : {}) },
  { code: "v_mul_f32 D, 0.15915494, 1.0", expect: ({ on }) => (on ? { d: 0x3e22f983 } : {}) },
  { code: "v_add_nc_u32 D, -16, 64", expect: ({ on }) => (on ? { d: 48 } : {}) },
  {
    code: "v_lshrrev_b64 v[16:17], 16, src_shared_base\nv_add_nc_u32 D, v16, v17",
    expect: ({ on }) => (on ? { d: 2 } : {}),
  },
  {
    code: "s_mov_b32 s8, 3\ns_mov_b32 s9, 5\nv_mad_u64_u32 v[16:17], null, s8, s8, s[8:9]\nv_xor_b32 D, v16, v17",
    expect: ({ on }) => (on ? { d: 12 ^ 5 } : {}),
  },
];

test("vector operations read scalar registers, constants and special sources", (t) => checkWaves(t, sources));
