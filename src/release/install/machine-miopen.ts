import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIBRARY_FOLDERS } from "../../c-runtime.ts";
import { sha256File } from "../../ports/files.ts";
import { miopenVersion } from "../../toolchain/miopen-version.ts";
import type { PrefixManifest } from "../manifest.ts";

/** What a manifest says of the MIOpen that its kernels are for. */
export type MiopenFacts = Pick<PrefixManifest, "miopen" | "rocm" | "library">;

/** How kernels fit the MIOpen of this machine, with what there is to say of it. */
export interface MiopenMatch {
  /** `own`: the package brings its library along; `unknown`: the machine has none, or one of the two does not tell */
  kind: "own" | "same" | "other" | "unknown";
  why: string;
}

const LIBRARY = "libMIOpen.so.1";
/** Where it lies below a ROCm folder: AMD's layout, and Debian's for a tree that was unpacked. */
const BELOW_ROCM = ["lib", "lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/** The MIOpen of this machine, which kernels without a library of their own have to be for. Read as far as is needed. */
export class MiopenHere {
  readonly file: string;
  /** Whether it lies where a distribution puts libraries, not in a ROCm folder as AMD's packages make it */
  readonly distribution: boolean;
  #sha256: Promise<string> | null = null;

  constructor(file: string, distribution: boolean) {
    this.file = file;
    this.distribution = distribution;
  }

  async bytes(): Promise<number> {
    return (await stat(this.file)).size;
  }

  sha256(): Promise<string> {
    this.#sha256 ??= sha256File(this.file);
    return this.#sha256;
  }

  version(): Promise<string | null> {
    return miopenVersion(this.file);
  }
}

/** The first MIOpen in the ROCm folder (`ROCM_PATH`, else `/opt/rocm`), else where libraries lie. `root` stands in for `/`. */
export async function miopenHere(env: NodeJS.ProcessEnv, root = "/"): Promise<MiopenHere | null> {
  const rocm = env.ROCM_PATH || join(root, "opt/rocm");
  for (const folder of [...BELOW_ROCM.map((name) => join(rocm, name)), ...LIBRARY_FOLDERS.map((f) => join(root, f))]) {
    const file = await realpath(join(folder, LIBRARY)).catch(() => null);
    if (file !== null) return new MiopenHere(file, /\/usr\/lib(64)?\//.test(file));
  }
  return null;
}

/**
 * Whether kernels are for the MIOpen of this machine. A kernel set belongs to one build, and MIOpen does not check that: the
 * bytes of the library decide. Packages of earlier versions do not tell them; then version and kind of packages may.
 */
export async function matchMiopen(
  { miopen, rocm, library }: MiopenFacts,
  here: MiopenHere | null,
): Promise<MiopenMatch> {
  if (library !== null) return { kind: "own", why: "" };
  const whose = `kernels are for ${WHOSE[rocm.toolchain] ?? "the"} MIOpen ${miopen.version} of ROCm ${rocm.version}`;
  if (here === null) return { kind: "unknown", why: `${whose}, and no MIOpen is seen on this machine` };
  const other = async (): Promise<MiopenMatch> => {
    const version = await here.version();
    return {
      kind: "other",
      why: `${whose}, and ${here.file}${version === null ? "" : ` (${version})`} is another build`,
    };
  };
  const { build } = miopen;
  if (build !== undefined) {
    const same = build.bytes === (await here.bytes()) && build.sha256 === (await here.sha256());
    return same ? { kind: "same", why: `${whose}, which is ${here.file}` } : await other();
  }
  const version = await here.version();
  const layout = DISTRIBUTION[rocm.toolchain];
  if (version !== null && version !== miopen.version) return await other();
  if (layout !== undefined && layout !== here.distribution) return await other();
  return { kind: "unknown", why: `${whose}; their package does not tell whether ${here.file} is that build` };
}

/** By the kind of toolchain that a manifest names. */
const WHOSE: Readonly<Record<string, string>> = {
  debian: "Debian's",
  amd: "AMD's",
  archive: "an archive's",
};

/** Whether its library lies where a distribution puts it once it is installed; an unpacked folder may be either. */
const DISTRIBUTION: Readonly<Record<string, boolean>> = { debian: true, amd: false, archive: false };
