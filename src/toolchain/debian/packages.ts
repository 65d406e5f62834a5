/** What a tree is for: running MIOpen and compiling kernels, compiling MIOpen itself as well, or its own tests too. */
export type Profile = "run" | "build" | "tests";

/** Packages that running needs; apt adds what they need. */
const RUN = ["libmiopen1-tests", "hipcc", "librocrand-dev", "bzip2"];

/** What MIOpen's own build needs besides: its libraries, cmake and ninja, and the shell programs that these start. */
const BUILD = [
  ...["libamdhip64-dev", "libamd-comgr-dev", "librocblas-dev", "rocm-cmake"],
  ...["libboost-filesystem-dev", "libhalf-dev", "nlohmann-json3-dev", "libsqlite3-dev", "libbz2-dev", "libzstd-dev"],
  ...["cmake", "ninja-build", "ccache", "pkgconf"],
  ...["base-files", "dash", "coreutils", "sed", "grep", "findutils"],
];

/** What MIOpen's own tests need besides. */
const TESTS = ["libgtest-dev", "libgmock-dev"];

/** Packages that define a Debian tree. */
export function debianPackages(profile: Profile): readonly string[] {
  return [...RUN, ...(profile === "run" ? [] : BUILD), ...(profile === "tests" ? TESTS : [])];
}
