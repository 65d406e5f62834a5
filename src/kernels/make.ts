import type { Context } from "../context.ts";
import { virtualDevice } from "../device/device.ts";
import { machineError } from "../errors.ts";
import { bunzipFor } from "./bunzip.ts";
import type { DriverCommand } from "./commands.ts";
import { checkRows, type Kernel, type Merge, mergeKernels, readRows } from "./database.ts";
import { deriveIm2col, type WantedIm2col } from "./derive.ts";
import { planIm2col } from "./families.ts";
import { harvest } from "./harvest.ts";
import { im2d2colKey } from "./im2col.ts";
import { databaseKey } from "./keys.ts";
import type { Part } from "./part.ts";
import { shapeId } from "./ranges.ts";
import type { KernelRequest } from "./stages.ts";

/**
 * Harvests the set's commands, or takes what shards have harvested of them, and derives the rows that follow from them. What
 * cannot be derived, because the code changes between two harvested objects, is harvested as well.
 */
export async function makeKernels(
  context: Context,
  request: KernelRequest,
  folder: string,
  parts?: readonly Part[],
): Promise<Merge> {
  const { toolchain, set, target } = request;
  const given: Kernel[][] = [];
  for (const { path } of parts ?? []) given.push(await checkRows(path, readRows(path), bunzipFor(toolchain)));
  const commands = parts === undefined ? [...set.commands] : [];
  const tried = new Set<string>();
  for (;;) {
    const { kernels: compiled, refused } = await harvestCommands(context, request, commands, folder);
    const merge = mergeKernels([...given, compiled], target);
    const { kernels, missing, checked } = deriveIm2col(merge.kernels, set.derived, target, set.dialect);
    if (missing.length === 0) {
      if (kernels.length > 0) {
        context.log.info(
          `${target}: ${kernels.length} im2col kernels derived; ${checked} compiled ones came out identical`,
        );
      }
      const all = [...(parts ?? []).flatMap((part) => part.refused), ...merge.refused, ...refused];
      return {
        kernels: mergeKernels([merge.kernels, kernels], target).kernels,
        refused: [...new Map(all.map((one) => [one.key, one])).values()],
      };
    }
    // The model of im2col.ts says which command asks for a key: another MIOpen may not agree
    const [first] = missing.filter((one) => tried.has(wantedId(one)));
    if (first !== undefined) {
      const { name, args } = databaseKey(im2d2colKey(first.type, first.shape, set.dialect), target);
      throw machineError(
        `MIOpen never asked for ${name}${args}, although the command for it ran: the model of its keys does not fit`,
        "report this with MIOpen's version, or use a file of MIOpenDriver lines as kernel-set",
      );
    }
    const more = planIm2col(missing, set.dialect);
    for (const one of missing) tried.add(wantedId(one));
    context.log.info(`${target}: ${more.length} im2col kernels cannot be derived and are harvested`);
    commands.push(...more);
  }
}

function wantedId({ type, shape }: WantedIm2col): string {
  return `${type} ${shapeId(shape)}`;
}

/** What commands of the set compile. */
export function harvestCommands(
  context: Context,
  { toolchain, device, rocblas, set, target }: KernelRequest,
  commands: readonly DriverCommand[],
  folder: string,
): Promise<Merge> {
  return harvest(
    {
      setup: { toolchain, device: virtualDevice(device.library), target, rocblasLibrary: rocblas.folder },
      commands,
      environment: set.environment,
      jobs: context.jobs,
      folder,
    },
    { exec: context.exec, log: context.log, bunzip: bunzipFor(toolchain) },
  );
}
