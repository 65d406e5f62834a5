import { wantedCards } from "../card/find.ts";
import { cardStage, refuseCardFailures } from "../card/stage.ts";
import type { Context } from "../context.ts";
import { type BuiltDevice, deviceStage } from "../device/stage.ts";
import { userError } from "../errors.ts";
import { dialectOf } from "../kernels/dialect.ts";
import { checkParts, findParts, type PartOrigin } from "../kernels/part.ts";
import { isPlanned, type KernelSet, loadKernelSet, readKernelSet } from "../kernels/set.ts";
import { partOrigin } from "../kernels/shard-stage.ts";
import {
  completenessStage,
  type KernelDatabase,
  type KernelRequest,
  kernelsStage,
  rocblasStage,
} from "../kernels/stages.ts";
import { type MiopenAtHand, miopenStage } from "../miopen/stage.ts";
import { checkWritableFolder } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import { assertOurs } from "../release/output.ts";
import { type PackageResult, packageStage, type TargetPart } from "../release/stage.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import { leaveOutFailed } from "../verify/leave-out.ts";
import { type GivenProofs, givenProofs } from "../verify/proof-part.ts";
import { proverStage } from "../verify/prover-build.ts";
import { proofOrigin } from "../verify/shard-stage.ts";
import { type VerifyRequest, verifyStage } from "../verify/stage.ts";

/**
 * Source, patches, toolchain, MIOpen, virtual device, kernel set, proofs, package: everything from nothing to an install
 * tarball. The first four are the toolchain alone where its own MIOpen is to be used.
 * `kernels` is the same for a MIOpen that exists already.
 */
export async function build(context: Context): Promise<PackageResult> {
  const { inputs } = context;
  const { parts: folder } = inputs;
  const cards = await wantedCards(context, "verify", inputs.verify, inputs.targets);
  const made = await prepare(context);
  const { toolchain, compiled } = made;
  const prover = inputs.verify === "off" ? null : await proverStage(context, toolchain);
  const parts: TargetPart[] = [];
  for (const target of inputs.targets) {
    const { request, origin } = await requestFor(context, made, target);
    const { rocblas } = request;
    const kernels = await mergedKernels(context, request, origin, made.found.get(target));
    if (prover === null) {
      parts.push({ target, rocblas, kernels, proofs: null, card: null, leftOut: [] });
      continue;
    }
    const proof = { ...request, kernels, prover };
    const given = folder === null ? null : await givenProofs(folder, target, proofOrigin(origin, proof));
    const part = await proved(context, proof, given);
    const card = cards.get(target);
    // What failed on the virtual device is not in these kernels: nothing unproven is given to a card
    const onCard =
      card === undefined
        ? null
        : await cardStage(context, { ...proof, kernels: part.kernels, rows: part.proofs?.rows ?? [] }, card);
    parts.push({ target, rocblas, ...part, card: onCard });
  }
  const onCards = parts.flatMap(({ card }) => card ?? []);
  refuseCardFailures(onCards, "nothing was packaged; the command verify with device 'gpu' leaves every row in a file");
  return await packageStage(context, { toolchain, compiled }, parts);
}

/** Everything that kernels are made with, whatever the target. */
export interface Prepared extends MiopenAtHand {
  set: KernelSet;
  device: BuiltDevice;
  /** The parts of all shards, looked for before anything was made; empty without `parts` */
  found: ReadonlyMap<Target, FoundParts>;
}

type FoundParts = Awaited<ReturnType<typeof findParts>>;

export async function prepare(context: Context): Promise<Prepared> {
  const { inputs } = context;
  await checkWritableFolder(inputs.output, "output");
  await assertOurs(inputs.output);
  const found = new Map<Target, FoundParts>();
  if (inputs.parts !== null)
    for (const target of inputs.targets) found.set(target, await findParts(inputs.parts, target));
  const lines = await readKernelSet(inputs.kernelSet, context.log);
  const miopen = await miopenStage(context);
  const set = await loadKernelSet(inputs.kernelSet, await dialectOf(miopen.running), lines);
  refuseUnknownMiopen(miopen.running, set);
  return { ...miopen, set, device: await deviceStage(context, miopen.toolchain), found };
}

/** What the kernels of one target are made with, and how parts of them are known. */
export async function requestFor(
  context: Context,
  { toolchain, running, set, device }: Prepared,
  target: Target,
): Promise<{ request: KernelRequest; origin: PartOrigin }> {
  const rocblas = await rocblasStage(context, toolchain, target);
  const request = { toolchain: running, device, rocblas, set, target };
  return { request, origin: partOrigin(toolchain, request) };
}

/** The kernel set of a target, compiled here or, with the parts of all shards, by these. */
export async function mergedKernels(
  context: Context,
  request: KernelRequest,
  origin: PartOrigin,
  found: FoundParts | undefined,
): Promise<KernelDatabase> {
  if (found === undefined) return await kernelsStage(context, request);
  return await kernelsStage(context, request, await checkParts(found, { origin, commands: request.set.commands }));
}

/** The set without what failed its numerical proof, and the proof that what is left is complete. */
async function proved(
  context: Context,
  request: VerifyRequest,
  given: GivenProofs | null,
): Promise<Pick<TargetPart, "kernels" | "proofs" | "leftOut">> {
  const { files, unproven, rows } = await verifyStage(context, request, given);
  const { kernels, leftOut } = await leaveOutFailed(context, { ...request, rows });
  const keys = new Set(leftOut.map(({ key }) => key));
  // Without some of its kernels it is another database than the shards have run
  const same = kernels.sha256 === request.kernels.sha256 ? given : null;
  const complete = await completenessStage(context, { ...request, kernels, leftOut: keys }, same);
  return { kernels, leftOut, proofs: { rows: [...complete, ...rows], files, unproven } };
}

/**
 * The model behind `conv` and `full` (docs/kernel-set.md) was made and measured with MIOpen 3.5; of 3.4 the sources tell that
 * its keys have the same options. A model that does not fit fails in the harvest or in the proofs, never silently.
 */
export function refuseUnknownMiopen(toolchain: Toolchain, set: KernelSet): void {
  const version = toolchain.miopenVersion ?? "unknown";
  if (!isPlanned(set.name) || /^3\.[45]\./.test(version)) return;
  throw userError(
    `kernel-set: '${set.name}' is made for MIOpen 3.4 and 3.5, not for ${version}`,
    "use rocm-version 7.2.4, or a file of MIOpenDriver lines",
  );
}
