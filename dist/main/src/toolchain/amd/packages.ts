/** A package that is asked for by name; apt adds what it depends on. */
export interface WantedPackage {
  name: string;
  why: string;
}

/** AMD's packages that MIOpen needs to run. */
const RUN: readonly WantedPackage[] = [
  { name: "rocm-core", why: "the release's number (.info/version)" },
  { name: "comgr", why: "compiles kernels inside the process" },
  { name: "rocm-device-libs", why: "bitcode that every kernel is linked with" },
  { name: "hsa-rocr", why: "the runtime below HIP" },
  { name: "hip-runtime-amd", why: "libamdhip64, libhiprtc" },
  { name: "roctracer", why: "libroctx64, which MIOpen and hipBLASLt are linked with" },
  { name: "rocblas", why: "GEMM; brings hipblaslt, which it is linked with" },
  { name: "rocrand", why: "MIOpenDriver's data" },
  { name: "miopen-hip", why: "MIOpen and MIOpenDriver" },
];

/** AMD's packages that MIOpen needs to be built. */
const BUILD: readonly WantedPackage[] = [
  { name: "rocm-llvm", why: "clang, lld, llvm-objdump" },
  { name: "hipcc", why: "CMake's HIP support looks for it" },
  { name: "hip-dev", why: "HIP's headers and CMake files" },
  { name: "rocblas-dev", why: "headers and CMake files" },
  { name: "rocrand-dev", why: "headers and CMake files (MIOpenDriver)" },
  { name: "miopen-hip-dev", why: "the headers of the MIOpen that the kernels are for" },
  { name: "rocm-cmake", why: "MIOpen's CMake files include it" },
  { name: "half", why: "half.hpp" },
];

/** Series whose repository has these packages under these names. */
export const AMD_PACKAGES: Readonly<Record<string, readonly WantedPackage[]>> = {
  "6.4": [...RUN, ...BUILD],
  "7.0": [...RUN, ...BUILD],
  "7.1": [...RUN, ...BUILD],
  "7.2": [...RUN, ...BUILD],
};

/** The distribution's packages, under the names that Debian 12, Ubuntu 22.04 and 24.04 share. */
export const BASE_PACKAGES: readonly WantedPackage[] = [
  { name: "g++", why: "C++ headers, libgcc and crt files for clang" },
  { name: "cmake", why: "builds MIOpen" },
  { name: "ninja-build", why: "builds MIOpen" },
  { name: "ccache", why: "builds MIOpen: what an earlier build compiled" },
  { name: "pkgconf", why: "CMake's search for libraries" },
  { name: "base-files", why: "/etc/debian_version, by which CMake knows Debian's folders" },
  { name: "dash", why: "/bin/sh, which ninja starts" },
  { name: "coreutils", why: "build rules of MIOpen" },
  { name: "sed", why: "shell scripts of the build" },
  { name: "grep", why: "shell scripts of the build" },
  { name: "findutils", why: "shell scripts of the build" },
  { name: "bzip2", why: "packs and unpacks kernels and databases" },
  { name: "libboost-filesystem-dev", why: "MIOpen" },
  { name: "libbz2-dev", why: "MIOpen" },
  { name: "libsqlite3-dev", why: "MIOpen's databases" },
  { name: "libzstd-dev", why: "MIOpen" },
  { name: "nlohmann-json3-dev", why: "MIOpen" },
];
