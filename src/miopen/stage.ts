import type { Context } from "../context.ts";
import { userError } from "../errors.ts";
import { type SoundToolchain, toolchainStage } from "../toolchain/stage.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import { type CompiledMiopen, compileStage } from "./compile/stage.ts";
import { chooseSeries } from "./patches/series.ts";
import { patchStage } from "./patches/stage.ts";
import { sourceStage } from "./source/stage.ts";
import { withMiopen } from "./with-miopen.ts";

/** The MIOpen that kernels are made for, and what surrounds it. */
export interface MiopenAtHand {
  /** ROCm as it is: compiles the virtual device and the prover, brings rocBLAS */
  toolchain: SoundToolchain;
  /** The same with the MIOpen in question: harvest and proofs run it */
  running: SoundToolchain;
  /** null: the toolchain's own */
  compiled: CompiledMiopen | null;
}

/**
 * The toolchain's own MIOpen, or the patched one: source, patches, compilation. A patch that does not apply is refused
 * before a toolchain is fetched.
 */
export async function miopenStage(context: Context): Promise<MiopenAtHand> {
  const { inputs, projectRoot } = context;
  if (inputs.miopen === "distribution") {
    const toolchain = await toolchainStage(context);
    refuseStartedCompiler(toolchain);
    return { toolchain, running: toolchain, compiled: null };
  }
  const source = await sourceStage(context, inputs.miopenSource);
  const series = await chooseSeries(projectRoot, source.version, inputs.patches);
  const patched = await patchStage(context, source, series);
  const toolchain = await toolchainStage(context, "build");
  const compiled = await compileStage(context, toolchain, { source, series, patched });
  return { toolchain, running: withMiopen(toolchain, compiled), compiled };
}

/**
 * Debian builds MIOpen 3.4 without HIPRTC and comgr: it starts a compiler for each kernel, for OpenCL at a path of the machine
 * that built the package (docs/toolchain.md). Neither is there in an unpacked tree.
 */
export function refuseStartedCompiler({ kind, rocmVersion, miopenVersion }: Toolchain): void {
  if (kind !== "debian" || !miopenVersion?.startsWith("3.4.")) return;
  throw userError(
    `no kernels can be made with the MIOpen of ROCm ${rocmVersion} in Debian: it starts a compiler that lies nowhere`,
    "use miopen 'patched', or rocm-version 7.2.4",
  );
}
