/** Instructions of every format for every opcode, to see what a disassembler makes of them. */

export type Words = readonly number[];

/** How a format places an opcode; the rest is operands that most operations can have. */
interface Encoding {
  opcodes: number;
  encode: (opcode: number) => Words;
  /** Bit ranges that say format and opcode, end excluded */
  fixed: readonly (readonly [number, number])[];
}

const vgpr = (number: number) => 256 + number;

function twoWords(prefix: number, opcode: number, low: number, high: number): Words {
  return [((prefix << 26) | (opcode << 18) | low) >>> 0, high >>> 0];
}

function vop3(opcodes: number, low: number, high: number): Encoding {
  const encode = (opcode: number) => [((0b110101 << 26) | (opcode << 16) | low) >>> 0, high >>> 0];
  return { opcodes, encode, fixed: [[16, 32]] };
}

function memory(prefix: number, opcodes: number, low: number, high: number, fixed: [number, number][] = []): Encoding {
  return { opcodes, encode: (opcode) => twoWords(prefix, opcode, low, high), fixed: [[18, 32], ...fixed] };
}

const bytes = (a: number, b: number, c: number, d: number) => (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;

function vop1(source: number, low: number, more: number[]): Encoding {
  const word = (opcode: number) => ((0x3f << 25) | low | (opcode << 9) | source) >>> 0;
  return { opcodes: 256, encode: (opcode) => [word(opcode), ...more], fixed: special(source, [9, 17], [25, 32]) };
}

function vop2(source: number, more: number[]): Encoding {
  const word = (opcode: number) => ((opcode << 25) | (4 << 17) | (6 << 9) | source) >>> 0;
  return { opcodes: 62, encode: (opcode) => [word(opcode), ...more], fixed: special(source, [25, 32]) };
}

function vopc(source: number, more: number[]): Encoding {
  const word = (opcode: number) => ((0x3e << 25) | (opcode << 17) | (6 << 9) | source) >>> 0;
  return { opcodes: 256, encode: (opcode) => [word(opcode), ...more], fixed: special(source, [17, 32]) };
}

/** SDWA and DPP stand in the first source's place. */
function special(source: number, ...fixed: [number, number][]): [number, number][] {
  return source < 256 && source > 200 ? [[0, 9], ...fixed] : fixed;
}

function scalar(opcodes: number, fixed: [number, number][], encode: (opcode: number) => number, ...more: number[]) {
  return { opcodes, encode: (opcode: number) => [encode(opcode) >>> 0, ...more], fixed };
}

const SDWA = 249;
const DPP16 = 250;
const DPP8 = 233;
const DPP8_FETCH_INACTIVE = 234;
const NULL = 0x7d;

/** Several of a format where one would leave out operations that take other operands. */
export const ENCODINGS: Readonly<Record<string, Encoding>> = {
  sop2: scalar(128, [[23, 32]], (o) => (2 << 30) | (o << 23) | (4 << 16) | (2 << 8) | 6),
  sopk: scalar(32, [[23, 32]], (o) => (0xb << 28) | (o << 23) | (4 << 16) | 1, 0x12345678),
  sop1: scalar(256, [[8, 16], [23, 32]], (o) => (0b101111101 << 23) | (4 << 16) | (o << 8) | 6), // biome-ignore format: a line each
  sopc: scalar(128, [[16, 32]], (o) => (0b101111110 << 23) | (o << 16) | (2 << 8) | 6),
  sopp: scalar(128, [[16, 32]], (o) => (0b101111111 << 23) | (o << 16)),
  smem: memory(0b111101, 256, (16 << 6) | 2, 0xfa000010),
  vop1: vop1(vgpr(2), 4 << 17, []),
  "vop1 without registers": vop1(0, 0, []),
  vop2: vop2(vgpr(2), [0x3f800001]),
  vopc: vopc(vgpr(2), []),
  vop3: vop3(1024, 4, vgpr(2) | (vgpr(6) << 9) | (vgpr(8) << 18)),
  "vop3 with scalars": vop3(1024, 4, 6 | (2 << 9) | (8 << 18)),
  "vop3 with one VGPR": vop3(1024, 0, vgpr(2) | (6 << 9) | (8 << 18)),
  vop3p: {
    opcodes: 128,
    encode: (o) => [
      ((0b110011 << 26) | (o << 16) | 4 | (1 << 14)) >>> 0,
      vgpr(2) | (vgpr(6) << 9) | (vgpr(8) << 18) | (3 << 27),
    ],
    fixed: [[16, 32]],
  },
  sdwa1: vop1(SDWA, 4 << 17, [2 | (6 << 8) | (6 << 16)]),
  sdwa2: vop2(SDWA, [2 | (6 << 8) | (6 << 16) | (6 << 24)]),
  sdwac: vopc(SDWA, [2 | (6 << 16) | (6 << 24)]),
  dpp1: vop1(DPP16, 4 << 17, [bytes(2, 0xe4, 0, 0xff)]),
  dpp2: vop2(DPP16, [bytes(2, 0xe4, 0, 0xff)]),
  dppc: vopc(DPP16, [bytes(2, 0xe4, 0, 0xff)]),
  dpp8: vop1(DPP8, 4 << 17, [(2 | (0xfac688 << 8)) >>> 0]),
  "dpp8 of vop2": vop2(DPP8_FETCH_INACTIVE, [(2 | (0xfac688 << 8)) >>> 0]),
  "ds with two data": memory(0b110110, 256, 0, bytes(2, 6, 12, 20)),
  "ds with one data": memory(0b110110, 256, 0, bytes(2, 6, 0, 20)),
  "ds with two data, no result": memory(0b110110, 256, 0, bytes(2, 6, 12, 0)),
  "ds with one data, no result": memory(0b110110, 256, 0, bytes(2, 6, 0, 0)),
  "ds without data": memory(0b110110, 256, 0, bytes(2, 0, 0, 20)),
  "ds with an address": memory(0b110110, 256, 0, bytes(2, 0, 0, 0)),
  mubuf: memory(0b111000, 256, 1 << 12, bytes(2, 6, 3, 128)),
  "mubuf without fields": memory(0b111000, 256, 0, 0),
  mtbuf: {
    opcodes: 16,
    encode: (o) => [
      ((0b111010 << 26) | (1 << 19) | ((o & 7) << 16) | (1 << 12)) >>> 0,
      (bytes(2, 6, 3, 128) | ((o >> 3) << 21)) >>> 0,
    ],
    fixed: [[16, 19], [26, 32]], // biome-ignore format: a line each
  },
  flat: memory(0b110111, 128, 0, bytes(2, 6, NULL, 20), [[14, 16]]),
  scratch: memory(0b110111, 128, 1 << 14, bytes(2, 6, NULL, 20), [[14, 16]]),
  "scratch with SADDR": memory(0b110111, 128, 1 << 14, bytes(2, 6, 4, 20), [[14, 16]]),
  global: memory(0b110111, 128, 2 << 14, bytes(2, 6, NULL, 20), [[14, 16]]),
  "global with SADDR": memory(0b110111, 128, 2 << 14, bytes(2, 6, 4, 20), [[14, 16]]),
  image: memory(0b111100, 128, 0xf << 8, bytes(2, 6, 3, 4)),
  export: scalar(1, [[26, 32]], () => 0b111110 << 26, 0),
  interpolation: scalar(4, [[16, 18], [26, 32]], (o) => (0b110010 << 26) | (o << 16)), // biome-ignore format: a line each
};

/** Literals near the inline constants of all types. */
const LITERALS = [0, 1, 64, 65, 0xffffffff, 0x3f800000, 0x3c00, 0xbc00, 0x12345678];

/** Small, fast, the same every time [mulberry32]. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function freeBits(words: Words, fixed: Encoding["fixed"]): number[] {
  const all = Array.from({ length: words.length * 32 }, (_, bit) => bit);
  return all.filter((bit) => !fixed.some(([from, to]) => bit >= from && bit < to));
}

/** The words with half of the free bits changed, often with a literal behind them. */
function scrambled(words: Words, bits: readonly number[], next: () => number): Words {
  const changed = [...words];
  for (const bit of bits) {
    if (next() & 1) changed[bit >> 5] = ((changed[bit >> 5] ?? 0) ^ (1 << (bit & 31))) >>> 0;
  }
  if (changed.length < 3 && next() & 1) changed.push(LITERALS[next() % LITERALS.length] ?? 0);
  return changed;
}

/** LLVM ends in code that cannot be reached on reserved SDWA selections, and misreads some DPP8 words of 16 bits. */
function tripsLlvm(words: Words): boolean {
  const [first = 0, second = 0] = words;
  const top = first >>> 25;
  if (first >>> 31 !== 0) return false;
  const source = first & 0x1ff;
  if (source === DPP8 || source === DPP8_FETCH_INACTIVE) return second >>> 16 === 0;
  if (source !== SDWA) return false;
  const select = (bit: number) => ((second >>> bit) & 7) === 7;
  const destination = top !== 0x3e && (select(8) || ((second >>> 11) & 3) === 3);
  return select(16) || (top !== 0x3f && select(24)) || destination;
}

/** Each opcode as it stands, and `variants` times with random operands and modifiers. */
export function candidates(name: string, variants: number, seed: number): Words[] {
  const encoding = ENCODINGS[name];
  if (encoding === undefined) throw new Error(`no encoding ${name}`);
  const next = random(seed);
  const found: Words[] = [];
  for (let opcode = 0; opcode < encoding.opcodes; opcode++) {
    const words = encoding.encode(opcode);
    const bits = freeBits(words, encoding.fixed);
    found.push(words, ...Array.from({ length: variants }, () => scrambled(words, bits, next)));
  }
  return found.filter((words) => !tripsLlvm(words));
}

/** Each opcode with each single bit of operands and modifiers changed. */
export function singleBits(name: string): Words[] {
  const encoding = ENCODINGS[name];
  if (encoding === undefined) throw new Error(`no encoding ${name}`);
  const opcodes = Array.from({ length: encoding.opcodes }, (_, opcode) => encoding.encode(opcode));
  const changed = opcodes.flatMap((words) =>
    freeBits(words, encoding.fixed).map((bit) =>
      words.map((word, index) => (index === bit >> 5 ? (word ^ (1 << (bit & 31))) >>> 0 : word)),
    ),
  );
  return changed.filter((words) => !tripsLlvm(words));
}

/** Words a candidate has to itself: s_nop behind it, whatever a disassembler takes it for. */
export const SLOT = 6;

/** Candidates one after the other, each at the start of a slot. */
export function inSlots(words: readonly Words[]): Uint32Array {
  const code = new Uint32Array(words.length * SLOT).fill(0xbf800000);
  for (const [index, candidate] of words.entries()) code.set(candidate, index * SLOT);
  return code;
}
