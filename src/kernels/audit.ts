import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { readCodeObjectHeader } from "../rdna1/code-object.ts";
import { TARGETS, type Target } from "../rdna1/targets.ts";
import { programCommand, type Toolchain } from "../toolchain/toolchain.ts";
import { type Kernel, keyOf } from "./database.ts";
import { splitByFile } from "./llvm-output.ts";
import { type KernelMetadata, readNotes } from "./notes.ts";
import { runJobs } from "./pool.ts";

/** What the audit found out about one row of a kernel database. */
export interface AuditedKernel {
  name: string;
  args: string;
  hash: string;
  bytes: number;
  compressedBytes: number;
  codeObjectVersion: number;
  instructions: number;
  /** Largest over the object's functions */
  vgprs: number;
  sgprs: number;
  /** Bytes of LDS, largest over the functions */
  lds: number;
  /** Bytes of scratch a lane, largest over the functions */
  scratch: number;
  waveSizes: readonly number[];
  functions: readonly string[];
}

export interface Audit {
  kernels: AuditedKernel[];
  /** One line a fault: which kernel, and what is wrong with it. Empty: the set may ship. */
  faults: string[];
}

/** Limits of one work-group and one wave on RDNA1 [RDNA1 ISA 2.3, 3.6; LLVM AMDGPUUsage]. */
const LIMITS = { vgprs: 256, sgprs: 106, lds: 65536, workGroup: 1024 } as const;

/**
 * Instructions that must not reach an RDNA1 card although its assembler knows them: LLVM lists `s_inst_prefetch` as
 * able to hang gfx101x (feature inst-fwd-prefetch-bug; facts: kernel-set.md §0.5).
 */
const FORBIDDEN = /^s_inst_prefetch\b/;

/** Objects that one start of a tool reads: its output stays at some megabytes. */
const CHUNK = 250;

/**
 * Checks every object of a set: header, metadata, limits, symbols, and each instruction by LLVM's disassembler. Rows
 * with the same object share its check.
 */
export async function auditKernels(
  kernels: readonly Kernel[],
  target: Target,
  { toolchain, exec, jobs, scratch }: { toolchain: Toolchain; exec: Exec; jobs: number; scratch: string },
): Promise<Audit> {
  const objects = [...new Map(kernels.map((kernel) => [kernel.hash, kernel])).values()];
  const chunks = Array.from({ length: Math.ceil(objects.length / CHUNK) }, (_, i) => ({
    group: "",
    objects: objects.slice(i * CHUNK, (i + 1) * CHUNK),
  }));
  const findings = new Map<string, Finding>();
  await mkdir(scratch, { recursive: true });
  await runJobs(chunks, jobs, async (chunk) => {
    for (const [hash, finding] of await auditChunk(chunk.objects, target, toolchain, exec, scratch)) {
      findings.set(hash, finding);
    }
  });
  const audit: Audit = { kernels: [], faults: [] };
  for (const kernel of kernels) {
    const { faults, facts } = findings.get(kernel.hash) as Finding;
    audit.faults.push(...faults.map((fault) => `${keyOf(kernel)}: ${fault}`));
    const { name, args, hash } = kernel;
    audit.kernels.push({
      name,
      args,
      hash,
      bytes: kernel.object.length,
      compressedBytes: kernel.blob.length,
      ...facts,
    });
  }
  return audit;
}

interface Finding {
  faults: string[];
  facts: Omit<AuditedKernel, "name" | "args" | "hash" | "bytes" | "compressedBytes">;
}

