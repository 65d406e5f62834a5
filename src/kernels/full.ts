import type { DriverCommand } from "./commands.ts";
import { type Dialect, STOCK } from "./dialect.ts";
import { planConv } from "./families.ts";
import { MODELS, modelLayers } from "./models.ts";
import { outputOf } from "./problem.ts";

/**
 * Convolutions and the other operations of the ten models: what MIOpen compiles for them with batch 1. Keys of these
 * hold sizes, so the set is closed for the shapes below and open beyond (docs/kernel-set.md). Spatial batch norm in
 * training is in it where the library has kernels for any shape (dialect.ts): stock MIOpen cannot build its own for RDNA1.
 */
export function planFull(dialect = STOCK): DriverCommand[] {
  const operations: [string, readonly string[]][] = [
    ["pooling", poolings()],
    ["activation", activations()],
    ["softmax", softmaxes()],
    ["lrn", lrns()],
    ["dropout", ["dropout -d 4", "dropoutfp16 -d 4"]],
    ["layernorm", layernorms(dialect)],
    ["groupnorm", typed("groupnorm", ["", "fp16", "bfp16"], "-n 1 -c 128 -H 64 -W 64 -g 32 -F 1")],
    ["batchnorm inference", inferences()],
    ["batchnorm per activation", perActivations()],
    ["tensor operation", tensorOperations()],
    ["batchnorm training", dialect.patched ? spatialTraining() : []],
  ];
  const others = operations.flatMap(([family, lines]) => lines.map((line) => ({ args: line.split(" "), family })));
  return [...planConv(dialect), ...others];
}

function typed(operation: string, types: readonly string[], options: string): string[] {
  return types.map((type) => `${operation}${type} ${options}`);
}

/** A feature map of the models: channels, height, width. */
type Shape = readonly [number, number, number];

/** Outputs of the convolutions of the models that normalise by batch; squeeze-and-excite vectors are not normalised. */
function normalisedShapes(): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const model of MODELS.filter((name) => name !== "vgg16" && name !== "sd-vae")) {
    for (const layer of modelLayers(model)) {
      const [height = 1, width = 1] = outputOf(layer);
      if (height * width > 1) shapes.set(`${layer.k} ${height} ${width}`, [layer.k, height, width]);
    }
  }
  return [...shapes.values()];
}

/** Window, stride, pad, mode, and where the models use them; forward alone, and forward with backward. */
export function poolings(): string[] {
  const used: [string, Shape[]][] = [
    ["-y 3 -x 3 -p 1 -q 1 -u 2 -v 2 -m max", [[64, 112, 112]]],
    [
      "-y 2 -x 2 -u 2 -v 2 -m max",
      [
        [64, 224, 224],
        [128, 112, 112],
        [256, 56, 56],
        [512, 28, 28],
        [512, 14, 14],
      ],
    ],
    [
      "-y 2 -x 2 -u 2 -v 2 -m max",
      [
        [64, 256, 256],
        [128, 128, 128],
        [256, 64, 64],
        [512, 32, 32],
      ],
    ],
    ["-y 5 -x 5 -p 2 -q 2 -u 1 -v 1 -m max", [[128, 20, 20]]],
    [
      "-y 2 -x 2 -u 2 -v 2 -m avg",
      [
        [128, 56, 56],
        [256, 28, 28],
        [512, 14, 14],
      ],
    ],
    [
      "-y 7 -x 7 -u 1 -v 1 -m avg",
      [
        [512, 7, 7],
        [2048, 7, 7],
      ],
    ],
  ];
  return used.flatMap(([window, shapes]) =>
    shapes.flatMap((shape) =>
      ["1", "0"].flatMap((forward) => typed("pool", ["", "fp16"], `-W 1x${shape.join("x")} ${window} -F ${forward}`)),
    ),
  );
}

