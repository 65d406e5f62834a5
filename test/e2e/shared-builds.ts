import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "../../src/cache/root.ts";
import { StageStore } from "../../src/cache/stages.ts";
import { witnessDigest } from "../../src/card/witness.ts";
import { deviceDigest, processorFlags } from "../../src/device/build.ts";
import { TerminalLog } from "../../src/ports/terminal-log.ts";
import type { Toolchain } from "../../src/toolchain/toolchain.ts";
import { proverDigest } from "../../src/verify/prover-build.ts";
import { cachedDevice, cachedProver, cachedWitness } from "../device/sim/builds.ts";
import { projectRoot } from "./sandbox.ts";

/**
 * Puts the device, the prover and the witness that other tests use where sandboxes look for them: they are made from the same
 * sources. Without it a sandbox builds them itself.
 */
export async function shareBuilds(toolchain: Toolchain): Promise<void> {
  const stages = new StageStore(join(cacheRoot(process.env), "test"), new TerminalLog());
  const processor = (await processorFlags()).join(" ");
  const copy = (from: string, name: string) => async (folder: string) => {
    await copyFile(from, join(folder, name));
    return {};
  };
  await stages.run({
    name: "device",
    parts: { sources: await deviceDigest(projectRoot), processor, toolchain: toolchain.digest },
    run: copy(await cachedDevice(toolchain), "librdna1-device.so"),
  });
  await stages.run({
    name: "prover",
    parts: { sources: await proverDigest(projectRoot), toolchain: toolchain.digest },
    run: copy(await cachedProver(toolchain), "rdna1-prover"),
  });
  await stages.run({
    name: "witness",
    parts: { sources: await witnessDigest(projectRoot), toolchain: toolchain.digest },
    run: copy(await cachedWitness(toolchain), "librdna1-witness.so"),
  });
}
