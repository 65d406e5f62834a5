import { userError } from "../../errors.ts";
import type { Origin, SourceOption } from "./origin.ts";

/**
 * Where AMD publishes the MIOpen of each ROCm (facts: miopen-gfx101x.md §6). Up to 7.1 the repository ROCm/MIOpen has a tag
 * of its own; from 7.2 on MIOpen is a release asset of ROCm/rocm-libraries.
 */
const SERIES: readonly { versions: RegExp; url: (version: string) => string }[] = [
  {
    versions: /^(6\.4|7\.0|7\.1)\.\d+$/,
    url: (version) => `https://github.com/ROCm/MIOpen/archive/rocm-${version}.tar.gz`,
  },
  {
    versions: /^7\.([2-9]|\d\d)\.\d+$/,
    url: (version) => `https://github.com/ROCm/rocm-libraries/releases/download/rocm-${version}/miopen.tar.gz`,
  },
];

/**
 * What Gentoo's Manifest publishes of these archives, as far as it is known here: sizes, and the first 16 digits of one
 * SHA-512. None of the digests is known whole, so the SHA-256 is recorded when an archive is first fetched.
 */
const PUBLISHED: Readonly<Record<string, { bytes: number; sha512?: string }>> = {
  "7.0.2": { bytes: 110_490_323, sha512: "f4ef92b0836f4190" },
  "7.1.0": { bytes: 110_587_160 },
  "7.2.0": { bytes: 113_891_497 },
};

/** The source that belongs to a ROCm release. A user error when none is known. */
export function releaseOrigin(rocmVersion: string, option: SourceOption = "miopen-source"): Origin {
  const series = SERIES.find(({ versions }) => versions.test(rocmVersion));
  if (series === undefined) {
    throw userError(
      `${option}: no place of MIOpen's source is known for ROCm ${rocmVersion}`,
      `give it with ${option}, or use a ROCm from 6.4 to 7.x`,
    );
  }
  const published = PUBLISHED[rocmVersion];
  return { kind: "archive", url: series.url(rocmVersion), sha256: null, ...(published && { published }) };
}
