import { test } from "node:test";
import { pure, withSign } from "./case-tools.ts";
import { bitsOf, f16, f32, fusedMultiplyAdd, isNanBits, numberOf, withoutSubnormal } from "./exact.ts";
import { checkInstructions, type InstructionCase } from "./instruction-cases.ts";
import type { Scalar } from "./operands.ts";

const half = (value: bigint | undefined, index: number): bigint => ((value ?? 0n) >> BigInt(16 * index)) & 0xffffn;
const low = (code: string, apply: (...halves: bigint[]) => bigint, count: 2 | 3): InstructionCase[] =>
  // The halves by op_sel; the second variant crosses them.
  [0, 1].map((crossed) => {
    const sources = ["A", "B", "C"].slice(0, count).join(", ");
    const select =
      crossed === 0
        ? ""
        : ` op_sel:[${"1,0,1".slice(0, 2 * count - 1)}] op_sel_hi:[${"0,1,0".slice(0, 2 * count - 1)}]`;
    return pure(`${code} D, ${sources}${select}`, "u32", new Array<Scalar>(count).fill("u32"), (...values) => {
      const of = (index: number) =>
        apply(...values.map((value, source) => half(value, crossed === 1 && source !== 1 ? 1 - index : index)));
      return BigInt.asUintN(16, of(0)) | (BigInt.asUintN(16, of(1)) << 16n);
    });
  });

const i16 = (value: bigint | undefined): bigint => BigInt.asIntN(16, value ?? 0n);
const u16 = (value: bigint | undefined): bigint => value ?? 0n;
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const integers: InstructionCase[] = [
  ...low("v_pk_mad_i16", (a, b, c) => i16(a) * i16(b) + i16(c), 3),
  ...low("v_pk_mad_u16", (a, b, c) => u16(a) * u16(b) + u16(c), 3),
  ...low("v_pk_mul_lo_u16", (a, b) => u16(a) * u16(b), 2),
  ...low("v_pk_add_i16", (a, b) => i16(a) + i16(b), 2),
  ...low("v_pk_sub_i16", (a, b) => i16(a) - i16(b), 2),
  ...low("v_pk_add_u16", (a, b) => u16(a) + u16(b), 2),
  ...low("v_pk_sub_u16", (a, b) => u16(a) - u16(b), 2),
  ...low("v_pk_lshlrev_b16", (n, a) => u16(a) << (u16(n) % 16n), 2),
  ...low("v_pk_lshrrev_b16", (n, a) => u16(a) >> (u16(n) % 16n), 2),
  ...low("v_pk_ashrrev_i16", (n, a) => i16(a) >> (u16(n) % 16n), 2),
  ...low("v_pk_max_i16", (a, b) => greatest(i16(a), i16(b)), 2),
  ...low("v_pk_min_i16", (a, b) => least(i16(a), i16(b)), 2),
  ...low("v_pk_max_u16", (a, b) => greatest(u16(a), u16(b)), 2),
  ...low("v_pk_min_u16", (a, b) => least(u16(a), u16(b)), 2),
  ...(["i16", "u16"] as const).flatMap((type) =>
    (["add", "sub"] as const).map((name) =>
      pure(`v_pk_${name}_${type} D, A, B clamp`, "u32", ["u32", "u32"], (a, b) => {
        const limits = type === "i16" ? [-32768n, 32767n] : [0n, 65535n];
        const one = (index: number) => {
          const [x, y] = [withSign(type, half(a, index)), withSign(type, half(b, index))];
          return BigInt.asUintN(
            16,
            greatest(limits[0] as bigint, least(limits[1] as bigint, name === "add" ? x + y : x - y)),
          );
        };
        return one(0) | (one(1) << 16n);
      }),
    ),
  ),
];

/** NaN halves come out as the same NaN, so that packed results can be compared as bits. */
const settled = (packed: bigint): bigint =>
  [0, 1].reduce((bits, index) => {
    const one = half(packed, index);
    return bits | ((isNanBits(f16, one) ? 0x7e00n : one) << BigInt(16 * index));
  }, 0n);
/** The same made of the register by instructions: NaN halves are replaced before the store. */
const settle = `
  v_cmp_u_f16 VCC, D, D
  v_mov_b32 v30, 0x7e00
  v_bfi_b32 v31, 0xffff, v30, D
  v_cndmask_b32 D, D, v31, VCC
  v_lshrrev_b32 v31, 16, D
  v_cmp_u_f16 VCC, v31, v31
  v_lshlrev_b32 v30, 16, v30
  v_bfi_b32 v31, 0xffff, D, v30
  v_cndmask_b32 D, D, v31, VCC`;

function floats(code: string, count: 2 | 3, apply: (...halves: bigint[]) => bigint): InstructionCase[] {
  return low(code, apply, count).map((one) => ({
    ...one,
    code: `${one.code}${settle}`,
    expect: (values, state) => settled(one.expect(values, state) as bigint),
  }));
}

const byNumbers =
  (apply: (a: number, b: number) => number) =>
  (...halves: bigint[]): bigint => {
    const [a, b] = halves.map((one) => numberOf(f16, one)) as [number, number];
    return bitsOf(f16, apply(a, b));
  };
