/** One line of the configuration. */
export interface CmakeOption {
  name: string;
  value: string;
  why: string;
}

/**
 * The least of MIOpen that RDNA1 can use (facts: kernel-set.md §7). Names were checked against the CMakeLists.txt of 3.4.0
 * and 3.5.x; one that a version does not know is a warning of cmake, no error.
 */
export const LEAN_OPTIONS: readonly CmakeOption[] = [
  { name: "CMAKE_BUILD_TYPE", value: "Release", why: "what is shipped" },
  { name: "CMAKE_INSTALL_LIBDIR", value: "lib", why: "the library looks for ../share/miopen/db beside its folder" },
  { name: "CMAKE_INSTALL_RPATH", value: "$ORIGIN;$ORIGIN/../lib", why: "the prefix can be moved" },
  {
    name: "CMAKE_CXX_FLAGS",
    value: "--offload-host-only",
    why: "hip::device makes every file compile twice, but MIOpen has no device code of its own: convolution.cpp 12.6 s instead of 22.8",
  },
  { name: "MIOPEN_BACKEND", value: "HIP", why: "the only one with solvers for RDNA1" },
  { name: "MIOPEN_USE_COMGR", value: "ON", why: "kernels are compiled inside the process" },
  { name: "MIOPEN_USE_HIPRTC", value: "ON", why: "as MIOPEN_USE_COMGR, which it must equal" },
  { name: "MIOPEN_USE_ROCBLAS", value: "ON", why: "GEMM" },
  { name: "MIOPEN_USE_COMPOSABLEKERNEL", value: "OFF", why: "has no kernels for gfx101x" },
  { name: "MIOPEN_USE_MLIR", value: "OFF", why: "has no kernels for gfx101x" },
  { name: "MIOPEN_USE_HIPBLASLT", value: "OFF", why: "has no kernels for gfx101x" },
  { name: "MIOPEN_USE_ROCTRACER", value: "OFF", why: "nothing here traces" },
  { name: "MIOPEN_ENABLE_AI_KERNEL_TUNING", value: "OFF", why: "has no models for gfx101x" },
  { name: "MIOPEN_ENABLE_AI_IMMED_MODE_FALLBACK", value: "OFF", why: "ranks gfx1010 by the model of gfx908" },
  { name: "MIOPEN_BUILD_DRIVER", value: "ON", why: "harvest and proofs run it" },
  { name: "MIOPEN_INSTALL_GPU_DATABASES", value: "", why: "databases of other cards (3.5)" },
  { name: "MIOPEN_TEST_DISCRETE", value: "OFF", why: "no tests" },
  { name: "BUILD_TESTING", value: "OFF", why: "no tests" },
  { name: "BUILD_DEV", value: "OFF", why: "it would look for databases in the build folder" },
  { name: "MIOPEN_STANDALONE_BUILD", value: "OFF", why: "3.5.2 would fetch third-party sources from the network" },
];

/** What is built; the rest of MIOpen's targets are tests and benchmarks. */
export const TARGETS = ["MIOpen", "MIOpenDriver"] as const;

/** Names in MIOpen's source that a build for RDNA1 does without: find and performance databases of other cards. */
export const LEFT_OUT_SOURCES = /^src\/kernels\/[^/]+\.(db|db\.txt|fdb\.txt)\.bz2$/;

/** Where the library believes to be installed. Nothing looks there: it finds its files from where it lies. */
export const INSTALL_PREFIX = "/opt/rocm-miopen-rdna1";

/** The compiler and its helpers as the build's environment names them. */
export interface BuildPrograms {
  clang: string;
  clangxx: string;
  /** ROCm's root, where `find_package` looks */
  rocm: string;
  /** null: every file is compiled */
  ccache: string | null;
}

/** Arguments of `cmake` for a source and a build folder. One library is linked at a time: it takes over a gigabyte. */
export function cmakeArguments(source: string, build: string, programs: BuildPrograms): string[] {
  const options = Object.fromEntries(LEAN_OPTIONS.map(({ name, value }) => [name, value]));
  return configureArguments(source, build, programs, options);
}

/** The same for any project with these options. */
export function configureArguments(
  source: string,
  build: string,
  programs: BuildPrograms,
  options: Readonly<Record<string, string>>,
): string[] {
  const define = (name: string, value: string) => `-D${name}=${value}`;
  const launcher = programs.ccache;
  return [
    ...["-G", "Ninja", "-S", source, "-B", build],
    ...Object.entries(options).map(([name, value]) => define(name, value)),
    define("CMAKE_INSTALL_PREFIX", INSTALL_PREFIX),
    define("CMAKE_C_COMPILER", programs.clang),
    define("CMAKE_CXX_COMPILER", programs.clangxx),
    ...(launcher === null
      ? []
      : ["C", "CXX"].map((language) => define(`CMAKE_${language}_COMPILER_LAUNCHER`, launcher))),
    define("CMAKE_PREFIX_PATH", programs.rocm),
    define("CMAKE_JOB_POOLS", "link=1"),
    define("CMAKE_JOB_POOL_LINK", "link"),
  ];
}
