import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { machineError } from "../errors.ts";
import type { Command } from "../ports/exec.ts";
import { programCommand, type Toolchain } from "../toolchain/toolchain.ts";

/** A kernel database, or a row of one, that MIOpen would refuse. */
export class KernelFault extends Error {
  readonly file: string;

  constructor(file: string, what: string) {
    super(`${file}: ${what}`);
    this.name = "KernelFault";
    this.file = file;
  }
}

/** A bzip2 stream and the bytes that must come out of it. */
export interface Packed {
  blob: Uint8Array;
  size: number;
  /** Named when the stream is bad */
  label: string;
}

/** Unpacks bzip2 streams; rejects naming the first bad one. */
export type Bunzip = (packed: readonly Packed[]) => Promise<Buffer[]>;

/**
 * Unpacks with the bzip2 program. Streams one behind the other are one valid input [bzip2(1)], so all rows go through
 * one process; only when that fails does each go alone, to find the bad one. All may be right even so: behind the end of a
 * stream bzip2 passes over what is none, and MIOpen does, too.
 */
export function bunzipWith(command: Command): Bunzip {
  return async (packed) => {
    if (packed.length === 0) return [];
    const whole = await run(command, Buffer.concat(packed.map((p) => p.blob)));
    const total = packed.reduce((sum, p) => sum + p.size, 0);
    if (whole !== null && whole.length === total) return split(whole, packed);
    const objects: Buffer[] = [];
    for (const one of packed) {
      const object = await run(command, one.blob);
      if (object === null) throw new Error(`${one.label}: not a sound bzip2 stream`);
      if (object.length !== one.size) {
        throw new Error(`${one.label}: unpacks to ${object.length} bytes, the row says ${one.size}`);
      }
      objects.push(object);
    }
    return objects;
  };
}

function split(whole: Buffer, packed: readonly Packed[]): Buffer[] {
  let offset = 0;
  return packed.map(({ size }) => {
    offset += size;
    return whole.subarray(offset - size, offset);
  });
}

async function run(command: Command, input: Uint8Array): Promise<Buffer | null> {
  const child = spawn(command.file, [...command.args, "-dc"], {
    env: { ...command.env },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => {}); // bzip2 stops reading at the first bad stream; its exit code tells
  child.stdin.end(input);
  const [code] = (await once(child, "close").catch((error: Error) => {
    throw machineError(`cannot start ${command.file}: ${error.message}`, "install the program bzip2", error);
  })) as [number | null];
  return code === 0 ? Buffer.concat(chunks) : null;
}

/** The toolchain's bzip2 where it has one, else the host's. */
export function bunzipFor(toolchain: Toolchain): Bunzip {
  const own = join(toolchain.root, "usr/bin/bzip2");
  if (existsSync(own)) return bunzipWith(programCommand(toolchain, own, []));
  return bunzipWith({ file: "bzip2", args: [], env: { PATH: "/usr/bin:/bin" } });
}
