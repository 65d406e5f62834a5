import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compileEnvironment, type HipDevice } from "../device/device.ts";
import { machineError } from "../errors.ts";
import type { Command } from "../ports/exec.ts";
import type { Target } from "../rdna1/targets.ts";
import { programCommand, type Toolchain } from "../toolchain/toolchain.ts";

/** Where and how MIOpenDriver runs: nothing of the user's environment or home reaches it. */
export interface DriverSetup {
  toolchain: Toolchain;
  device: HipDevice;
  target: Target;
  compile: "allow" | "refuse" | "count";
  /** Whether kernels run; a harvest and the completeness proof need them only to be asked for and launched */
  execute: boolean;
  /** Home of the run: user databases, temporary files and the device's event log lie below it */
  folder: string;
  /** Folder of the system databases (`<target>.kdb`); may be empty */
  systemDatabases: string;
  /** Whether the device writes its event log */
  events: boolean;
  /** rocBLAS's folder of Tensile libraries for the target */
  rocblasLibrary: string;
}

/** Places below {@link DriverSetup.folder}. */
export function driverPlaces(folder: string): Record<"events" | "userCache" | "userDatabases" | "temporary", string> {
  return {
    events: join(folder, "events.jsonl"),
    userCache: join(folder, "cache"),
    userDatabases: join(folder, "databases"),
    temporary: join(folder, "tmp"),
  };
}

/** Makes the folders that {@link driverCommand} names. */
export async function makeDriverPlaces(folder: string): Promise<void> {
  const { userCache, userDatabases, temporary } = driverPlaces(folder);
  for (const path of [userCache, userDatabases, temporary]) await mkdir(path, { recursive: true });
}

/** The command line that runs MIOpenDriver on a device. */
export function driverCommand(
  setup: DriverSetup,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Command {
  const { toolchain, target, folder, compile, execute } = setup;
  if (toolchain.paths.miopenDriver === null) {
    throw machineError(
      `no MIOpenDriver in ${toolchain.root}`,
      "install the package that holds it, or use toolchain 'debian'",
    );
  }
  const places = driverPlaces(folder);
  return programCommand(toolchain, toolchain.paths.miopenDriver, args, {
    preload: setup.device.preload,
    cwd: folder,
    env: {
      HOME: folder,
      TMPDIR: places.temporary,
      MIOPEN_USER_DB_PATH: places.userDatabases,
      MIOPEN_CUSTOM_CACHE_DIR: places.userCache,
      MIOPEN_SYSTEM_DB_PATH: setup.systemDatabases,
      ROCBLAS_TENSILE_LIBPATH: setup.rocblasLibrary,
      // comgr's own cache would hide compilations from the count.
      AMD_COMGR_CACHE: "0",
      ...compileEnvironment(toolchain),
      ...env,
      // Info2: names every kernel that is asked for and where it was found. Never the command's to choose (log.ts).
      MIOPEN_LOG_LEVEL: "6",
      ...setup.device.environment({ target, compile, execute, eventLog: setup.events ? places.events : null }),
    },
  });
}
