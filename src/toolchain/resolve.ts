import { messageOf, userError } from "../errors.ts";
import { type DebianOptions, debianToolchain, type ToolchainPorts } from "./debian.ts";
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
