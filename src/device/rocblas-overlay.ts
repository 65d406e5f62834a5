import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { machineError } from "../errors.ts";
import { TARGETS, type TargetFacts } from "../rdna1/targets.ts";

/** What an overlay holds. */
export interface RocblasOverlay {
  files: number;
  bytes: number;
}

/** The card that an overlay is for: a target, or a control of the tests. */
export type OverlayCard = Pick<TargetFacts, "mach"> & { target: string };

const ORIGIN = "gfx1010";
const ELF_MAGIC = 0x464c457f; // "\x7fELF", little-endian
const E_FLAGS = 48; // offset of e_flags in a 64-bit ELF header [elf.h, Elf64_Ehdr]

/**
 * Makes a rocBLAS library folder (for ROCBLAS_TENSILE_LIBPATH) for a target that the archive's rocBLAS has no kernels
 * for: its gfx1010 objects with the machine field of e_flags and the file names changed, and the tables that name no
 * card. Nothing else of an object changes; docs/targets.md shows why that is sound. `outFolder` appears whole or not
 * at all; one that is there already is replaced.
 */
export async function makeRocblasOverlay(
  libraryFolder: string,
  { target, mach }: OverlayCard,
  outFolder: string,
): Promise<RocblasOverlay> {
  const names = (await list(libraryFolder)).filter(belongs).sort();
  if (!names.includes(`TensileLibrary_lazy_${ORIGIN}.dat`)) {
    throw machineError(
      `${libraryFolder} has no Tensile library for ${ORIGIN}`,
      "use a rocBLAS that was built for gfx1010, such as Debian's librocblas5",
    );
  }
  await mkdir(dirname(outFolder), { recursive: true });
  const aside = await mkdtemp(join(dirname(outFolder), `.${basename(outFolder)}-`));
  try {
    let bytes = 0;
    for (const name of names) {
      const file = join(libraryFolder, name);
      const content = relabel(file, await readFile(file), mach);
      await writeFile(join(aside, name.replaceAll(ORIGIN, target)), content, { mode: 0o644 });
      bytes += content.length;
    }
    await chmod(aside, 0o755); // mkdtemp makes it private
    await rm(outFolder, { recursive: true, force: true });
    await rename(aside, outFolder);
    return { files: names.length, bytes };
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Files of gfx1010, and tables for every card; xnack variants and other cards are left out. */
function belongs(name: string): boolean {
  const card = /gfx[0-9a-f]+/.exec(name)?.[0];
  return card === undefined ? /^TensileLibrary.*\.dat$/.test(name) : card === ORIGIN;
}

/** The file for another machine: code objects get its number, tables must not name a card. */
function relabel(file: string, content: Buffer, mach: number): Buffer {
  if (file.endsWith(".dat")) {
    if (!content.includes("gfx")) return content;
    throw machineError(`${file} names a card inside`, "this rocBLAS cannot be relabelled; report its version");
  }
  if (content.length < 64 || content.readUInt32LE(0) !== ELF_MAGIC) {
    throw machineError(
      `${file} is no plain ELF code object (starts ${content.subarray(0, 4).toString("hex")})`,
      "this rocBLAS bundles or compresses its objects, which the overlay does not handle; report its version",
    );
  }
  const flags = content.readUInt32LE(E_FLAGS);
  if ((flags & 0xff) !== TARGETS[ORIGIN].mach) {
    throw machineError(`${file} is not for ${ORIGIN} (e_flags 0x${flags.toString(16)})`, "check the rocBLAS package");
  }
  content.writeUInt32LE(((flags & ~0xff) | mach) >>> 0, E_FLAGS);
  return content;
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw machineError(`cannot read the rocBLAS library folder ${folder}`, "check the toolchain", error);
  }
}
