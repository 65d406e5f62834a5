import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { userError } from "./errors.ts";
import type { Inputs } from "./inputs.ts";

/**
 * Throws a user error for a file or folder that an option names and that is not there: before anything is fetched, not when
 * its turn comes. What lies in it is looked at where it is used.
 */
export async function checkPlaces(inputs: Inputs): Promise<void> {
  const { toolchain, amdKeyring, patches, parts, kernelDatabase, install } = inputs;
  const [local = ""] = toolchain.split("#sha256=");
  if (local.startsWith("/")) await check("toolchain", local, "a folder of a ROCm installation, or an archive of one");
  if (amdKeyring !== null) await check("amd-keyring", amdKeyring, "a file with the key");
  if (patches.folder !== null) {
    const series = join(patches.folder, "series");
    await check("patches", series, "a folder with a file 'series', which names the patches in their order");
  }
  if (parts !== null) await check("parts", parts, "the folder that the parts of all jobs were put in");
  if (kernelDatabase !== null) await check("kernel-database", kernelDatabase, "a file gfx101x.kdb");
  const { source, attestation, trustedRoot } = install;
  if (attestation.bundles !== null) await check("attestation", attestation.bundles, "a file of Sigstore bundles");
  if (trustedRoot !== null) await check("trusted-root", trustedRoot, "a file of trusted roots");
  if (source.kind === "file") await check("source", source.path, "a package's tarball");
  if (source.kind === "mirror" && source.address.startsWith("file:")) {
    const path = fileURLToPath(source.address);
    const found = await check("source", path, SOURCES);
    if (found.isFile()) throw userError(`source: ${path} is not the tarball of a package`, `give ${SOURCES}`);
  }
}

const SOURCES = "a tarball (.tar.zst), or a folder with tarballs and their SHA256SUMS";

async function check(option: string, path: string, wanted: string): Promise<Stats> {
  return await stat(path).catch((error: unknown) => {
    throw userError(`${option}: ${path} does not exist or cannot be read`, `give ${wanted}`, error);
  });
}
