import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readChecks } from "../../src/verify/checks.ts";
import { PatchedMiopen, patchedMiopen, RDNA1 } from "./patched.ts";

/** An operation besides convolution, as MIOpenDriver runs it, small enough to be executed in seconds. */
interface Primitive {
  name: string;
  command: string;
  /** Comparisons with the CPU that the driver must report */
  checks: number;
  types?: readonly ("" | "fp16")[];
}

const IMAGE = "-n 2 -c 6 -H 10 -W 9";
const RNN = "-k 4 -n 3,3,2,2 -W 8 -H 8 -l 1 -F 0";

/** The primitives of facts §3: what stock MIOpen does on gfx1030, and of which it fails a quarter on RDNA1. */
const PRIMITIVES: readonly Primitive[] = [
  { name: "batch norm, spatial, training", command: `bnorm ${IMAGE} -m 1 -F 1 -s 1 -r 1`, checks: 1 },
  { name: "batch norm, spatial, backward", command: `bnorm ${IMAGE} -m 1 -F 0 -b 1 -s 1`, checks: 1 },
  { name: "batch norm, spatial, inference", command: `bnorm ${IMAGE} -m 1 -F 2 -r 1`, checks: 1 },
  { name: "batch norm, per activation, training", command: `bnorm ${IMAGE} -m 0 -F 1 -s 1 -r 1`, checks: 1 },
  // MIOpenDriver 3.4 crashes in these two without the patch driver-batchnorm
  { name: "batch norm, per activation, backward", command: `bnorm ${IMAGE} -m 0 -F 0 -b 1 -s 1`, checks: 1 },
  { name: "batch norm, per activation, backward alone", command: `bnorm ${IMAGE} -m 0 -F 0 -b 1`, checks: 1 },
  { name: "batch norm, per activation, inference", command: `bnorm ${IMAGE} -m 0 -F 2 -r 1`, checks: 1 },
  { name: "pooling, maximum", command: "pool -W 2x6x12x11 -y 3 -x 3 -p 1 -q 1 -u 2 -v 2 -m max -F 0", checks: 2 },
  { name: "pooling, average", command: "pool -W 2x6x12x11 -y 2 -x 2 -u 2 -v 2 -m avg -F 0", checks: 2 },
  { name: "softmax", command: "softmax -n 3 -c 40 -H 2 -W 3 -a 1 -m 1", checks: 2 },
  { name: "softmax, logarithmic", command: "softmax -n 3 -c 40 -H 2 -W 3 -a 2 -m 1", checks: 2 },
  // Backward in half precision ends 1e-4 away from the driver's limit of its own (docs/proofs.md)
  { name: "LRN, across channels", command: "lrn -n 2 -c 8 -H 6 -W 5 -m cross", checks: 2, types: [""] },
  { name: "LRN, within a channel", command: "lrn -n 2 -c 8 -H 6 -W 5 -m within", checks: 2 },
  { name: "activation, ReLU", command: `activ ${IMAGE} -m 3`, checks: 2 },
  { name: "activation, tanh", command: `activ ${IMAGE} -m 2`, checks: 2 },
  { name: "tensors, sum", command: `tensorop ${IMAGE} -o 2`, checks: 1, types: [""] },
  { name: "bias, forward and backward", command: "conv -n 2 -c 4 -H 7 -W 6 -k 6 -y 1 -x 1 -b 1 -F 3", checks: 3 },
  { name: "reduction, sum", command: "reduce -D 4,5,6,7 -R 0,2 -O 0", checks: 1 },
  { name: "reduction, maximum", command: "reduce -D 4,5,6,7 -R 1,3 -O 3", checks: 1 },
  { name: "dropout", command: "dropout -d 4", checks: 2 },
  { name: "layer norm", command: "layernorm -X 2x6x4x5 -o 1 -F 1", checks: 3 },
  { name: "RNN", command: `rnn ${RNN} -m relu`, checks: 3 },
  { name: "RNN with a bias", command: `rnn ${RNN} -m relu -b 1`, checks: 3 },
  { name: "LSTM with a bias", command: `rnn ${RNN} -m lstm -b 1`, checks: 3 },
  { name: "GRU with a bias", command: `rnn ${RNN} -m gru -b 1`, checks: 3 },
  { name: "CTC loss", command: "ctc -a 4 -n 2 -k 10 -l 3", checks: 2, types: [""] },
];

const found = await patchedMiopen();
const skip =
  typeof found === "string"
    ? found
    : process.env.RDNA1_TEST_FULL !== "1" && "takes minutes of compiling; RDNA1_TEST_FULL=1 runs it";

describe("the other primitives of the patched MIOpen", { skip }, () => {
  let miopen: PatchedMiopen;
  before(async () => {
    assert.ok(typeof found !== "string");
    miopen = await PatchedMiopen.start(found);
  });
  after(() => miopen?.end());

  for (const card of RDNA1) {
    for (const { name, command, checks, types = ["", "fp16"] } of PRIMITIVES) {
      for (const type of types) {
        test(`${name}, ${type || "fp32"}, on ${card}`, async () => {
          const line = `${command.replace(/^\w+/, `$&${type}`)} -V 1 -i 1`;
          const run = await miopen.succeed(line, { card, execute: true });
          const made = readChecks(run.output);
          assert.ok(made.filter(({ passed }) => passed).length >= checks, `${line}\n${run.output.slice(-3000)}`);
          assert.ok(made.every(({ passed }) => passed));
          assert.ok(run.events.some(({ event }) => event === "launch"));
          assert.deepEqual(
            run.events.filter(({ event }) => event === "fault" || event === "error"),
            [],
          );
        });
      }
    }
  }
});
