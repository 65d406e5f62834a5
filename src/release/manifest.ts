import type { CRuntime } from "../c-runtime.ts";
import type { Target } from "../rdna1/targets.ts";
import type { ToolchainPackage } from "../toolchain/toolchain.ts";

/** A file of the output folder. */
export interface FileFact {
  /** Name relative to the output folder (or to the install prefix, for files inside the tarball) */
  file: string;
  bytes: number;
  sha256: string;
}

/** The compiled MIOpen of a package, and what it needs of the machine; absent in packages of earlier versions. */
export type LibraryFact = FileFact & { needs?: CRuntime };

/** What a MIOpen is known by that is not packaged. */
export interface MiopenBuild {
  bytes: number;
  sha256: string;
}

/** What a card made of the kernels of a target; absent in builds without a card. */
export interface CardFact {
  target: Target;
  /** What the card calls itself */
  name: string;
  /** The kernel with its driver */
  driver: string;
  /** In tests only: something else played the card */
  standIn?: true;
  /** Rows, negative controls included */
  passed: number;
  failed: number;
  skipped: number;
}

/** `manifest.json`: what a build is made of. */
export interface Manifest {
  schema: 1;
  /** Name of the tarball without its ending */
  name: string;
  /** 16 hex digits that change with the MIOpen build or with any kernel; names the user cache folder of `activate` */
  buildId: string;
  /** Install location that the tarball was made for; it works unpacked anywhere */
  prefix: string;
  miopen: {
    version: string;
    patched: boolean;
    source: string;
    patches: readonly { name: string; sha256: string }[];
    /** The toolchain's `libMIOpen.so.1`, which the kernels are for; absent for a patched one and in packages of earlier versions */
    build?: MiopenBuild;
  };
  rocm: { version: string; toolchain: string; digest: string; packages: readonly ToolchainPackage[] };
  targets: readonly Target[];
  options: Readonly<Record<string, string>>;
  kernels: Partial<Record<Target, FileFact & { rows: number }>>;
  /** Rows of proofs.json, negative controls included */
  proofs: { device: "virtual" | "gpu"; passed: number; failed: number; skipped: number; cards?: readonly CardFact[] };
  library: LibraryFact | null;
  tarball: FileFact;
  /** rocBLAS libraries relabelled for targets that the archive's rocBLAS does not serve */
  overlays: readonly FileFact[];
  /** Every file inside the tarball */
  files: readonly FileFact[];
  /** Wall-clock seconds of each stage of this run; 0 where it was skipped */
  timings: Readonly<Record<string, number>>;
}

/**
 * `share/rdna1-miopen/manifest.json` inside the tarball: what the files were made from. Nothing of the run
 * (seconds, results, options that change no byte) is in it, so that the same inputs give the same tarball.
 */
export type PrefixManifest = Pick<
  Manifest,
  "schema" | "name" | "buildId" | "prefix" | "miopen" | "rocm" | "targets" | "kernels" | "library" | "files"
>;
