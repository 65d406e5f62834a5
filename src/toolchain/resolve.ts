import { stat } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { AMD_PACKAGES } from "./amd/packages.ts";
import { type AmdOptions, amdToolchain, amdTree } from "./amd.ts";
import { archiveToolchain, archiveTree } from "./archive.ts";
import { parseArchive, withoutDigest } from "./archive-address.ts";
import { cachedToolchain, repairedToolchain, type ToolchainPorts, type TreeSource, usableTree } from "./cached.ts";
import { debianToolchain, debianTree } from "./debian.ts";
import { NoSuchRelease } from "./no-release.ts";
import { fitsVersion, installedVersion, systemToolchain } from "./system.ts";
import type { Toolchain } from "./toolchain.ts";

export interface ToolchainOptions extends AmdOptions {
  /** `auto`, `system`, `debian`, `amd`, an absolute folder, or `<url or file>#sha256=<digest>`. */
  toolchain: string;
}

/**
 * The toolchain that was asked for. `auto` takes the ROCm of `ROCM_PATH` or `/opt/rocm` when it is the wanted release,
 * else Debian's where the host's archive is Debian's and has it, else AMD's. Throws a user error when what was named is
 * not there or is another release.
 */
export async function resolveToolchain(options: ToolchainOptions, ports: ToolchainPorts): Promise<Toolchain> {
  const { toolchain, rocmVersion } = options;
  const installed = options.env.ROCM_PATH || "/opt/rocm";
  if (toolchain === "debian") return debianToolchain(options, ports);
  if (toolchain === "amd") return amdToolchain(options, ports);
  if (toolchain === "system") return said(await systemToolchain(installed, rocmVersion), ports);
  if (toolchain !== "auto") {
    const archive = parseArchive(toolchain);
    if (archive !== null) return archiveToolchain(archive, options, ports);
    if ((await stat(toolchain).catch(() => null))?.isFile()) throw withoutDigest(toolchain);
    return said(await systemToolchain(toolchain, rocmVersion, "folder"), ports);
  }
  const version = await installedVersion(installed);
  if (version === null) {
    ports.log.info(`toolchain: no ROCm in ${installed}, so packages are used`);
  } else if (!fitsVersion(version, rocmVersion)) {
    ports.log.info(`toolchain: ${installed} has ROCm ${version}, not ${rocmVersion}, so packages are used`);
  } else {
    try {
      return said(await systemToolchain(installed, rocmVersion), ports);
    } catch (error) {
      ports.log.warning(`${messageOf(error)}; packages are used`);
    }
  }
  return packagedToolchain(options, ports);
}

/** Debian's packages, whose rocBLAS has kernels for RDNA1, else AMD's. A tree that is there saves asking. */
async function packagedToolchain(options: ToolchainOptions, ports: ToolchainPorts): Promise<Toolchain> {
  const known = AMD_PACKAGES[options.rocmVersion.split(".").slice(0, 2).join(".")] !== undefined;
  const debian = debianTree(options);
  if ((await usableTree(debian, ports.log)) !== null) return cachedToolchain(debian, ports);
  const amd = known ? await amdTree(options, ports.exec) : null;
  if (amd !== null && (await usableTree(amd, ports.log)) !== null) return cachedToolchain(amd, ports);
  try {
    return await debianToolchain(options, ports);
  } catch (error) {
    if (amd === null || !(error instanceof NoSuchRelease)) throw error;
    ports.log.info(`toolchain: ${error.message}; AMD's repository is used`);
    return cachedToolchain(amd, ports);
  }
}

function said(toolchain: Toolchain, { log }: ToolchainPorts): Toolchain {
  log.info(`toolchain: using ROCm ${toolchain.rocmVersion} in ${toolchain.root}`);
  return toolchain;
}

/**
 * The same toolchain after every byte of its tree has been compared with what was published; a tree that differs is
 * replaced, with a warning that says what was wrong. A toolchain that is no tree of the cache is returned as it is.
 */
export async function verifiedToolchain(
  toolchain: Toolchain,
  options: VerifyOptions,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  return repairedToolchain(toolchain, await sourceOf(toolchain, options, ports), options.jobs, ports);
}

/** Only an archive has to be named again: all else is known by its kind. */
type VerifyOptions = AmdOptions & { toolchain?: string };

async function sourceOf(
  { kind }: Toolchain,
  options: VerifyOptions,
  { exec }: ToolchainPorts,
): Promise<TreeSource | null> {
  if (kind === "debian") return debianTree(options);
  if (kind === "amd") return amdTree(options, exec);
  const archive = kind === "archive" ? parseArchive(options.toolchain ?? "") : null;
  return archive === null ? null : archiveTree(archive, options);
}
