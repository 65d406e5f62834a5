import type { Context } from "../context.ts";
import { deviceStage } from "../device/stage.ts";
import { userError } from "../errors.ts";
import { type KernelSet, loadKernelSet } from "../kernels/set.ts";
import { completenessStage, kernelsStage, rocblasStage } from "../kernels/stages.ts";
import { checkWritableFolder } from "../ports/files.ts";
import { assertOurs } from "../release/output.ts";
import { type PackageResult, packageStage } from "../release/stage.ts";
import { toolchainStage } from "../toolchain/stage.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";

/**
 * Toolchain, virtual device, kernel set, completeness, package: everything from nothing to an install tarball.
 * `kernels` is the same for a MIOpen that exists already.
 */
export async function build(context: Context): Promise<PackageResult> {
  const { inputs } = context;
  if (inputs.miopen === "patched") {
    throw userError(
      "miopen: 'patched' cannot be built by this version yet",
      "use miopen 'distribution': the kernel set for the MIOpen of the toolchain",
    );
  }
  if (inputs.verify === "gpu") {
    throw userError("verify: 'gpu' is not in this version yet", "use verify 'virtual', which needs no card, or 'off'");
  }
  await checkWritableFolder(inputs.output, "output");
  await assertOurs(inputs.output);
  const set = await loadKernelSet(inputs.kernelSet);
  const toolchain = await toolchainStage(context);
  refuseUnknownMiopen(toolchain, set);
  const device = await deviceStage(context, toolchain);
  const parts = [];
  for (const target of inputs.targets) {
    const rocblas = await rocblasStage(context, toolchain, target);
    const kernels = await kernelsStage(context, { toolchain, device, rocblas, set, target });
    const proofs =
      inputs.verify === "off"
        ? null
        : await completenessStage(context, { toolchain, device, rocblas, set, kernels, target });
    parts.push({ target, rocblas, kernels, proofs });
  }
  return await packageStage(context, toolchain, parts);
}

/** The model behind `conv` and `full` (docs/kernel-set.md) was made and measured with MIOpen 3.5. */
function refuseUnknownMiopen(toolchain: Toolchain, set: KernelSet): void {
  const version = toolchain.miopenVersion ?? "unknown";
  if (set.derived.length === 0 || /^3\.5\./.test(version)) return;
  throw userError(
    `kernel-set: '${set.name}' is made for MIOpen 3.5; ROCm ${toolchain.rocmVersion} has MIOpen ${version}`,
    "use rocm-version 7.2.4",
  );
}
