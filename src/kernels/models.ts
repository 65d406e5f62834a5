import { ARCHITECTURES, Net } from "./architectures.ts";
import type { DriverCommand } from "./commands.ts";
import { STOCK } from "./dialect.ts";
import { commandFor } from "./families.ts";
import { type ConvDirection, type ConvProblem, driverArguments, type TensorType } from "./problem.ts";

/** Names of the models, as in `models/<name>.txt`. */
export const MODELS: readonly string[] = Object.freeze(Object.keys(ARCHITECTURES));

/** The different convolution layers of a model, in order of their first use; fp32, forward, batch 1. */
export function modelLayers(name: string): ConvProblem[] {
  const walk = ARCHITECTURES[name];
  if (walk === undefined) throw new RangeError(`no model ${name}; there are ${MODELS.join(", ")}`);
  const net = new Net();
  walk(net);
  const different = new Map(net.layers.map((layer) => [driverArguments(layer).join(" "), layer]));
  return [...different.values()];
}

/** Every layer of the models in every type and direction, as MIOpenDriver commands; equal ones once. */
export function planModels(
  names: readonly string[] = MODELS,
  types: readonly TensorType[] = ["fp32"],
  directions: readonly ConvDirection[] = ["forward"],
): DriverCommand[] {
  const commands = new Map<string, DriverCommand>();
  for (const name of names) {
    for (const layer of modelLayers(name)) {
      for (const type of types) {
        for (const direction of directions) {
          const command = commandFor({ ...layer, type, direction }, name, STOCK);
          const id = command.args.join(" ");
          if (!commands.has(id)) commands.set(id, command);
        }
      }
    }
  }
  return [...commands.values()];
}

/** The text of `models/<name>.txt`: a list that `kernel-set` takes as it is. */
export function modelFile(name: string): string {
  const lines = modelLayers(name).map((layer) => `MIOpenDriver ${driverArguments(layer).join(" ")}`);
  const head = [`# ${name}: ${lines.length} different convolution layers, forward, fp32, batch 1`];
  return `${[...head, "# written by src/kernels/models.ts from src/kernels/architectures.ts", ...lines].join("\n")}\n`;
}
