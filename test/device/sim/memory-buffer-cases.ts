export const lanes = Array.from({ length: 32 }, (_, i) => i);
export const content = Array.from({ length: 256 }, (_, i) => 0xc0de0000 + i * 257);
const at = (byte: number) => content[byte / 4] ?? 0;
export const OLD = 0x5a5a5a5a;

/** Fields of a V# [RDNA1 ISA §8.1.8]; the base is the first buffer. */
interface Resource {
  stride?: number;
  swizzle?: boolean;
  records: number;
  format?: number;
  /** 0 to 3: 8, 16, 32, 64 records */
  indexStride?: number;
  addThread?: boolean;
  /** 0 index and offset, 1 index, 2 nothing, 3 raw */
  check: number;
  select?: readonly [number, number, number, number];
}

/** Makes s[8:11] the resource. */
export function resource({
  stride = 0,
  swizzle,
  records,
  format = 22,
  indexStride = 0,
  addThread,
  check,
  select = [4, 5, 6, 7],
}: Resource) {
  const selects = select.reduce((all, one, i) => all | (one << (3 * i)), 0);
  const last =
    (selects | (format << 12) | (indexStride << 21) | ((addThread ? 1 : 0) << 23) | (1 << 24) | (check << 28)) >>> 0;
  return `
  s_mov_b32 s8, s4
  s_or_b32 s9, s5, 0x${(((stride << 16) | (swizzle ? 0x80000000 : 0)) >>> 0).toString(16)}
  s_mov_b32 s10, ${records}
  s_mov_b32 s11, 0x${last.toString(16)}`;
}

interface Case {
  name: string;
  resource: Resource;
  /** Sets v1 (and v2) from v0 */
  address: string;
  /** Loads to v10 and on */
  text: string;
  expected: (lane: number) => number[];
}

const four = (first: number, inRange: (byte: number) => boolean) =>
  [0, 4, 8, 12].map((more) => (inRange(first + more) ? at(first + more) : 0));
const one = (value: number) => [value, OLD, OLD, OLD];
/** Where element-interleaved addressing puts a byte: elements of 4 bytes, `near` records side by side. */
const interleaved = (index: number, offset: number, stride: number, near: number) =>
  (Math.floor(index / near) * stride + (offset & ~3)) * near + (index % near) * 4 + (offset & 3);

