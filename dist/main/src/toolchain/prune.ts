/** Something of the archive that no stage here needs, and why it can be left out. */
export interface Pruned {
  /** A package name (`*` matches anything), or a path inside the tree. */
  pattern: string;
  why: string;
}

/**
 * Packages that apt's dependencies ask for and nothing here starts or loads; they are not even downloaded.
 * `missingLibraries` (tree.ts) is the check that a program still finds every library it is linked with.
 */
export const PRUNED_PACKAGES: readonly Pruned[] = [
  { pattern: "libmiopen-tests-data", why: "find databases and models of other cards (784 MB unpacked)" },
  { pattern: "python3*", why: "only test scripts of MIOpen and LLVM use it" },
  { pattern: "libpython3*", why: "as python3" },
  { pattern: "media-types", why: "as python3" },
  { pattern: "netbase", why: "as python3" },
  { pattern: "tzdata", why: "as python3" },
  { pattern: "libdb5.3*", why: "as python3" },
  { pattern: "libreadline8*", why: "as python3" },
  { pattern: "readline-common", why: "as python3" },
  { pattern: "openssl-provider-legacy", why: "no program here uses old ciphers" },
  { pattern: "debconf", why: "no package script is ever run" },
  { pattern: "libc6-i386", why: "32-bit programs are not built" },
  { pattern: "lib32*", why: "32-bit programs are not built" },
  { pattern: "libasan8", why: "sanitizer runtime of gcc" },
  { pattern: "libtsan2", why: "sanitizer runtime of gcc" },
  { pattern: "liblsan0", why: "sanitizer runtime of gcc" },
  { pattern: "libhwasan0", why: "sanitizer runtime of gcc" },
  { pattern: "libubsan1", why: "sanitizer runtime of gcc" },
  { pattern: "libobjc*", why: "Objective-C" },
  { pattern: "libgc1", why: "Objective-C" },
  { pattern: "libclang1-*", why: "the C interface to clang, which only c-index-test uses" },
  { pattern: "libgprofng0", why: "gprofng, the profiler of binutils" },
  { pattern: "kmod", why: "nothing loads kernel modules" },
  { pattern: "pciutils", why: "lspci" },
  { pattern: "pci.ids", why: "lspci" },
];

/** Paths that are not unpacked, as patterns of GNU tar (`*` matches `/` too, anchored at the root of the tree). */
export const PRUNED_PATHS: readonly Pruned[] = [
  ...["gfx8", "gfx9", "gfx103", "gfx11", "gfx12"].map((card) => ({
    pattern: `./usr/lib/x86_64-linux-gnu/rocblas/*/library/*${card}*`,
    why: "rocBLAS kernels of other cards",
  })),
  { pattern: "./usr/share/miopen/db/*", why: "databases of other cards" },
  { pattern: "./usr/share/man", why: "manual pages" },
  { pattern: "./usr/share/info", why: "manuals" },
  { pattern: "./usr/share/locale", why: "translations" },
  { pattern: "./usr/share/lintian", why: "notes to Debian's package checker" },
  { pattern: "./usr/share/doc/*/changelog*", why: "documentation (copyright files stay: they go into the SBOM)" },
  { pattern: "./usr/share/doc/*/NEWS*", why: "documentation" },
  { pattern: "./usr/share/doc/*/README*", why: "documentation" },
  { pattern: "./usr/share/doc/*/html", why: "documentation" },
  { pattern: "./usr/share/doc/*/examples", why: "documentation" },
  { pattern: "./usr/lib/x86_64-linux-gnu/gconv", why: "character sets" },
  {
    pattern: "./usr/lib/llvm-*/lib/clang/*/lib/linux/*clang_rt.[!b]*",
    why: "sanitizers and profilers of clang (builtins stay)",
  },
  { pattern: "./usr/lib/gcc/*/libasan*", why: "sanitizer runtime of gcc" },
  { pattern: "./usr/lib/gcc/*/libtsan*", why: "sanitizer runtime of gcc" },
  { pattern: "./usr/lib/gcc/*/liblsan*", why: "sanitizer runtime of gcc" },
  { pattern: "./usr/lib/gcc/*/libhwasan*", why: "sanitizer runtime of gcc" },
  { pattern: "./usr/lib/gcc/*/libubsan*", why: "sanitizer runtime of gcc" },
];

/** Paths of a ROCm in AMD's layout that are not unpacked, below its own folder. */
const PRUNED_ROCM_PATHS: readonly Pruned[] = [
  ...["gfx8", "gfx9", "gfx103", "gfx11", "gfx12"].map((card) => ({
    pattern: `lib/rocblas/library/*${card}*`,
    why: "rocBLAS kernels of other cards",
  })),
  { pattern: "lib/hipblaslt/library/*", why: "hipBLASLt has no kernels for RDNA1" },
  { pattern: "share/miopen/db/*", why: "databases of other cards" },
  { pattern: "share/doc/*/html", why: "documentation" },
  { pattern: "share/man", why: "manual pages" },
];

/** The same anywhere below `prefix`, as patterns of GNU tar. */
function below(prefix: string): Pruned[] {
  return PRUNED_ROCM_PATHS.map(({ pattern, why }) => ({ pattern: `${prefix}${pattern}`, why }));
}

/** Paths of AMD's packages, and of the distribution's below them, that are not unpacked. */
export const PRUNED_AMD_PATHS: readonly Pruned[] = [...below("./opt/rocm-*/"), ...PRUNED_PATHS];

/** Paths of an archive that are not unpacked; its files may lie in a folder of their own. */
export const PRUNED_ARCHIVE_PATHS: readonly Pruned[] = ["", "./", "*/"].flatMap(below);

/** Whether a package is among those that are left out. */
export function isPruned(name: string, packages: readonly Pruned[]): boolean {
  return packages.some(({ pattern }) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
