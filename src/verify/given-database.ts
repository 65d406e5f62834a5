import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { codeOf, machineError, messageOf, userError } from "../errors.ts";
import { auditKernels } from "../kernels/audit.ts";
import { type Bunzip, bunzipFor, KernelFault } from "../kernels/bunzip.ts";
import { assertRollbackJournal, checkRows, type Kernel, readRows } from "../kernels/database.ts";
import type { KernelDatabase } from "../kernels/stages.ts";
import { sha256File } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

/**
 * A kernel database that somebody else made: each row is unpacked, its md5 checked and its object audited before any
 * kernel runs. Throws when it is not sound, naming the kernel.
 */
export async function givenDatabase(
  context: Context,
  toolchain: Toolchain,
  file: string,
  target: Target,
): Promise<KernelDatabase> {
  const kernels = await soundKernels(file, bunzipFor(toolchain));
  const scratch = await mkdtemp(join(context.cacheRoot, "audit-"));
  try {
    const audit = await auditKernels(kernels, target, { toolchain, exec: context.exec, jobs: context.jobs, scratch });
    if (audit.faults.length > 0) {
      throw machineError(
        `${audit.faults.length} faults in the kernels of ${file}:\n${audit.faults.slice(0, 20).join("\n")}`,
        "these kernels must not reach a card",
      );
    }
    const { size } = await stat(file);
    const sha256 = await sha256File(file);
    return {
      path: file,
      bytes: size,
      sha256,
      kernels: audit.kernels,
      refused: [],
      key: sha256.slice(0, 24),
      hit: true,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The kernels of a file that MIOpen can read. Throws a user error for any other. */
export async function soundKernels(file: string, bunzip: Bunzip): Promise<Kernel[]> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw userError(`kernel-database: there is no file ${file}`, "give the path of a .kdb file");
  try {
    // Before it is opened: with a log beside it the file would be written to
    await assertRollbackJournal(file);
    return await checkRows(file, readRows(file), bunzip);
  } catch (error) {
    const unreadable = codeOf(error) === "EACCES" || codeOf(error) === "EPERM";
    if (!(error instanceof KernelFault) && !unreadable) throw error;
    throw userError(`kernel-database: ${messageOf(error)}`, "give a kernel database that can be read", error);
  }
}
