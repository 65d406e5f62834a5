import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { virtualDevice } from "../../src/device/device.ts";
import { bunzipFor } from "../../src/kernels/bunzip.ts";
import { type Kernel, writeKernelDatabase } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { TerminalLog } from "../../src/ports/terminal-log.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { namesOf, withReadOnlySystem } from "../../src/verify/completeness.ts";
import { proveOne } from "../../src/verify/numerical.ts";
import type { ProofRow } from "../../src/verify/proofs.ts";
import { proveWithProver } from "../../src/verify/prover.ts";
import { planProver } from "../../src/verify/prover-plan.ts";
import { planTable, type TableRow } from "../../src/verify/table.ts";
import type { Breakage } from "./breakages.ts";

/** What the proof runs with. */
export interface Places {
  toolchain: Toolchain;
  /** The virtual device */
  device: string;
  /** The prover's program */
  program: string;
  folder: string;
}

/** What the proof said: the first row that failed, or null when all passed. */
export interface Judgement {
  row: ProofRow | null;
  /** md5 of the object */
  hash: string;
  /** Rows that were run */
  count: number;
}

/** Judges an object as the proof of a set does, with the rows that it has for it, until one fails. */
export async function judgeObject(
  { toolchain, device, program, folder }: Places,
  kernels: readonly Kernel[],
  breakage: Breakage,
  hash: string,
): Promise<Judgement> {
  const exec = new NodeExec();
  const work = await mkdtemp(join(folder, "judged-"));
  const rocblasLibrary = toolchain.paths.rocblasLibrary ?? "";
  const setup = { toolchain, device: virtualDevice(device), target: "gfx1010", rocblasLibrary } as const;
  let count = 0;
  for (const plan of planProver(kernels, "gfx1010", STOCK).filter((one) => one.hash === hash)) {
    const own = { setup, program, plans: [plan], database: kernels, jobs: 1, folder: join(work, "prover") };
    const [row] = await proveWithProver(own, { exec, log: new TerminalLog(), bunzip: bunzipFor(toolchain) });
    count++;
    if (row?.result === "failed") return { row, hash, count };
  }
  let failed: ProofRow | null = null;
  for (const one of rowsFor(breakage, planTable(STOCK, "gfx1010"))) {
    const row = await judgeRow({ toolchain, device, folder: work }, kernels, one);
    count++;
    if (row.result === "passed") continue;
    failed = row;
    break;
  }
  return { row: failed, hash, count };
}

/** What the proof of a set with these kernels says of one row. */
export async function judgeRow(
  { toolchain, device, folder }: Omit<Places, "program">,
  kernels: readonly Kernel[],
  row: TableRow,
): Promise<ProofRow> {
  const work = await mkdtemp(join(folder, "row-"));
  const database = join(work, "given.kdb");
  await writeKernelDatabase(database, kernels);
  const system = join(work, "system");
  const setup = {
    toolchain,
    device: virtualDevice(device),
    target: "gfx1010",
    rocblasLibrary: toolchain.paths.rocblasLibrary ?? "",
  } as const;
  const input = { setup, rows: [], kernels: namesOf(kernels), system, jobs: 1, folder: work };
  const run = () => proveOne(input, row, join(work, "run"), new NodeExec());
  return await withReadOnlySystem(system, { target: "gfx1010", database }, run);
}

/** The rows of the table that run the breakage's function in fp32. */
export function rowsFor({ kernel, family, direction }: Breakage, table: readonly TableRow[]): TableRow[] {
  const bits = { fwd: "1", bwd: "2", wrw: "4" }[direction];
  return table.filter((row) => {
    if (row.args[0] !== "conv" || row.family !== family || row.args[row.args.indexOf("-F") + 1] !== bits) return false;
    // The keys of bias are not predicted (table.ts).
    return family === "bias" || row.keys.some(({ file }) => `${file}.o` === kernel);
  });
}

/** Command lines that ask for every kernel of the rows. */
export function linesFor(rows: readonly TableRow[]): string[] {
  return [...new Set(rows.map(({ args }) => `MIOpenDriver ${args.slice(0, args.indexOf("-S")).join(" ")}`))];
}

/** A kernel set with the breakage in every row that has the object; sizes and md5s are right. */
export async function breakKernel(
  { toolchain, folder }: Pick<Places, "toolchain" | "folder">,
  kernels: readonly Kernel[],
  breakage: Breakage,
): Promise<{ kernels: Kernel[]; hash: string }> {
  const old = objectOf(kernels, breakage);
  const object = await change(old.object, breakage, async (name, args, text) => {
    const file = join(await mkdtemp(join(folder, "tool-")), "in");
    await writeFile(file, text);
    const command = programCommand(toolchain, join(toolchain.paths.llvmBin, name), [...args, file]);
    const result = await new NodeExec().run(command, { timeoutMs: 60_000, keep: 1 << 26 });
    assert.equal(result.code, 0, `${name}: ${result.stderr}`);
    return result.stdout;
  });
  const hash = createHash("md5").update(object).digest("hex");
  const broken = kernels.map((row) => (row.hash === old.hash ? { ...row, object, blob: object, size: 0, hash } : row));
  return { kernels: broken, hash };
}

export function objectOf(kernels: readonly Kernel[], { kernel }: Breakage): Kernel {
  return kernels.find(({ name }) => name === kernel) ?? assert.fail(`no ${kernel}`);
}

type Tool = (name: string, args: readonly string[], input: Uint8Array | string) => Promise<string>;

async function change(object: Buffer, breakage: Breakage, tool: Tool): Promise<Buffer> {
  const { function: name, find, at = 0, replace } = breakage;
  const listing = await tool("llvm-objdump", ["-d", "--mcpu=gfx1010", `--disassemble-symbols=${name}`], object);
  const lines = listing.split("\n").flatMap((line) => {
    const [, text, words] = /^\t(.*?)\s*\/\/ [0-9A-F]+: ([0-9A-F ]+)/.exec(line) ?? [];
    return text === undefined || words === undefined ? [] : [{ text, bytes: bytesOf(words) }];
  });
  const there = lines.filter(({ text }) => find.test(text));
  const chosen = there.at(at) ?? assert.fail(`${name} has ${there.length} of ${find}`);
  const shown = await tool(
    "llvm-mc",
    ["-triple=amdgcn-amd-amdhsa", "-mcpu=gfx1010", "-show-encoding"],
    `${chosen.text.replace(find, replace)}\n`,
  );
  const code = Buffer.from((/encoding: \[(.*)\]/.exec(shown)?.[1] ?? "").split(",").map(Number));
  assert.equal(code.length, chosen.bytes.length, chosen.text);
  const whole = Buffer.concat(lines.map(({ bytes }) => bytes));
  const start = object.indexOf(whole);
  assert.ok(start >= 0 && object.indexOf(whole, start + 1) < 0, `${name} is at one place`);
  const before = lines.slice(0, lines.indexOf(chosen)).reduce((sum, { bytes }) => sum + bytes.length, 0);
  const changed = Buffer.from(object);
  code.copy(changed, start + before);
  return changed;
}

/** "7E020C01 4F7FFFFE" as it lies in memory. */
function bytesOf(words: string): Buffer {
  const list = words.trim().split(" ");
  const bytes = Buffer.alloc(list.length * 4);
  for (const [index, word] of list.entries()) bytes.writeUInt32LE(Number.parseInt(word, 16), index * 4);
  return bytes;
}
