import type { Target } from "../../rdna1/targets.ts";
import { fitsVersion } from "../../toolchain/system.ts";

/** What the name of an install tarball says (written by `packageName`). */
export interface PackageName {
  file: string;
  miopen: string;
  /** Number of the patch series; null for the distribution's MIOpen */
  series: number | null;
  rocm: string;
}

const PACKAGE =
  /^rdna1-miopen-(\d+(?:\.\d+)+)-(?:distribution|patched\.(\d+))-rocm(\d+\.\d+\.\d+)-linux-x86_64\.tar\.zst$/;
const OVERLAY = /^rdna1-rocblas-(gfx101[0-9])-rocm(\d+\.\d+\.\d+)\.tar\.zst$/;

/** Reads the name of a tarball; null for any other file. */
export function parsePackageName(file: string): PackageName | null {
  const [, miopen, series, rocm] = PACKAGE.exec(file) ?? [];
  if (miopen === undefined || rocm === undefined) return null;
  return { file, miopen, series: series === undefined ? null : Number(series), rocm };
}

/** The rocBLAS overlay of a target among names. */
export function overlayOf(names: Iterable<string>, target: Target, rocm: string): string | null {
  for (const name of names) {
    const [, of, version] = OVERLAY.exec(name) ?? [];
    if (of === target && version === rocm) return name;
  }
  return null;
}

/** The one folder that an overlay may fill, by its name. */
export function overlayHome(file: string): string {
  return `share/rocblas-${OVERLAY.exec(file)?.[1]}`;
}

/** Whose MIOpen a package is for: one that it brings along, or the one that is there. */
export type MiopenKind = "patched" | "distribution";

/** What a package must be. */
export interface Wish {
  /** null: any */
  rocm: string | null;
  /** null: either */
  miopen: MiopenKind | null;
}

/** The packages that fit, best first: newest ROCm, newest MIOpen, patched before the distribution's. */
export function fittingPackages(names: Iterable<string>, { rocm, miopen }: Wish): PackageName[] {
  const all = [...names].map(parsePackageName).filter((name) => name !== null);
  const fitting = all.filter(
    ({ rocm: of, series }) =>
      (rocm === null || fitsVersion(rocm, of)) &&
      (miopen === null || miopen === (series === null ? "distribution" : "patched")),
  );
  const byVersion = (a: string, b: string) => b.localeCompare(a, "en", { numeric: true });
  return fitting.sort(
    (a, b) => byVersion(a.rocm, b.rocm) || byVersion(a.miopen, b.miopen) || (b.series ?? -1) - (a.series ?? -1),
  );
}
