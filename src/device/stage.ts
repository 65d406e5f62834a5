import { join } from "node:path";
import type { Context } from "../context.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import { buildDevice, deviceDigest, processorFlags } from "./build.ts";

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
  const outcome = await context.stages.run({
    name: "device",
    parts: { sources: digest, processor: (await processorFlags()).join(" "), toolchain: toolchain.digest },
    run: async (folder) => {
      await toolchain.ensureSound();
      await buildDevice(toolchain, context.projectRoot, join(folder, "librdna1-device.so"), context.exec);
      return {};
    },
  });
  context.timings.device = outcome.seconds;
  return {
    library: join(outcome.folder, "librdna1-device.so"),
    digest,
    answersDigest: await deviceDigest(context.projectRoot, "answers"),
  };
}
