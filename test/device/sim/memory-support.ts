import assert from "node:assert/strict";
import type { KernelSource, Ran } from "./harness.ts";

/** Loads the two pointers to s[4:5] and s[6:7]; v0 becomes the work-item's number in a grid of blocks of 32. */
export const PROLOGUE = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  s_lshl_b32 s3, s2, 5
  v_add_nc_u32 v0, s3, v0
  s_waitcnt lgkmcnt(0)`;

/** A kernel after PROLOGUE. */
export function kernel(name: string, body: string, more: Partial<KernelSource> = {}): KernelSource {
  return { name, body: `${PROLOGUE}\n${body}`, ...more };
}

export function words(values: readonly (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value))), i * 4);
  });
  return bytes;
}

export function wordsOf(buffer: Buffer | undefined): number[] {
  assert.ok(buffer !== undefined);
  return Array.from({ length: buffer.length / 4 }, (_, i) => buffer.readUInt32LE(i * 4));
}

export const hex = (values: readonly number[]) => values.map((value) => value.toString(16));

export function assertClean(ran: Ran) {
  assert.deepEqual(
    ran.faults.map((fault) => fault.problem),
    [],
  );
  assert.deepEqual(
    ran.findings.map((finding) => `${finding.kind}: ${finding.problem}`),
    [],
  );
  for (const launch of ran.launches) assert.equal(launch.result, "hipSuccess");
}
