import { size } from "../../units.ts";
import type { LocalRelease } from "./local.ts";

/** The text of a release page: what is in it, and how to check it. */
export function releaseNotes({ manifest }: LocalRelease): string {
  const { passed, failed, skipped } = manifest.proofs;
  const all = passed + failed + skipped;
  const { version, patched } = manifest.miopen;
  const sets = Object.entries(manifest.kernels).map(
    ([target, set]) => `| kernels ${target} | ${set.rows} in ${size(set.bytes)} |`,
  );
  return [
    `Precompiled kernels for MIOpen ${version} (${patched ? "patched" : "the distribution's"}) of ROCm ${manifest.rocm.version}.`,
    "",
    "| | |",
    "|---|---|",
    ...sets,
    `| proofs | ${all === 0 ? "none: verify was off" : `${passed} of ${all} rows passed on the ${manifest.proofs.device} device, negative controls included`} |`,
    ...(manifest.proofs.cards ?? []).map(
      ({ target, name, passed: held, failed: lost, skipped: left }) =>
        `| on ${name} (${target}) | ${held} of ${held + lost + left} rows passed |`,
    ),
    `| \`${manifest.tarball.file}\` | ${size(manifest.tarball.bytes)} |`,
    `| sha256 | \`${manifest.tarball.sha256}\` |`,
    "",
    "Check what you downloaded with `sha256sum --check --ignore-missing SHA256SUMS`.",
    "`manifest.json` says what it is made of, `report.html` has every proof.",
    "",
  ].join("\n");
}
