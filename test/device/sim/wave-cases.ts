// Tests of instructions that depend on more than their lane: EXEC, other lanes, MODE. One wave a case.
import { deepEqual } from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Architecture, type KernelSource, objectText, Simulator } from "./harness.ts";
import { random } from "./operands.ts";

/** What a lane has before the instruction; see WaveCase.code. */
export interface LaneState {
  a: number;
  b: number;
  c: number;
  old: number;
  vcc: boolean;
}

export interface WaveState {
  lanes: 32 | 64;
  lane: number;
  on: boolean;
  own: LaneState;
  /** Of any lane */
  at(lane: number): LaneState & { on: boolean };
}

/** What a lane must have afterwards; what is not said must be as before, the mask 0. */
export interface LaneResult {
  d?: number;
  flag?: boolean;
  on?: boolean;
}

export interface WaveCase {
  /**
   * Assembly: D destination and old value, A, B, C sources (VGPRs), F a mask that is written, VCC a mask that is read; ALL
   * turns all lanes on.
   */
  readonly code: string;
  /** Lanes that are on, default some of them */
  readonly exec?: bigint;
  /** HW_REG_MODE, default what kernels start with */
  readonly mode?: number;
  readonly lane?: (lane: number) => Partial<LaneState>;
  readonly expect: (state: WaveState) => LaneResult;
  /** Findings of the instruction, by kind; default none */
  readonly findings?: readonly string[];
}

const someLanes = 0xf0f1_7e3c_8421_fa5dn;
const recordBytes = 32;
const outputBytes = 16;

export async function checkWaves(
  t: TestContext,
  cases: readonly WaveCase[],
  architecture: Architecture = "gfx1010",
): Promise<void> {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  for (const lanes of [32, 64] as const) {
    const states = cases.map((one, index) => statesOf(one, lanes, index + 1));
    const object = await simulator.assemble(
      objectText(
        cases.map((one, index) => kernel(one, index, lanes)),
        lanes,
      ),
      architecture,
      lanes,
    );
    const ran = await simulator.run(
      object,
      states.map((state, index) => ({
        kernel: `case${index}`,
        block: lanes,
        args: [{ in: new Uint8Array(lanes * outputBytes) }, { in: inputOf(state) }],
      })),
      { architecture },
    );
    deepEqual(ran.faults, []);
    const expected = cases.flatMap((one) => one.findings ?? []);
    deepEqual(ran.findings.map((finding) => finding.kind).sort(), expected.sort());
    for (const [index, one] of cases.entries()) {
      await t.test(`${one.code} in wave${lanes}`, () => {
        const got = ran.launches[index]?.buffers[0] ?? Buffer.alloc(0);
        deepEqual(wrong(one, states[index] ?? [], lanes, got), []);
      });
    }
  }
}

const isOn = (one: WaveCase, lane: number): boolean => (((one.exec ?? someLanes) >> BigInt(lane)) & 1n) === 1n;

function statesOf(one: WaveCase, lanes: number, seed: number): LaneState[] {
  const next = random(seed);
  return Array.from({ length: lanes }, (_, lane) => ({
    ...{ a: next(), b: next(), c: next(), old: next(), vcc: next() % 3 === 0 },
    ...one.lane?.(lane),
  }));
}

function inputOf(states: readonly LaneState[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(states.length * recordBytes));
  for (const [lane, { a, b, c, old, vcc }] of states.entries()) {
    for (const [index, word] of [a, b, c, old, vcc ? 1 : 0].entries()) {
      view.setUint32(lane * recordBytes + index * 4, word >>> 0, true);
    }
  }
  return new Uint8Array(view.buffer);
}

function kernel(one: WaveCase, index: number, lanes: 32 | 64): KernelSource {
  const [wide, exec, vcc, flag, after] =
    lanes === 64 ? ["b64", "exec", "vcc", "s[20:21]", "s[22:23]"] : ["b32", "exec_lo", "vcc_lo", "s20", "s22"];
  const code = one.code
    .replace(/\bD\b/g, "v12")
    .replace(/\bA\b/g, "v4")
    .replace(/\bB\b/g, "v5")
    .replace(/\bC\b/g, "v6")
    .replace(/\bF\b/g, flag)
    .replace(/\bVCC\b/g, vcc)
    .replace(/\bALL\b/g, `s_mov_${wide} ${exec}, -1`);
  const on = one.exec ?? someLanes;
  const high = lanes === 64 ? `s_mov_b32 exec_hi, 0x${(on >> 32n).toString(16)}` : "";
  const mode = one.mode === undefined ? "" : `s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 10), 0x${one.mode.toString(16)}`;
  const body = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  v_lshlrev_b32 v1, 5, v0
  v_lshlrev_b32 v2, 4, v0
  s_mov_b64 s[20:21], 0
  s_waitcnt lgkmcnt(0)
  global_load_dwordx4 v[4:7], v1, s[6:7]
  global_load_dword v8, v1, s[6:7] offset:16
  s_waitcnt vmcnt(0)
  v_mov_b32 v12, v7
  v_cmp_ne_u32 ${vcc}, 0, v8
  s_mov_b32 exec_lo, 0x${(on & 0xffffffffn).toString(16)}
  ${high}
  ${mode}
  ${code}
  s_mov_${wide} ${after}, ${exec}
  s_mov_${wide} ${exec}, -1
  v_cndmask_b32 v13, 0, 1, ${flag}
  v_cndmask_b32 v14, 0, 1, ${after}
  global_store_dwordx3 v2, v[12:14], s[4:5]`;
  return { name: `case${index}`, body };
}

function wrong(one: WaveCase, states: readonly LaneState[], lanes: 32 | 64, results: Buffer): object[] {
  const found: object[] = [];
  for (const [lane, own] of states.entries()) {
    const at = (other: number) => ({ ...(states[other] as LaneState), on: isOn(one, other) });
    const on = isOn(one, lane);
    const { d = own.old, flag = false, on: still = on } = one.expect({ lanes, lane, on, own, at });
    const word = (index: number): number => results.readUInt32LE(lane * outputBytes + index * 4);
    const got = { d: word(0), flag: word(1) === 1, on: word(2) === 1 };
    const expected = { d: d >>> 0, flag, on: still };
    if (JSON.stringify(got) !== JSON.stringify(expected)) found.push({ lane, on, own, got, expected });
  }
  return found.slice(0, 5);
}
