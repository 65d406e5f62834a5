// Tests of single instructions: a kernel for each loads operands, executes it and stores what it wrote; the results come
// from an independent computation. Values are bits.
import { deepEqual } from "node:assert/strict";
import type { TestContext } from "node:test";
import { checkOnce, onceFor } from "./case-tools.ts";
import { type Architecture, type KernelSource, objectText, type Ran, Simulator } from "./harness.ts";
import { bitsIn, close, type Operand, type Scalar, tuples } from "./operands.ts";

export interface InstructionCase {
  /**
   * Assembly with D for the destination, A, B and C for the sources, F for a mask that is written, and VCC as an input. In
   * D and the sources a digit says how many registers: v_add_f64 D2, A2, B2.
   */
  readonly code: string;
  readonly out: Scalar | "b128";
  readonly in: readonly Operand[];
  /** `old`: what D held; `vcc`: the lane's bit */
  readonly expect: (operands: bigint[], state: { old: bigint; vcc: boolean }) => bigint | Flagged;
  /** How many units in the last place a result may be off, default 0 */
  readonly ulps?: number;
  /** Operands to try besides edges and random ones */
  readonly more?: readonly bigint[][];
  /** Operands to try instead of all these */
  readonly tuples?: readonly bigint[][];
}

/** A result with the lane's bit of F. */
export interface Flagged {
  readonly value: bigint;
  readonly flag: boolean;
}

const block = 256;
const tuplesEach = 2048;
const recordBytes = 32;
const together = 12;
const mask = (width: number): bigint => (1n << BigInt(width)) - 1n;

const operandsOf = onceFor<readonly bigint[][]>((one, index) => {
  const { tuples: given, more = [], in: operands } = one as InstructionCase;
  return given ?? [...more, ...tuples(operands, tuplesEach, index + 1)];
});
const launchOf = onceFor((one, index) => launch(index, operandsOf(one, index)));

/** Runs the cases in wave32 and wave64. */
export async function checkInstructions(
  t: TestContext,
  cases: readonly InstructionCase[],
  architecture: Architecture = "gfx1010",
): Promise<void> {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const operands = cases.map(operandsOf);
  for (const waveSize of [32, 64] as const) {
    const text = objectText(
      cases.map((one, index) => kernel(one, index, waveSize)),
      waveSize,
    );
    const object = await simulator.assemble(text, architecture, waveSize);
    for (let first = 0; first < cases.length; first += together) {
      const some = cases.slice(first, first + together);
      const ran: Ran = await simulator.run(
        object,
        some.map((one, index) => launchOf(one, first + index)),
        { architecture },
      );
      deepEqual(ran.faults, []);
      deepEqual(ran.findings, []);
      for (const [index, one] of some.entries()) {
        const results = ran.launches[index]?.buffers[0] ?? Buffer.alloc(0);
        await t.test(`${one.code} in wave${waveSize}`, () => {
          const check = () => wrong(one, operands[first + index] ?? [], results);
          deepEqual(checkOnce(one, results, check), []);
        });
      }
    }
  }
}

function kernel({ code }: InstructionCase, index: number, waveSize: 32 | 64): KernelSource {
  const registers = (first: number) => (_: string, count: string) =>
    count === "" ? `v${first}` : `v[${first}:${first + Number(count) - 1}]`;
  const flag = waveSize === 64 ? "s[20:21]" : "s20";
  const vcc = waveSize === 64 ? "vcc" : "vcc_lo";
  const instruction = code
    .replace(/\bD(\d?)\b/g, registers(20))
    .replace(/\bA(\d?)\b/g, registers(4))
    .replace(/\bB(\d?)\b/g, registers(6))
    .replace(/\bC(\d?)\b/g, registers(8))
    .replace(/\bF\b/, flag)
    .replace(/\bVCC\b/g, vcc);
  const body = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_mov_b64 s[20:21], ${/\bF\b/.test(code) ? -1 : 0}
  v_lshl_add_u32 v1, s2, 8, v0
  v_lshlrev_b32 v1, 5, v1
  s_waitcnt lgkmcnt(0)
  global_load_dwordx4 v[4:7], v1, s[6:7]
  global_load_dwordx4 v[8:11], v1, s[6:7] offset:16
  s_waitcnt vmcnt(0)
  v_cmp_ne_u32 ${vcc}, 0, v10
  v_mov_b32 v20, v11
  v_mov_b32 v21, v11
  v_mov_b32 v22, v11
  v_mov_b32 v23, v11
  ${instruction}
  v_cndmask_b32 v24, 0, 1, ${flag}
  global_store_dwordx4 v1, v[20:23], s[4:5]
  global_store_dword v1, v24, s[4:5] offset:16`;
  return { name: `case${index}`, body };
}

/** The state of the registers besides the operands, different in every record. */
function stateOf(index: number): { old: bigint; vcc: boolean } {
  return { old: BigInt((Math.imul(index, 0x9e3779b9) ^ 0x5a5a1234) >>> 0), vcc: index % 3 === 0 };
}

function launch(index: number, cases: readonly bigint[][]) {
  const records = Math.ceil(cases.length / block) * block;
  const input = new DataView(new ArrayBuffer(records * recordBytes));
  for (const [record, bits] of cases.entries()) {
    const at = record * recordBytes;
    const state = stateOf(record);
    input.setUint32(at + 24, state.vcc ? 1 : 0, true);
    input.setUint32(at + 28, Number(state.old), true);
    for (const [operand, value] of bits.entries()) {
      for (let word = 0; word < 2; word++) {
        input.setUint32(at + operand * 8 + word * 4, Number((value >> BigInt(32 * word)) & 0xffffffffn), true);
      }
    }
  }
  return {
    kernel: `case${index}`,
    grid: records,
    block,
    args: [{ in: new Uint8Array(records * recordBytes).fill(0xa5) }, { in: new Uint8Array(input.buffer) }],
  };
}

/** The first results that are not what they must be. */
function wrong(one: InstructionCase, cases: readonly bigint[][], results: Buffer): object[] {
  const found: object[] = [];
  let count = 0;
  const width = one.out === "b128" ? 128 : bitsIn(one.out);
  for (const [record, bits] of cases.entries()) {
    const state = stateOf(record);
    const at = record * recordBytes;
    const word = (index: number): bigint => BigInt(results.readUInt32LE(at + 4 * index));
    const expected = one.expect(bits, state);
    const { value, flag } = typeof expected === "bigint" ? { value: expected, flag: false } : expected;
    let got = 0n;
    for (let index = 0; index < 4; index++) got |= word(index) << BigInt(32 * index);
    // What the instruction does not write keeps its old value: the high half of a register of 16 bits, too.
    let old = 0n;
    for (let index = 0; index < 4; index++) old |= state.old << BigInt(32 * index);
    const untouched = (got ^ old) >> BigInt(width) === 0n;
    const right =
      (one.out === "b128" ? got === value : close(one.out, got & mask(width), value & mask(width), one.ulps ?? 0)) &&
      word(4) === (flag ? 1n : 0n);
    if (untouched && right) continue;
    const shown = { operands: bits.map(hex), old: hex(state.old), got: hex(got), flag: word(4), expected: hex(value) };
    if (found.length < 6) found.push(shown);
    count++;
  }
  return count === 0 ? [] : [{ wrong: count, of: cases.length }, ...found];
}

const hex = (bits: bigint): string => `0x${bits.toString(16)}`;
