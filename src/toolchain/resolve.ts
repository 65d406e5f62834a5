import { messageOf, userError } from "../errors.ts";
import { repairedToolchain, type ToolchainPorts, type TreeSource } from "./cached.ts";
import { type DebianOptions, debianToolchain, debianTree } from "./debian.ts";
import { fitsVersion, installedVersion, systemToolchain } from "./system.ts";
import type { Toolchain } from "./toolchain.ts";

export interface ToolchainOptions extends DebianOptions {
  /** `auto`, `system`, `debian`, `amd`, or an absolute folder. */
  toolchain: string;
}

/**
 * The toolchain that was asked for. `auto` takes the ROCm of `ROCM_PATH` or `/opt/rocm` when it is the wanted release,
 * else Debian's. Throws a user error when what was named is not there or is another release.
 */
export async function resolveToolchain(options: ToolchainOptions, ports: ToolchainPorts): Promise<Toolchain> {
  const { toolchain, rocmVersion } = options;
  const installed = options.env.ROCM_PATH || "/opt/rocm";
  if (toolchain === "debian") return debianToolchain(options, ports);
  if (toolchain === "system") return said(await systemToolchain(installed, rocmVersion), ports);
  if (toolchain === "amd") {
    throw userError("toolchain: 'amd' is not in this version yet", "use toolchain 'debian', or the folder of a ROCm");
  }
  if (toolchain !== "auto") return said(await systemToolchain(toolchain, rocmVersion, "folder"), ports);
  const version = await installedVersion(installed);
  if (version === null) {
    ports.log.info(`toolchain: no ROCm in ${installed}, so Debian's archive is used`);
  } else if (!fitsVersion(version, rocmVersion)) {
    ports.log.info(`toolchain: ${installed} has ROCm ${version}, not ${rocmVersion}, so Debian's archive is used`);
  } else {
    try {
      return said(await systemToolchain(installed, rocmVersion), ports);
    } catch (error) {
      ports.log.warning(`${messageOf(error)}; Debian's archive is used`);
    }
  }
  return debianToolchain(options, ports);
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
  options: Omit<ToolchainOptions, "toolchain">,
  ports: ToolchainPorts,
): Promise<Toolchain> {
  return repairedToolchain(toolchain, sourceOf(toolchain, options), options.jobs, ports);
}

function sourceOf({ kind }: Toolchain, options: Omit<ToolchainOptions, "toolchain">): TreeSource | null {
  return kind === "debian" ? debianTree(options) : null;
}
