import { createHash } from "node:crypto";
import { machineError } from "../errors.ts";
import { type Kernel, keyOf } from "./database.ts";
import type { Dialect } from "./dialect.ts";
import { type Im2d2ColShape, im2d2colKey } from "./im2col.ts";
import { databaseKey } from "./keys.ts";
import type { TensorType } from "./problem.ts";

/** A row that a kernel set must hold. */
export interface WantedIm2col {
  type: TensorType;
  shape: Im2d2ColShape;
}

/** What a derivation made. */
export interface Derivation {
  /** Rows that were not harvested; stored raw (`size` 0) */
  kernels: Kernel[];
  /** Wanted shapes between two harvested ones of different code: harvest these too and derive again */
  missing: WantedIm2col[];
  /** Harvested objects that the derivation reproduced byte for byte from their neighbours */
  checked: number;
}

interface Sample {
  tile: number;
  kernel: Kernel;
}

/**
 * Completes the Im2d2Col family: MIOpen puts the tile size into the key, which makes thousands of keys of objects that
 * differ in three or four numbers only: the LDS size (kernel descriptor and metadata) and the loop bound (one or two
 * instruction words). Compiling them all would take half an hour.
 *
 * Between two harvested neighbours with the same code every such number is a straight line, so the object for a tile
 * between them is known exactly. Whatever else differs, nothing is derived. Each harvested object that lies between two
 * others is derived as well and must come out identical.
 *
 * fp16 and bf16 move the same 16-bit words and have the same objects; so have strided and multi-block problems. Both
 * are checked where the harvest holds a pair.
 *
 * @throws machineError when a derived object differs from the compiled one
 */
export function deriveIm2col(
  harvested: readonly Kernel[],
  wanted: readonly WantedIm2col[],
  target: string,
  dialect?: Dialect,
): Derivation {
  const samples = samplesOf(harvested);
  const present = new Set(harvested.map(keyOf));
  const result: Derivation = { kernels: [], missing: [], checked: selfCheck(samples) };
  for (const { type, shape } of wanted) {
    const key = databaseKey(im2d2colKey(type, shape, dialect), target);
    if (present.has(keyOf(key))) continue;
    const object = shape.large ? null : objectFor(samples.get(familyOf(type, shape)) ?? [], shape.tile);
    if (object === null) {
      result.missing.push({ type, shape });
      continue;
    }
    const hash = createHash("md5").update(object).digest("hex");
    result.kernels.push({ ...key, blob: object, hash, size: 0, object });
  }
  return result;
}

/** Objects of one family differ in the tile only [MIOpenIm2d2Col.cpp: its #if lines]. */
function familyOf(type: TensorType, shape: Pick<Im2d2ColShape, "strided" | "oneBlock">): string {
  return `${type === "fp32" ? 4 : 2} ${shape.oneBlock && !shape.strided ? "whole image" : "tiles"}`;
}

function samplesOf(harvested: readonly Kernel[]): Map<string, Sample[]> {
  const families = new Map<string, Sample[]>();
  for (const kernel of harvested) {
    const parsed = parseKey(kernel);
    if (parsed === null) continue;
    const family = familyOf(parsed.type, parsed.shape);
    const samples = families.get(family) ?? [];
    families.set(family, samples);
    const { tile } = parsed.shape;
    const twin = samples.find((sample) => sample.tile === tile);
    if (twin === undefined) samples.push({ tile, kernel });
    else if (twin.kernel.hash !== kernel.hash) throw broken(`${keyOf(twin.kernel)} and ${keyOf(kernel)} differ`);
  }
  for (const samples of families.values()) samples.sort((a, b) => a.tile - b.tile);
  return families;
}

/** Type and shape of an Im2d2Col row; null for other kernels and for wide indices. */
function parseKey(row: { name: string; args: string }): WantedIm2col | null {
  if (!/^MIOpenIm2d2Col\.(cpp|cl)\.o$/.test(row.name) || /LARGE/.test(row.args)) return null;
  const number = (name: string) => Number(new RegExp(` -D${name}=(\\d+)`).exec(row.args)?.[1] ?? Number.NaN);
  const type = number("MIOPEN_USE_FP32") ? "fp32" : number("MIOPEN_USE_FP16") ? "fp16" : "bf16";
  if (type === "bf16" && number("MIOPEN_USE_BFP16") !== 1) return null;
  const tile = number("LOCAL_MEM_SIZE");
  const shape = {
    tile,
    strided: number("STRIDE_GT_1") === 1,
    oneBlock: number("NUM_IM_BLKS_EQ_1") === 1,
    large: false,
  };
  return Number.isInteger(tile) ? { type, shape } : null;
}

/** Derives every sample that has two neighbours and compares; returns how many could be compared. */
function selfCheck(samples: ReadonlyMap<string, readonly Sample[]>): number {
  let checked = 0;
  for (const list of samples.values()) {
    for (const [index, { tile, kernel }] of list.entries()) {
      const below = list[index - 1];
      const above = list[index + 1];
      if (below === undefined || above === undefined) continue;
      const object = between(below, above, tile);
      if (object === null) continue;
      if (!object.equals(kernel.object)) throw broken(`${keyOf(kernel)} derives to another object`);
      checked += 1;
    }
  }
  return checked;
}

function objectFor(samples: readonly Sample[], tile: number): Buffer | null {
  const above = samples.find((sample) => sample.tile >= tile);
  if (above?.tile === tile) return above.kernel.object;
  const below = samples.findLast((sample) => sample.tile < tile);
  if (above === undefined || below === undefined) return null;
  return between(below, above, tile);
}

/**
 * The object for a tile between two samples, or null when they differ in more than numbers on a line. Such are: the
 * LDS bytes in the kernel descriptor (little-endian word) and in the metadata (MessagePack: 0xcd and a big-endian
 * 16-bit number), and words that rise with the tile one to one (instruction literals and inline constants).
 */
function between(below: Sample, above: Sample, tile: number): Buffer | null {
  const bytes = below.kernel.args.includes(" -DMIOPEN_USE_FP32=1") ? 4 : 2;
  const low = below.kernel.object;
  const high = above.kernel.object;
  if (low.length !== high.length) return null;
  const rise = above.tile - below.tile;
  const object = Buffer.from(low);
  for (let at = 0; at < low.length; at++) {
    if (low[at] === high[at]) continue;
    const word = at & ~3;
    if (word + 4 > low.length) return null;
    const [lowWord, highWord] = [low.readUInt32LE(word), high.readUInt32LE(word)];
    const packed = [at - 1, at].find((offset) => isLdsSize(low, offset, below) && isLdsSize(high, offset, above));
    if (lowWord === below.tile * bytes && highWord === above.tile * bytes) {
      object.writeUInt32LE(tile * bytes, word);
      at = word + 3;
    } else if (packed !== undefined) {
      object.writeUInt16BE(tile * bytes, packed);
      at = packed + 1;
    } else if (highWord - lowWord === rise) {
      object.writeUInt32LE(lowWord + tile - below.tile, word);
      at = word + 3;
    } else return null;
  }
  return object;

  function isLdsSize(buffer: Buffer, offset: number, sample: Sample): boolean {
    return (
      offset + 2 <= buffer.length && buffer[offset - 1] === 0xcd && buffer.readUInt16BE(offset) === sample.tile * bytes
    );
  }
}

function broken(what: string): Error {
  return machineError(
    `im2col kernels cannot be derived: ${what}`,
    "the compiler of this toolchain makes other code than the ones known; report its version",
  );
}