const signalling = (bits: bigint): boolean => isNanBits(f16, bits) && (bits & 0x200n) === 0n;
const ordered =
  (apply: (a: number, b: number) => number) =>
  (...halves: bigint[]): bigint => {
    if (halves.some(signalling)) return 0x7e00n;
    const [a, b] = halves.map((one) => numberOf(f16, one)) as [number, number];
    return bitsOf(f16, Number.isNaN(a) ? b : Number.isNaN(b) ? a : apply(a, b));
  };

const halves: InstructionCase[] = [
  ...floats(
    "v_pk_add_f16",
    2,
    byNumbers((a, b) => a + b),
  ),
  ...floats(
    "v_pk_mul_f16",
    2,
    byNumbers((a, b) => a * b),
  ),
  ...floats("v_pk_min_f16", 2, ordered(Math.min)),
  ...floats("v_pk_max_f16", 2, ordered(Math.max)),
  ...floats("v_pk_fma_f16", 3, (...values) => fusedMultiplyAdd(f16, ...(values as [bigint, bigint, bigint]))),
];

/** Which of A, B and C a mixed fma reads as f16 (OP_SEL_HI), and which of those in their high halves (OP_SEL). */
const selections = [
  { halvesOf: 0b000, high: 0b000 },
  { halvesOf: 0b101, high: 0b000 },
  { halvesOf: 0b111, high: 0b000 },
  { halvesOf: 0b111, high: 0b101 },
  { halvesOf: 0b010, high: 0b010 },
];

function mixed(name: string, out: Scalar): InstructionCase[] {
  const list = (bits: number): string => [0, 1, 2].map((index) => (bits >> index) & 1).join(",");
  const toHigh = name === "v_fma_mixhi_f16";
  return selections.map(({ halvesOf, high }) => ({
    code: `${name} D, A, B, C op_sel:[${list(high)}] op_sel_hi:[${list(halvesOf)}]${toHigh ? settle : ""}`,
    in: [{ type: "f32" }, { type: "f32" }, { type: "f32" }],
    out,
    expect: (values, { old }) => {
      const sources = values.map((value, index) => {
        if (((halvesOf >> index) & 1) === 0) return value;
        return bitsOf(f32, numberOf(f16, half(value, (high >> index) & 1)));
      });
      const sum = fusedMultiplyAdd(f32, ...(sources as [bigint, bigint, bigint]));
      if (name === "v_fma_mix_f32") return sum;
      const result = bitsOf(f16, numberOf(f32, sum));
      return toHigh ? settled((old & 0xffffn) | (result << 16n)) : result;
    },
  }));
}

const dots: InstructionCase[] = [
  dot("v_dot2_i32_i16", 16, true),
  dot("v_dot2_u32_u16", 16, false),
  dot("v_dot4_i32_i8", 8, true),
  dot("v_dot4_u32_u8", 8, false),
  dot("v_dot8_i32_i4", 4, true),
  dot("v_dot8_u32_u4", 4, false),
].flat();

function dot(name: string, bits: number, isSigned: boolean): InstructionCase[] {
  const type: Scalar = isSigned ? "i32" : "u32";
  const part = (value: bigint, index: number): bigint => {
    const field = BigInt.asUintN(bits, value >> BigInt(bits * index));
    return isSigned ? BigInt.asIntN(bits, field) : field;
  };
  const exact = (a: bigint, b: bigint, c: bigint): bigint => {
    let sum = withSign(type, c);
    for (let index = 0; index < 32 / bits; index++) sum += part(a, index) * part(b, index);
    return sum;
  };
  const [bottom, top] = isSigned ? [-(1n << 31n), (1n << 31n) - 1n] : [0n, (1n << 32n) - 1n];
  const types: Scalar[] = ["u32", "u32", type];
  return [
    pure(`${name} D, A, B, C`, type, types, (...values) =>
      BigInt.asUintN(32, exact(...(values as [bigint, bigint, bigint]))),
    ),
    pure(`${name} D, A, B, C clamp`, type, types, (...values) =>
      BigInt.asUintN(
        32,
        greatest(bottom as bigint, least(top as bigint, exact(...(values as [bigint, bigint, bigint])))),
      ),
    ),
  ];
}

/** Subnormal f32 numbers are zeros, whatever MODE says: here it keeps them. */
const dotHalves: InstructionCase = {
  ...pure("v_dot2_f32_f16 D, A, B, C", "f32", ["u32", "u32", "f32"], (a, b, c) => {
    const wide = (value: bigint | undefined, index: number) => bitsOf(f32, numberOf(f16, half(value, index)));
    const first = fusedMultiplyAdd(f32, wide(a, 0), wide(b, 0), withoutSubnormal(f32, c as bigint));
    return withoutSubnormal(f32, fusedMultiplyAdd(f32, wide(a, 1), wide(b, 1), first));
  }),
  more: [0x1n, 0x123n, 0x7fffffn, 0x80000001n].map((c) => [0n, 0n, c]),
};

test("VOP3P: pairs of 16-bit integers", (t) => checkInstructions(t, integers));
test("VOP3P: pairs of halves", (t) => checkInstructions(t, halves));
test("VOP3P: fused multiply-add of mixed precision", (t) =>
  checkInstructions(t, [
    ...mixed("v_fma_mix_f32", "f32"),
    ...mixed("v_fma_mixlo_f16", "f16"),
    ...mixed("v_fma_mixhi_f16", "u32"),
  ]));
test("VOP3P: dot products of gfx1011 and later", (t) => checkInstructions(t, [...dots, dotHalves], "gfx1012"));
