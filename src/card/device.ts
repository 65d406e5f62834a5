import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DeviceOptions, HipDevice } from "../device/device.ts";
import { machineError } from "../errors.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import type { UsableCard } from "./find.ts";

/**
 * A card as a device of proofs: the witness before the toolchain's HIP runtime, which sees this card only. `folder` takes what
 * the runtime compiles for itself.
 */
export async function cardDevice(
  card: UsableCard,
  witness: string,
  toolchain: Toolchain,
  folder: string,
): Promise<HipDevice> {
  const { standIn, index } = card;
  return {
    preload: [witness, ...(standIn?.preload ?? []), await runtimeOf(toolchain)],
    environment: (options: DeviceOptions) => ({
      ROCR_VISIBLE_DEVICES: String(index),
      // A fault ends the process, and is said; by default it depends on the limit for core files
      // [ROCm clr, hip_global.cpp and flags.hpp; read in the library of 7.2.4]
      HIP_SKIP_ABORT_ON_GPU_ERROR: "0",
      // MIOpen's compilations are refused before they could be found there
      AMD_COMGR_CACHE: "1",
      AMD_COMGR_CACHE_DIR: join(folder, "runtime"),
      RDNA1_WITNESS_TARGET: options.target,
      RDNA1_WITNESS_EXECUTE: options.execute ? "on" : "off",
      ...(options.eventLog === null ? {} : { RDNA1_WITNESS_LOG: options.eventLog }),
      ...standIn?.environment,
    }),
  };
}

/** `libamdhip64.so.<n>`: programs that are not linked with it need it too. */
async function runtimeOf({ paths }: Toolchain): Promise<string> {
  const name = (await readdir(paths.hip)).find((file) => /^libamdhip64\.so\.\d+$/.test(file));
  if (name === undefined) throw machineError(`there is no libamdhip64.so in ${paths.hip}`, "check the toolchain");
  return join(paths.hip, name);
}
