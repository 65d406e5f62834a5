import type { DriverCommand } from "./commands.ts";
import type { Dialect } from "./dialect.ts";
import { commandFor } from "./families.ts";
import { activations, BATCH_NORM_STEPS, poolings, softmaxes } from "./full.ts";
import { modelLayers } from "./models.ts";
import { type ConvProblem, outputOf } from "./problem.ts";

/** Models, batches and types that a training must not compile anything for. */
const MODELS = ["resnet-50", "mobilenetv2", "unet"] as const;
const BATCHES = [1, 2, 7, 32] as const;
const TYPES = ["fp32", "fp16"] as const;
const DIRECTIONS = ["forward", "backward-data", "backward-weights"] as const;

/**
 * Every step of training and inference that MIOpen does for {@link MODELS}: convolution in three directions, batch norm in
 * training where the library's kernels serve any shape, pooling, activation and softmax.
 */
export function trainingSteps(dialect: Dialect): DriverCommand[] {
  const layers = MODELS.flatMap((name) => modelLayers(name));
  const sized = BATCHES.flatMap((n) => TYPES.map((type) => ({ n, type })));
  const convolutions = sized.flatMap(({ n, type }) =>
    layers.flatMap((layer) =>
      DIRECTIONS.map((direction) => commandFor({ ...layer, n, type, direction }, "training: convolution", dialect)),
    ),
  );
  const others = [...(dialect.patched ? normalised(layers) : []), ...poolings(), ...activations(), ...softmaxes()];
  const lines = sized.flatMap(({ n, type }) =>
    others.filter((line) => /^\w+?fp16 /.test(line) === (type === "fp16")).map((line) => withBatch(line, n)),
  );
  const commands = [
    ...convolutions,
    ...lines.map((line) => ({ args: line.split(" "), family: `training: ${line.replace(/(fp16)? .*/, "")}` })),
  ];
  return [...new Map(commands.map((command) => [command.args.join(" "), command])).values()];
}

/**
 * A part of {@link trainingSteps} that each build can afford to run: each step of each layer with one of the batches and
 * types, in turn.
 */
export function trainingProbes(dialect: Dialect): DriverCommand[] {
  const steps = trainingSteps(dialect);
  const each = BATCHES.length * TYPES.length + 1; // no divisor of the order in which batches and types come
  return steps.filter((_, index) => index % each === 0);
}

/** Batch norm behind each convolution. */
function normalised(layers: readonly ConvProblem[]): string[] {
  return layers.flatMap((layer) => {
    const [height = 1, width = 1] = outputOf(layer);
    return ["", "fp16"].flatMap((type) =>
      BATCH_NORM_STEPS.map((step) => `bnorm${type} -n 1 -c ${layer.k} -H ${height} -W ${width} -m 1 ${step}`),
    );
  });
}

/** The same with another batch: `-n 1`, or the first size of `-W 1x64x56x56`. */
function withBatch(line: string, n: number): string {
  return line.replace(/ -n 1 | -W 1x/, (found) => found.replace("1", String(n)));
}
