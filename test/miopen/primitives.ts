/** An operation of MIOpen, as MIOpenDriver runs it; `fp16`: the same with half precision where the driver has it. */
export interface Primitive {
  name: string;
  command: string;
  /** Comparisons with the CPU that the driver must report; 0 where it has none */
  checks: number;
}

const IMAGE = "-n 2 -c 6 -H 10 -W 9";

/** Operations besides convolution, forward and backward, small enough to be executed in seconds. */
export const PRIMITIVES: readonly Primitive[] = [
  { name: "batch norm, spatial, training", command: `bnorm ${IMAGE} -m 1 -F 1 -s 1 -r 1`, checks: 1 },
  { name: "batch norm, spatial, backward", command: `bnorm ${IMAGE} -m 1 -F 0 -b 1 -s 1`, checks: 1 },
  { name: "batch norm, spatial, inference", command: `bnorm ${IMAGE} -m 1 -F 2 -r 1`, checks: 1 },
  { name: "batch norm, per activation, training", command: `bnorm ${IMAGE} -m 0 -F 1 -s 1 -r 1`, checks: 1 },
  { name: "batch norm, per activation, backward", command: `bnorm ${IMAGE} -m 0 -F 0 -b 1 -s 1`, checks: 1 },
  { name: "batch norm, per activation, inference", command: `bnorm ${IMAGE} -m 0 -F 2 -r 1`, checks: 1 },
  { name: "pooling, max", command: "pool -W 2x6x12x11 -y 3 -x 3 -p 1 -q 1 -u 2 -v 2 -m max -F 0", checks: 2 },
  { name: "pooling, average", command: "pool -W 2x6x12x11 -y 2 -x 2 -u 2 -v 2 -m avg -F 0", checks: 2 },
  { name: "softmax, channels", command: "softmax -n 3 -c 40 -H 2 -W 3 -a 1 -m 1", checks: 2 },
  { name: "softmax, log", command: "softmax -n 3 -c 40 -H 2 -W 3 -a 2 -m 1", checks: 2 },
  { name: "LRN, across channels", command: "lrn -n 2 -c 8 -H 6 -W 5 -m cross", checks: 2 },
  { name: "LRN, within a channel", command: "lrn -n 2 -c 8 -H 6 -W 5 -m within", checks: 2 },
  { name: "activation, ReLU", command: `activ ${IMAGE} -m 3`, checks: 2 },
  { name: "activation, tanh", command: `activ ${IMAGE} -m 2`, checks: 2 },
  { name: "tensors, sum", command: `tensorop ${IMAGE} -o 2`, checks: 1 },
  { name: "bias, forward and backward", command: "conv -n 2 -c 4 -H 7 -W 6 -k 6 -y 1 -x 1 -b 1 -F 3", checks: 3 },
  { name: "reduction, sum", command: "reduce -D 4,5,6,7 -R 0,2 -O 0", checks: 1 },
  { name: "reduction, maximum", command: "reduce -D 4,5,6,7 -R 1,3 -O 3", checks: 1 },
  { name: "dropout", command: "dropout -d 4", checks: 2 },
  { name: "layer norm", command: "layernorm -N 2 -C 6 -H 4 -W 5 -o 1 -F 1", checks: 1 },
  { name: "RNN", command: "rnn -k 4 -n 3 -W 8 -H 8 -l 1 -m relu -F 0", checks: 3 },
  { name: "LSTM", command: "rnn -k 4 -n 3 -W 8 -H 8 -l 1 -m lstm -F 0", checks: 3 },
  { name: "GRU", command: "rnn -k 4 -n 3 -W 8 -H 8 -l 1 -m gru -F 0", checks: 3 },
  { name: "RNN with a bias", command: "rnn -k 4 -n 3 -W 8 -H 8 -l 1 -m relu -b 1 -F 0", checks: 3 },
  { name: "CTC loss", command: "ctc -a 4 -n 2 -k 10 -l 3", checks: 1 },
];
