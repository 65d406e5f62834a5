import type { Context } from "../context.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { buildDevice, deviceDigest, processorFlags } from "./build.ts";
import { builtStage } from "./built.ts";

/** The virtual device, built. */
export interface BuiltDevice {
  /** The shared library */
  library: string;
  /** Digest of its sources */
  digest: string;
  /** The same without the simulator: what a run depends on that executes no kernel */
  answersDigest: string;
}

/** Builds the virtual device with the toolchain's own compiler. */
export async function deviceStage(context: Context, toolchain: SoundToolchain): Promise<BuiltDevice> {
  const digest = await deviceDigest(context.projectRoot);
  const library = await builtStage(context, toolchain, {
    name: "device",
    file: "librdna1-device.so",
    digest,
    parts: { processor: (await processorFlags()).join(" ") },
    build: (outFile) => buildDevice(toolchain, context.projectRoot, outFile, context.exec),
  });
  return {
    library,
    digest,
    answersDigest: await deviceDigest(context.projectRoot, "answers"),
  };
}
