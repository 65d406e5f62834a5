import { createHash } from "node:crypto";
import type { CRuntime } from "../c-runtime.ts";
import { userError } from "../errors.ts";
import type { Target } from "../rdna1/targets.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import type { Proofs } from "../verify/proofs.ts";
import type { Manifest, MiopenBuild } from "./manifest.ts";

/** A code object of the kernel set, as the report shows it. */
export interface PackagedKernel {
  /** `kernel_name` of the database, e.g. `naive_conv.cpp.o` */
  name: string;
  /** `kernel_args` of the database, verbatim */
  args: string;
  /** Bytes of the code object */
  bytes: number;
  /** Bytes of the blob in the database */
  compressedBytes: number;
  /** md5 of the code object, as in the database */
  hash: string;
  /** Largest number of vector registers, scalar registers and bytes of LDS of its kernels, where the audit read them */
  vgprs?: number | undefined;
  sgprs?: number | undefined;
  lds?: number | undefined;
  /** Bytes of scratch memory a lane */
  scratch?: number | undefined;
}

/** One finished `<target>.kdb`. */
export interface KernelDatabase {
  path: string;
  rows: number;
  bytes: number;
  sha256: string;
  /** Every row of it; for the report only */
  list: readonly PackagedKernel[];
}

/** A folder with rocBLAS's Tensile library for one target; packaged in a tarball of its own. */
export interface RocblasOverlay {
  target: Target;
  folder: string;
}

/** A compiled MIOpen that is packaged. */
export interface BuiltMiopen {
  /** Folder with `lib`, `bin`, `include` */
  prefix: string;
  /** The library's place there */
  library: string;
  /** Of library and driver */
  digest: string;
  needs: CRuntime;
}

/** Everything that `packageBuild` turns into the output folder. */
export interface PackageInput {
  /** Version of this project */
  version: string;
  miopen: {
    version: string;
    /** Number of the patch series; null when MIOpen is the toolchain's own */
    series: number | null;
    /** Where the source came from, or `distribution` */
    source: string;
    patches: Manifest["miopen"]["patches"];
    /** The toolchain's own library; absent when MIOpen was compiled */
    build?: MiopenBuild;
  };
  /** null: the toolchain's own MIOpen, which is not packaged */
  built: BuiltMiopen | null;
  toolchain: Toolchain;
  /** One database each in `kernels` */
  targets: readonly Target[];
  /** Install location written into `activate` for shells that cannot tell where a sourced file lies */
  prefix: string;
  /** The options of the run, for manifest.json; they change no byte of the tarball */
  options: Readonly<Record<string, string>>;
  kernels: Readonly<Partial<Record<Target, KernelDatabase>>>;
  proofs: Omit<Proofs, "schema">;
  overlays: readonly RocblasOverlay[];
  timings: Readonly<Record<string, number>>;
  /** Unix seconds for every date inside the results; `sourceDate(env.SOURCE_DATE_EPOCH)` */
  sourceDate: number;
}

/** 1980-01-01, the oldest date that no archive tool complains about. */
export const DEFAULT_SOURCE_DATE = 315_532_800;

/** Unix seconds of `SOURCE_DATE_EPOCH`, or a fixed date where it is not set. A user error when it is no date. */
export function sourceDate(value: string | undefined): number {
  if (value === undefined || value === "") return DEFAULT_SOURCE_DATE;
  const seconds = Number(value);
  // 2242-03-16 is the last date a ustar header holds (11 octal digits)
  if (/^\d{1,11}$/.test(value) && seconds < 2 ** 33) return seconds;
  throw userError(
    `SOURCE_DATE_EPOCH is ${JSON.stringify(value)}, which is no time`,
    "give it as whole seconds since 1970, or unset it",
  );
}

/** `rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64` */
export function packageName(input: Pick<PackageInput, "miopen" | "toolchain">): string {
  const { version, series } = input.miopen;
  const kind = series === null ? "distribution" : `patched.${series}`;
  return `rdna1-miopen-${version}-${kind}-rocm${input.toolchain.rocmVersion}-linux-x86_64`;
}

/** `rdna1-rocblas-gfx1011-rocm7.2.4` */
export function overlayName(target: Target, toolchain: Pick<Toolchain, "rocmVersion">): string {
  return `rdna1-rocblas-${target}-rocm${toolchain.rocmVersion}`;
}

/** Folder of an overlay below the install prefix. */
export function overlayFolder(target: Target): string {
  return `share/rocblas-${target}/library`;
}

/** Packages that hold MIOpen's library: Debian's, AMD's. */
const MIOPEN_PACKAGE = /^(libmiopen\d+|miopen-hip(\d[\d.]*)?)$/;

/**
 * 16 hex digits that change with MIOpen's library, its patches, the ROCm version or any kernel. A kernel database is accepted by
 * any MIOpen without a check (facts: kernel-set.md §1), so user caches are told apart by this.
 */
export function buildId(input: Pick<PackageInput, "miopen" | "built" | "toolchain" | "targets" | "kernels">): string {
  const content = {
    miopen: [input.miopen.version, input.miopen.series, input.miopen.patches.map((patch) => patch.sha256)],
    library: input.built?.digest ?? ownLibrary(input.toolchain),
    rocm: input.toolchain.rocmVersion,
    kernels: [...input.targets].sort().map((target) => [target, input.kernels[target]?.sha256 ?? null]),
  };
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
}

/** What tells the toolchain's own MIOpen from others of its version: its package, else the whole toolchain. */
function ownLibrary({ packages, digest }: Toolchain): string {
  return packages.find(({ name, sha256 }) => sha256 !== null && MIOPEN_PACKAGE.test(name))?.sha256 ?? digest;
}
