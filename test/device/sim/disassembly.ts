import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec } from "../support.ts";
import { deviceProgram } from "./builds.ts";
import type { Architecture } from "./harness.ts";

export type WaveSize = 32 | 64;

/** An instruction as a disassembler lists it. `why`: what ours says against it. */
export interface Line {
  address: string;
  text: string;
  why: string;
}

/** What LLVM and the simulator make of the same objects. */
export interface Listings {
  llvm: Line[];
  own: Line[];
}

/** LLVM's disassembler and the simulator's decoder side by side. */
export class Disassemblers {
  readonly toolchain: Toolchain;
  private readonly program: string;

  private constructor(toolchain: Toolchain, program: string) {
    this.toolchain = toolchain;
    this.program = program;
  }

  static async start(toolchain: Toolchain): Promise<Disassemblers> {
    const source = join(import.meta.dirname, "disassemble.cpp");
    return new Disassemblers(toolchain, await deviceProgram(toolchain, source));
  }

  async list(files: readonly string[], architecture: Architecture, waveSize: WaveSize): Promise<Listings> {
    const wave = waveSize === 64 ? ["--mattr=+wavefrontsize64"] : [];
    const own = this.own(files, architecture, waveSize);
    const options = ["-d", "-z", "--no-show-raw-insn", "--triple=amdgcn-amd-amdhsa", `--mcpu=${architecture}`, ...wave];
    const objdump = join(this.toolchain.paths.llvmBin, "llvm-objdump");
    const theirs = programCommand(this.toolchain, objdump, [...options, ...files]);
    const [llvm, lines] = await Promise.all([output(theirs), own]);
    return { llvm: llvmLines(llvm), own: lines };
  }

  /** The simulator's listing alone. */
  async own(files: readonly string[], architecture: Architecture, waveSize: WaveSize): Promise<Line[]> {
    const args = [architecture, `${waveSize}`, "--why", ...files];
    return ownLines(await output(programCommand(this.toolchain, this.program, args)));
  }

  /** The simulator's text with the registers read and written, a line an instruction. */
  async registers(file: string, architecture: Architecture, waveSize: WaveSize): Promise<string[]> {
    const args = [architecture, `${waveSize}`, "--registers", file];
    const text = await output(programCommand(this.toolchain, this.program, args));
    return text
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(14));
  }
}

async function output(command: { file: string; args: readonly string[]; env: Readonly<Record<string, string>> }) {
  const result = await exec.run(command, { timeoutMs: 300_000, keep: 1 << 29 });
  if (result.code !== 0)
    throw new Error(`${command.file} ended with ${result.code ?? result.signal}\n${result.stderr}`);
  return result.stdout;
}

/**
 * "\ts_nop 0   // 000000001000:". A word of zeros is an instruction to LLVM alone; text with a comment or a warning is
 * what it prints although the operands are not allowed, so that it counts as refused.
 */
function llvmLines(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith("\t")) continue;
    const comment = line.lastIndexOf("// ");
    const printed = line.slice(1, comment).trimEnd();
    const refused = printed === "v_illegal" || printed.includes("/*") || line.includes("; Warning", comment);
    lines.push({ address: line.slice(comment + 3, comment + 15), text: refused ? ".long" : printed, why: "" });
  }
  return lines;
}

function ownLines(text: string): Line[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const reason = line.indexOf(" ; ");
      const printed = reason < 0 ? line.slice(14) : line.slice(14, reason);
      return { address: line.slice(0, 12), text: printed, why: reason < 0 ? "" : line.slice(reason + 3) };
    });
}

export function refused(line: Line): boolean {
  return line.text.startsWith(".long");
}

/** The first lines that differ; nothing when LLVM and the simulator agree on every instruction and its size. */
export function firstDifferences({ llvm, own }: Listings, most = 10): string[] {
  const different: string[] = llvm.length === own.length ? [] : [`${llvm.length} lines, ours ${own.length}`];
  for (const [index, theirs] of llvm.entries()) {
    const ours = own[index];
    const same = ours !== undefined && ours.address === theirs.address;
    if (same && (ours.text === theirs.text || (refused(ours) && refused(theirs)))) continue;
    different.push(`${theirs.address}: ${theirs.text}\n  ours: ${ours?.address}: ${ours?.text} (${ours?.why})`);
    if (different.length >= most) break;
  }
  return different;
}

/** A relocatable object with this code, enough for a disassembler. */
export function objectOf(code: Uint32Array): Buffer {
  const names = Buffer.from("\0.text\0.shstrtab\0");
  const bytes = Buffer.from(code.buffer, code.byteOffset, code.byteLength);
  const sections = Buffer.alloc(3 * 64);
  const section = (index: number, name: number, type: number, flags: number, offset: number, size: number) => {
    sections.writeUInt32LE(name, index * 64);
    sections.writeUInt32LE(type, index * 64 + 4);
    sections.writeUInt32LE(flags, index * 64 + 8);
    sections.writeUInt32LE(offset, index * 64 + 24);
    sections.writeUInt32LE(size, index * 64 + 32);
    sections.writeUInt32LE(1, index * 64 + 48);
  };
  section(1, 1, 1, 6, 64, bytes.length);
  section(2, 7, 3, 0, 64 + bytes.length, names.length);
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 64, 3]).copy(header);
  header.writeUInt16LE(1, 16); // relocatable
  header.writeUInt16LE(224, 18); // EM_AMDGPU
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(64 + bytes.length + names.length, 40);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(2, 62);
  return Buffer.concat([header, bytes, names, sections]);
}

/** Writes an object of these words; its file. */
export async function writeObject(folder: string, name: string, code: Uint32Array): Promise<string> {
  const file = join(folder, `${name}.o`);
  await writeFile(file, objectOf(code));
  return file;
}