async function auditChunk(
  kernels: readonly Kernel[],
  target: Target,
  toolchain: Toolchain,
  exec: Exec,
  scratch: string,
): Promise<Map<string, Finding>> {
  const folder = await mkdtemp(join(scratch, "audit-"));
  try {
    const files = kernels.map(({ hash }) => join(folder, `${hash}.co`));
    for (const [i, kernel] of kernels.entries()) await writeFile(files[i] as string, kernel.object);
    const tool = async (name: string, args: string[]) => {
      const command = programCommand(toolchain, join(toolchain.paths.llvmBin, name), [...args, ...files]);
      const { code, stdout, stderr } = await exec.run(command, { keep: 1 << 29 });
      // A file that the tool cannot read is a fault of that file, found below; no output at all is the tool's.
      if (code !== 0 && stdout === "") throw machineError(`${name} failed: ${stderr.trim()}`, "check the toolchain");
      return stdout;
    };
    const notes = readNotes(await tool("llvm-readelf", ["--notes"]), files);
    const symbols = splitByFile(await tool("llvm-readelf", ["--symbols", "--wide"]), files, /^File: (.*)$/);
    const code = splitByFile(
      await tool("llvm-objdump", ["-d", `--mcpu=${target}`, "--no-show-raw-insn", "--no-leading-addr"]),
      files,
      /^(.*):\tfile format /,
    );
    return new Map(
      kernels.map((kernel, i): [string, Finding] => {
        const header = readCodeObjectHeader(kernel.object);
        const { functions, target: built } = notes[i] ?? { functions: [], target: "" };
        const instructions = (code[i] ?? "").split("\n").filter((line) => line.startsWith("\t"));
        const faults = [
          ...headerFaults(header, target),
          ...metadataFaults(functions, built, target, symbols[i] ?? ""),
          ...instructionFaults(instructions),
        ];
        const version = typeof header === "string" ? 0 : header.version;
        return [kernel.hash, { faults, facts: describe(version, functions, instructions.length) }];
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Faults in the ELF header: the only barrier against objects of another chip. */
export function headerFaults(header: ReturnType<typeof readCodeObjectHeader>, target: Target): string[] {
  if (typeof header === "string") return [header];
  const faults: string[] = [];
  if (header.mach !== TARGETS[target].mach) {
    faults.push(
      `built for machine 0x${header.mach.toString(16)}, not for ${target} (0x${TARGETS[target].mach.toString(16)})`,
    );
  }
  // The cards report xnack off: an object for "on", or one that knows nothing of xnack, would be refused by the loader.
  if (header.xnack !== "off" && header.xnack !== "any") faults.push(`xnack is ${header.xnack}`);
  return faults;
}

/** Faults in what the metadata note promises about each function. */
export function metadataFaults(
  functions: readonly KernelMetadata[],
  built: string,
  target: Target,
  symbols: string,
): string[] {
  const faults: string[] = [];
  const known = new Set(symbols.split("\n").map((line) => line.slice(line.lastIndexOf(" ") + 1)));
  if (!new RegExp(`--${target}(:xnack-)?$`).test(built)) faults.push(`the metadata says target '${built}'`);
  if (functions.length === 0) faults.push("no function in the metadata");
  for (const f of functions) {
    const over = (what: string, value: number, limit: number) => {
      if (!(value >= 0 && value <= limit)) faults.push(`${f.name}: ${what} ${value}, the limit is ${limit}`);
    };
    over("vector registers", f.vgprs, LIMITS.vgprs);
    over("scalar registers", f.sgprs, LIMITS.sgprs);
    over("bytes of LDS", f.lds, LIMITS.lds);
    over("work-items in a work-group", f.maxWorkGroup, LIMITS.workGroup);
    if (f.waveSize !== 32 && f.waveSize !== 64) faults.push(`${f.name}: wave size ${f.waveSize}`);
    for (const symbol of [f.symbol, f.name]) {
      if (!known.has(symbol)) faults.push(`${f.name}: no symbol ${symbol}`);
    }
  }
  return faults;
}

/** Faults in disassembled lines, each `\t<mnemonic> <operands>`. */
export function instructionFaults(lines: readonly string[]): string[] {
  const faults = new Map<string, number>();
  for (const line of lines) {
    const text = line.trim();
    const fault = FORBIDDEN.test(text)
      ? "s_inst_prefetch, which can hang RDNA1"
      : text.startsWith(".long") || text.includes("<unknown>")
        ? `words that are no instruction (${text})`
        : null;
    if (fault !== null) faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  const found = [...faults].slice(0, 4).map(([fault, count]) => `${count} x ${fault}`);
  return lines.length === 0 ? ["no instructions"] : found;
}

function describe(
  codeObjectVersion: number,
  functions: readonly KernelMetadata[],
  instructions: number,
): Finding["facts"] {
  const most = (pick: (f: KernelMetadata) => number) => functions.reduce((max, f) => Math.max(max, pick(f)), 0);
  return {
    codeObjectVersion,
    instructions,
    vgprs: most((f) => f.vgprs),
    sgprs: most((f) => f.sgprs),
    lds: most((f) => f.lds),
    scratch: most((f) => f.scratch),
    waveSizes: [...new Set(functions.map((f) => f.waveSize))].sort(),
    functions: functions.map((f) => f.name),
  };
}
