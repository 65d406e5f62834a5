import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ARCHITECTURES, Net } from "../../src/kernels/architectures.ts";
import { parseCommands } from "../../src/kernels/commands.ts";
import { MODELS, modelFile, modelLayers, planModels } from "../../src/kernels/models.ts";

/** Convolution layers, different ones, and the parameters of convolutions and their batch norms as published. */
const published: Record<string, { layers: number; different: number; parameters?: number }> = {
  "resnet-18": { layers: 20, different: 11, parameters: 11_689_512 - 513_000 },
  "resnet-50": { layers: 53, different: 23, parameters: 25_557_032 - 2_049_000 },
  vgg16: { layers: 13, different: 9 },
  mobilenetv2: { layers: 52, different: 30, parameters: 3_504_872 - 1_281_000 },
  "mobilenetv3-large": { layers: 62, different: 44 },
  "efficientnet-b0": { layers: 81, different: 46 },
  "densenet-121": { layers: 120, different: 66 },
  unet: { layers: 23, different: 19 },
  // 433 outputs have a bias instead of two batch-norm parameters, or nothing (distribution focal loss)
  yolov8n: { layers: 64, different: 41, parameters: 3_157_200 + 434 },
  "sd-vae": { layers: 64, different: 23 },
};

test("there are ten models", () => assert.deepEqual([...MODELS].toSorted(), Object.keys(published).toSorted()));

for (const [name, { layers, different, parameters }] of Object.entries(published)) {
  test(`${name} has ${layers} convolutions, ${different} different ones`, () => {
    const net = new Net();
    ARCHITECTURES[name]?.(net);
    assert.equal(net.layers.length, layers);
    assert.equal(modelLayers(name).length, different);
    if (parameters === undefined) return;
    const weights = net.layers.map(
      (layer) => (layer.c / layer.groups) * layer.k * layer.filter.reduce((a, b) => a * b, 1) + 2 * layer.k,
    );
    assert.equal(
      weights.reduce((sum, count) => sum + count, 0),
      parameters,
    );
  });

  test(`models/${name}.txt is what the architecture gives, and is a command list`, () => {
    const text = readFileSync(new URL(`../../src/kernels/models/${name}.txt`, import.meta.url), "utf8");
    assert.equal(text, modelFile(name));
    const { commands, problems } = parseCommands(text, `${name}.txt`);
    assert.deepEqual(problems, []);
    assert.equal(commands.length, different);
  });
}

test("a plan has each layer once for each type and direction", () => {
  assert.equal(
    planModels(["resnet-18"], ["fp32", "fp16"], ["forward", "backward-data", "backward-weights"]).length,
    11 * 2 * 3,
  );
  assert.ok(planModels(["resnet-18", "resnet-50"]).length < 11 + 23, "both begin with the same layer");
});

test("an unknown model is refused", () => assert.throws(() => modelLayers("alexnet"), RangeError));
