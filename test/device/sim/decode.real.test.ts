import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { toolchainUnderTest } from "../support.ts";
import { Disassemblers, type Line, refused, type WaveSize, writeObject } from "./disassembly.ts";
import { candidates, ENCODINGS, inSlots, SLOT, singleBits, type Words } from "./encodings.ts";
import type { Architecture } from "./harness.ts";

/** RDNA1_TEST_FULL=1: more operands, and every single bit of every encoding. */
const FULL = process.env.RDNA1_TEST_FULL === "1";
/** Random operands and modifiers tried for each opcode. */
const VARIANTS = FULL ? 40 : 8;

/** Operations that LLVM knows and the simulator leaves out, as LLVM writes them. */
const LEFT_OUT: readonly { text: RegExp; reason: string }[] = [
  { text: /^image_/, reason: "no image instruction is in a kernel of MIOpen or rocBLAS" },
  { text: /^exp /, reason: "exports belong to graphics" },
  { text: /^v_interp_/, reason: "interpolation belongs to graphics" },
  { text: /^ds_(gws_|ordered_count|append|consume)/, reason: "the global data share is not simulated" },
  { text: /^ds_\w+_src2_|^ds_nop|^ds_\w+_addtid_b32/, reason: "compilers do not emit it" },
  { text: /^(global|ds)_\w+_addtid/, reason: "gfx1030 only, and compilers do not emit it" },
];