export const LOADS: Case[] = [
  {
    name: "raw_range",
    resource: { records: 200, check: 3 },
    address: "v_lshlrev_b32 v1, 3, v0",
    text: "buffer_load_dword v10, v1, s[8:11], 0 offen offset:4",
    expected: (i) => one(i * 8 + 4 < 200 ? at(i * 8 + 4) : 0),
  },
  {
    name: "raw_by_dword",
    resource: { records: 200, check: 3 },
    address: "v_lshlrev_b32 v1, 3, v0",
    text: "buffer_load_dwordx4 v[10:13], v1, s[8:11], 0 offen",
    expected: (i) => four(i * 8, (byte) => byte < 200),
  },
  {
    name: "raw_scalar_offset",
    resource: { records: 200, check: 3 },
    address: "s_movk_i32 s12, 100\n  v_lshlrev_b32 v1, 3, v0",
    text: "buffer_load_dwordx2 v[10:11], v1, s[8:11], s12 offen",
    expected: (i) => [...four(100 + i * 8, (byte) => byte < 200).slice(0, 2), OLD, OLD],
  },
  {
    name: "raw_huge_offset",
    resource: { records: 0xffffffff, check: 3 },
    address: "v_sub_nc_u32 v1, 0, v0\n  v_lshlrev_b32 v1, 2, v1",
    text: "buffer_load_dword v10, v1, s[8:11], 0 offen offset:128",
    expected: (i) => one(i === 0 ? at(128) : 0),
  },
  {
    name: "constant_scalar_offset",
    resource: { records: 1024, check: 3 },
    address: "",
    text: "buffer_load_dword v10, off, s[8:11], 16 offset:12",
    expected: () => one(at(28)),
  },
  {
    name: "index",
    resource: { stride: 12, records: 20, check: 1 },
    address: "v_mov_b32 v1, v0",
    text: "buffer_load_dword v10, v1, s[8:11], 0 idxen offset:16",
    expected: (i) => one(i < 20 ? at(i * 12 + 16) : 0),
  },
  {
    name: "index_and_offset",
    resource: { stride: 12, records: 20, check: 0 },
    address: "v_mov_b32 v1, v0\n  v_mov_b32 v2, 4",
    text: "buffer_load_dwordx4 v[10:13], v[1:2], s[8:11], 0 idxen offen",
    expected: (i) => [...four(i * 12 + 4, (byte) => i < 20 && byte < i * 12 + 12)],
  },
  {
    name: "unchecked",
    resource: { records: 1, check: 2 },
    address: "v_lshlrev_b32 v1, 2, v0",
    text: "buffer_load_dword v10, v1, s[8:11], 0 offen",
    expected: (i) => one(at(i * 4)),
  },
  {
    name: "no_records",
    resource: { records: 0, check: 2 },
    address: "v_lshlrev_b32 v1, 2, v0",
    text: "buffer_load_dword v10, v1, s[8:11], 0 offen",
    expected: () => one(0),
  },
  {
    name: "interleaved",
    resource: { stride: 16, swizzle: true, records: 32, check: 1, indexStride: 0 },
    address: "v_mov_b32 v1, v0\n  v_mov_b32 v2, 4",
    text: "buffer_load_dwordx2 v[10:11], v[1:2], s[8:11], 0 idxen offen",
    expected: (i) => [at(interleaved(i, 4, 16, 8)), at(interleaved(i, 8, 16, 8)), OLD, OLD],
  },
  {
    name: "thread_index",
    resource: { stride: 16, records: 32, check: 1, addThread: true },
    address: "v_mov_b32 v1, 8",
    text: "buffer_load_dword v10, v1, s[8:11], 0 offen",
    expected: (i) => one(at(i * 16 + 8)),
  },
  {
    name: "private_memory",
    resource: { swizzle: true, records: 1024, check: 2, addThread: true, indexStride: 2 },
    address: "v_and_b32 v1, 3, v0\n  v_lshlrev_b32 v1, 2, v1",
    text: "buffer_load_dwordx3 v[10:12], v1, s[8:11], 0 offen offset:4",
    expected: (i) => [0, 4, 8].map((more) => at(interleaved(i, (i & 3) * 4 + 4 + more, 0, 32))).concat(OLD),
  },
  {
    name: "short_at_end",
    resource: { records: 62, check: 3 },
    address: "v_lshlrev_b32 v1, 1, v0",
    text: "buffer_load_ushort v10, v1, s[8:11], 0 offen",
    expected: (i) => one(i < 31 ? (at(i * 2 - (i % 2) * 2) >>> ((i % 2) * 16)) & 0xffff : 0),
  },
  {
    name: "format_select",
    resource: { records: 1024, check: 3, format: 62, select: [5, 4, 1, 0] },
    address: "v_lshlrev_b32 v1, 3, v0",
    text: "buffer_load_format_xyzw v[10:13], v1, s[8:11], 0 offen",
    expected: (i) => [at(i * 8 + 4), at(i * 8), 1, 0],
  },
  {
    name: "format_own",
    resource: { records: 1024, check: 3, format: 62 },
    address: "v_lshlrev_b32 v1, 2, v0",
    text: "tbuffer_load_format_xy v[10:11], v1, s[8:11], 0 format:[BUF_FMT_16_16_SINT] offen",
    expected: (i) => [((at(i * 4) << 16) >> 16) >>> 0, (at(i * 4) >> 16) >>> 0, OLD, OLD],
  },
  {
    name: "format_bytes",
    resource: { records: 100, check: 3, format: 56 },
    address: "v_lshlrev_b32 v1, 2, v0",
    text: "buffer_load_format_xy v[10:11], v1, s[8:11], 0 offen",
    expected: (i) =>
      i < 25 ? [bits((at(i * 4) & 255) / 255), bits(((at(i * 4) >>> 8) & 255) / 255), OLD, OLD] : [0, 0, OLD, OLD],
  },
];

function bits(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes.readUInt32LE();
}
