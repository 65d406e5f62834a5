/**
 * What is known of AMD's package repository. Facts from AMD's install documentation of 6.4 to 7.2 and from the names of
 * the package files there (docs/toolchain.md); this is the one place that has its address.
 */

/** `rocm.gpg.key` lies here, and `apt/<release>` is the repository of a release. `amd-mirror` stands in for it. */
export const AMD_ADDRESS = "https://repo.radeon.com/rocm";

/** The key that signs the repository; when AMD prolongs it the file changes, the fingerprint stays. */
export const AMD_FINGERPRINTS = ["CA8BB4727A47B4D09B4EE8969386B48A1A693C5C"] as const;

/** The address of a release below `base`: the folder of 7.0.2 is `7.0.2`, that of 7.1.0 is `7.1`. */
export function releaseAddress(base: string, rocmVersion: string): string {
  return `${base}/apt/${rocmVersion.replace(/\.0$/, "")}`;
}

/** A release of a distribution that AMD's packages are made for or documented with. */
export interface Base {
  distribution: "debian" | "ubuntu";
  /** Suite of the distribution's archive, without its updates: its package files never change. */
  suite: string;
  components: readonly string[];
  /** Suite of AMD's repository */
  amdSuite: string;
}

/** AMD documents Debian 12 with the packages that it makes for Ubuntu 22.04. `universe` has the older gcc that rocm-llvm wants. */
export const BASES: Readonly<Record<"jammy" | "noble" | "bookworm", Base>> = {
  jammy: { distribution: "ubuntu", suite: "jammy", components: ["main", "universe"], amdSuite: "jammy" },
  noble: { distribution: "ubuntu", suite: "noble", components: ["main", "universe"], amdSuite: "noble" },
  bookworm: { distribution: "debian", suite: "bookworm", components: ["main"], amdSuite: "jammy" },
};

/**
 * What AMD's packages are put on: the host's own distribution, in the release that AMD supports and that is nearest to
 * the host's. It need not be the host's own, because the tree has its own loader and C library.
 */
export function baseFor(distribution: "debian" | "ubuntu", release: string | null): Base {
  if (distribution === "debian") return BASES.bookworm;
  return release === "jammy" ? BASES.jammy : BASES.noble;
}

/**
 * AMD's package versions end in the release as five or six digits: `3.5.0.70002-56~22.04` is MIOpen 3.5.0 of 7.0.2.
 * Null for a version that does not (rocprofiler-sdk's, and every package of a distribution).
 */
export function amdRelease(version: string): string | null {
  const digits = Number(/\.(\d{5,6})-/.exec(version)?.[1] ?? Number.NaN);
  if (Number.isNaN(digits)) return null;
  return [Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100].join(".");
}

/** The digits of a release in package versions: 70002. */
export function amdDigits(rocmVersion: string): string {
  const [major = 0, minor = 0, patch = 0] = rocmVersion.split(".").map(Number);
  return String(major * 10_000 + minor * 100 + patch);
}