/** What LLVM disassembles and the simulator refuses: the reason that ours gives, and the operations it may concern. */
const STRICTER: readonly { why: RegExp; text: RegExp; reason: string }[] = [
  { why: /global data share/, text: /^ds_.* gds$/, reason: "the global data share is not simulated" },
  { why: /load to LDS/, text: / lds$/, reason: "compilers do not emit it" },
  { why: /LDS_DIRECT/, text: /src_lds_direct/, reason: "LDS_DIRECT belongs to graphics" },
  { why: /cannot have a literal as offset/, text: /^t?buffer_/, reason: "no card has it" },
  { why: /is reserved$/, text: /src_flat_scratch_base_/, reason: "a source of later targets" },
  { why: /there are 256$/, text: /v\[(24[1-9]|25\d):25[6-9]|v\[\d+:2[67]\d\]/, reason: "registers behind the last" },
  {
    why: /scalar destination \d+ does not exist/,
    text: /^v_(cmp_.*|readfirstlane_b32) src_/,
    reason: "a source is no destination",
  },
  { why: /needs a scalar register as lane mask/, text: /^v_(cndmask|\w+_co_ci)_/, reason: "a mask lies in SGPRs" },
  {
    why: /(NEG|ABS) on this source/,
    text: /^v_(cmpx_class_|ldexp_|cvt_pk_u8_f32|trig_preop_f64|dot4c_)/,
    reason: "LLVM ignores signs of a source that is no float",
  },
  {
    why: /OMOD$/,
    text: /^v_(cvt_(u32|i32|u16|i16|norm_[iu]16)_f|frexp_exp_i)/,
    reason: "the result is no float",
  },
  {
    why: /CLAMP$/,
    text: /_sdwa |^v_(alignb|m?qsad_|mad_[ui]64_)/,
    reason: "nothing says what it saturates to",
  },
  {
    why: /cannot have a scalar as source/,
    text: /^v_(movrels|readfirstlane|readlane|swap|permlane)/,
    reason: "LLVM lets some scalars pass where a VGPR has to be",
  },
  { why: /EXEC as SADDR/, text: /^scratch_.* off(, v\S+)?, off/, reason: "no address at all: gfx1030 only" },
  { why: /has no (SDWA|DPP) form/, text: /^v_(nop|pipeflush|clrexcp)\b/, reason: "nothing to select from" },
  { why: /OP_SEL/, text: /^v_alignb/, reason: "nothing says what it selects" },
];

/** Where our text is not LLVM's, for operands that the simulator does not look at. */
function comparable(text: string, architecture: Architecture): string {
  if (text.startsWith("s_version ")) return "s_version";
  if (architecture !== "gfx1030") return text;
  return text.replace(/^s_waitcnt_depctr .*/, "s_waitcnt_depctr").replace(/hwreg\((\w+)/, "hwreg(");
}

const ARCHITECTURES: readonly Architecture[] = ["gfx1010", "gfx1011", "gfx1012", "gfx1030"];

const toolchain = await toolchainUnderTest();
const started = typeof toolchain === "string" ? toolchain : await Disassemblers.start(toolchain);
const skip = typeof started === "string" ? started : false;

describe("the decoder against LLVM's", { skip, concurrency: false }, () => {
  const disassemblers = started as Disassemblers;
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "rdna1-decode-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("says why it refuses an instruction", async () => {
    const rows: readonly [words: Words, why: RegExp][] = [
      [[0xf0000f00, 0x00010000], /image instructions are not supported/],
      [[0xf8000000, 0], /export instructions are not supported/],
      [[0xc8000000], /interpolation instructions are not supported/],
      [[0xcc130004, 0x04220d02], /v_dot2_f32_f16 is an instruction of other targets only/],
      [[0xd8820000, 0x14000602], /the global data share is not supported/],
      [[0x060804f9, 0x06060702], /SDWA word 0x6060702 selects in a reserved way/],
      [[0x060804fa, 0xff014302], /DPP control 0x143 is reserved/],
      [[0x2e0804fa, 0xff00e402], /opcode 0x17 is unknown or not supported/],
      [[0x800402d1], /source operand code 209 is reserved/],
      [[0x87850206], /scalar register 5 with 2 registers: no such register, or not aligned/],
      [[0xbf8a0005], /s_barrier has SIMM16 0x5 where it has to be 0/],
      [[0xd7600004, 0x00020d02], /v_readlane_b32 cannot have a vector register as source 1/],
      [[0xdc302000, 0x147d0002], /flat_load_dword cannot have LDS/],
      [[0xfc000000], /no instruction format starts with the bits of 0xfc000000/],
    ];
    const file = await writeObject(folder, "refused", inSlots(rows.map(([words]) => words)));
    const lines = byAddress(await disassemblers.own([file], "gfx1010", 32));
    for (const [index, [, why]] of rows.entries()) assert.match(lines.get(index * SLOT * 4)?.why ?? "", why);
  });

  test("refuses an instruction that the end of the code cuts off", async () => {
    const file = await writeObject(folder, "cut", new Uint32Array([0xbf800000, 0xbe8403ff]));
    const lines = await disassemblers.own([file], "gfx1010", 32);
    assert.match(lines[1]?.why ?? "", /cut off at the end of the code/);
  });

  test("refuses a lane mask that is no pair in waves of 64 lanes", async () => {
    const file = await writeObject(folder, "mask", new Uint32Array([0xd4010005, 0x00020d02])); // v_cmp_lt_f32 s5, …
    assert.equal((await disassemblers.own([file], "gfx1010", 32))[0]?.why, "");
    assert.match((await disassemblers.own([file], "gfx1010", 64))[0]?.why ?? "", /needs a pair/);
  });

  for (const architecture of ARCHITECTURES) {
    test(`knows ${architecture}'s operations of every format, and no others`, async () => {
      const wave: WaveSize = architecture === "gfx1011" ? 64 : 32;
      const words = Object.keys(ENCODINGS).flatMap((name) => candidates(name, VARIANTS, seedOf(architecture, name)));
      await compareWords(words, architecture, wave);
    });
  }

  test("takes every bit of every encoding as LLVM does", { skip: FULL ? false : "RDNA1_TEST_FULL=1" }, async () => {
    for (const name of Object.keys(ENCODINGS)) await compareWords(singleBits(name), "gfx1012", 32);
  });

  async function compareWords(words: readonly Words[], architecture: Architecture, wave: WaveSize): Promise<void> {
    for (let first = 0; first < words.length; first += 50_000) {
      const part = words.slice(first, first + 50_000);
      const file = await writeObject(folder, `words-${architecture}`, inSlots(part));
      const { llvm, own } = await disassemblers.list([file], architecture, wave);
      const theirs = byAddress(llvm);
      const ours = byAddress(own);
      const different: string[] = [];
      for (const [index, candidate] of part.entries()) {
        const their = theirs.get(index * SLOT * 4);
        const our = ours.get(index * SLOT * 4);
        assert.ok(their !== undefined && our !== undefined, "a listing is out of step");
        const problem = judge(their, our, architecture);
        if (problem !== null) different.push(`${candidate.map(hexadecimal).join(" ")} on ${architecture}: ${problem}`);
      }
      assert.deepEqual(different.slice(0, 20), []);
    }
  }
});

/** What is wrong with our reading of an instruction, given LLVM's. */
function judge(theirs: Line, ours: Line, architecture: Architecture): string | null {
  if (refused(theirs)) return refused(ours) ? null : `LLVM refuses what we take for ${ours.text}`;
  if (!refused(ours)) {
    const same = comparable(theirs.text, architecture) === comparable(ours.text, architecture);
    return same ? null : `LLVM: ${theirs.text}, ours: ${ours.text}`;
  }
  if (LEFT_OUT.some(({ text }) => text.test(theirs.text))) return null;
  if (STRICTER.some(({ why, text }) => why.test(ours.why) && text.test(theirs.text))) return null;
  return `LLVM: ${theirs.text}, we refuse: ${ours.why}`;
}

function byAddress(lines: readonly Line[]): Map<number, Line> {
  return new Map(lines.map((line) => [Number.parseInt(line.address, 16), line]));
}

function hexadecimal(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function seedOf(...parts: string[]): number {
  return createHash("sha256").update(parts.join()).digest().readUInt32LE(0);
}
