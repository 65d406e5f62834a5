import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deviceEnvironment } from "../../../src/device/device.ts";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { cachedDevice } from "../../device/sim/builds.ts";

/**
 * Makes a folder for PATH with a program MIOpenDriver, as a machine with a gfx1010 card has it: the real one, on the
 * virtual device, with the environment of whoever starts it. Nothing can be compiled, so every kernel must be there.
 */
export async function machineWithCard(toolchain: Toolchain, folder: string): Promise<string> {
  const device = await cachedDevice(toolchain);
  const { file, args, env } = programCommand(toolchain, toolchain.paths.miopenDriver ?? "", [], {
    preload: [device],
    env: {
      ROCBLAS_TENSILE_LIBPATH: toolchain.paths.rocblasLibrary ?? "",
      MIOPEN_LOG_LEVEL: "6",
      ...deviceEnvironment({ target: "gfx1010", compile: "refuse", execute: true, eventLog: null }),
    },
  });
  const { PATH: _, ...settings } = env ?? {};
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  mkdirSync(folder, { recursive: true });
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const program = join(folder, "MIOpenDriver");
  writeFileSync(program, ["#!/bin/sh", ...lines, `exec ${[file, ...args].map(quoted).join(" ")} "$@"`, ""].join("\n"));
  chmodSync(program, 0o755);
  return folder;
}