/** Modes 0 to 9; the vector width of 4, 2 or 1 follows from the number of elements. */
export function activations(): string[] {
  const modes = Array.from({ length: 10 }, (_, mode) => mode);
  return modes.flatMap((mode) =>
    ["-c 64 -H 56 -W 56", "-c 1 -H 3 -W 6", "-c 1 -H 7 -W 7"].flatMap((shape) =>
      typed("activ", ["", "fp16"], `-n 1 ${shape} -m ${mode}`),
    ),
  );
}

/** Over channels: 1000 classes, YOLOv8's 16 bins and 80 classes. Instance mode does not build in stock MIOpen 3.5.1. */
export function softmaxes(): string[] {
  const shapes = ["-c 1000 -H 1 -W 1", "-c 16 -H 4 -W 8400", "-c 80 -H 1 -W 8400"];
  return shapes.flatMap((shape) =>
    ["0", "1", "2"].flatMap((algorithm) => typed("softmax", ["", "fp16"], `-n 1 ${shape} -a ${algorithm} -m 1`)),
  );
}

/** None of the models has LRN: two stems of the time when networks had it. */
function lrns(): string[] {
  const shapes = ["-c 64 -H 56 -W 56", "-c 192 -H 56 -W 56"];
  return shapes.flatMap((shape) =>
    ["cross", "within"].flatMap((mode) => typed("lrn", ["", "fp16"], `-n 1 ${shape} -m ${mode}`)),
  );
}

/** The feature vectors in front of the classifiers. */
function layernorms({ release }: Dialect): string[] {
  const widths = [512, 1024, 1280, 2048];
  const shape = (width: number) => (release === "3.4" ? `-X 1x${width}x1x1` : `-N 1 -C ${width} -H 1 -W 1`);
  return widths.flatMap((width) => typed("layernorm", ["", "fp16", "bfp16"], `${shape(width)} -o 1 -F 1`));
}

/** The key knows whether height times width is divisible by 4, and nothing else of the shape. */
function inferences(): string[] {
  return ["-H 14 -W 14", "-H 7 -W 7"].flatMap((image) =>
    ["0", "1"].flatMap((mode) => typed("bnorm", ["", "fp16", "bfp16"], `-n 1 -c 64 ${image} -m ${mode} -F 2 -r 1`)),
  );
}

/** Spatial batch norm: training with and without running statistics, backward with and without saved ones. */
export const BATCH_NORM_STEPS = ["-F 1 -s 1 -r 1", "-F 1", "-F 0 -b 1 -s 1", "-F 0 -b 1"] as const;

/** Only the type is in the key; the shapes are for the proof. */
function spatialTraining(): string[] {
  return ["-n 7 -c 5 -H 9 -W 7", "-n 2 -c 3 -H 40 -W 33"].flatMap((shape) =>
    BATCH_NORM_STEPS.flatMap((step) => typed("bnorm", ["", "fp16", "bfp16"], `${shape} -m 1 ${step}`)),
  );
}

/** Training and backward per activation: batch, channels and image are in the key, so one kernel for each shape. */
function perActivations(): string[] {
  return normalisedShapes().flatMap(([c, height, width]) =>
    ["-F 1 -s 1 -r 1", "-F 0 -b 1 -s 1"].flatMap((direction) =>
      typed("bnorm", [""], `-n 1 -c ${c} -H ${height} -W ${width} -m 0 ${direction}`),
    ),
  );
}

/** Set and scale by size class (keys.ts setTensorKey), add, multiply, minimum and maximum by vector width. */
function tensorOperations(): string[] {
  const sizes = Array.from({ length: 17 }, (_, power) => `-n 1 -c 1 -H 1 -W ${2 ** power}`);
  const scalars = ["0", "1"].flatMap((operation) => sizes.map((size) => `tensorop ${size} -o ${operation}`));
  const shapes = ["-n 1 -c 64 -H 56 -W 56", "-n 1 -c 1 -H 3 -W 6", "-n 1 -c 1 -H 7 -W 7"];
  const pairs = ["2", "3", "4", "5"].flatMap((operation) => shapes.map((shape) => `tensorop ${shape} -o ${operation}`));
  return [...scalars, ...pairs];
}
