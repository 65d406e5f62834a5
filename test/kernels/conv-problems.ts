import { optionsOf } from "../../src/kernels/commands.ts";
import type { ConvProblem } from "../../src/kernels/problem.ts";

const TYPES = { conv: "fp32", convfp16: "fp16", convbfp16: "bf16", convint8: "int8" } as const;
const DIRECTIONS = { 1: "forward", 2: "backward-data", 4: "backward-weights" } as const;

/** MIOpenDriver arguments of one direction → the problem and the solver that `-S` names, read back for comparison. */
export function problemOf(args: readonly string[]): { problem: ConvProblem; solver: string | null } {
  const options = optionsOf(args);
  const number = (letter: string, otherwise: number) => Number(options.get(letter) ?? otherwise);
  const three = number("_", 2) === 3;
  const spatial = (letters: string, otherwise: number) =>
    [...letters].slice(three ? 0 : 1).map((letter) => number(letter, otherwise));
  const problem: ConvProblem = {
    type: TYPES[args[0] as keyof typeof TYPES],
    direction: DIRECTIONS[number("F", 1) as keyof typeof DIRECTIONS],
    n: number("n", 100),
    c: number("c", 3),
    k: number("k", 32),
    groups: number("g", 1),
    input: spatial("!HW", 32),
    filter: spatial("@yx", 3),
    pad: spatial("$pq", 0),
    stride: spatial("#uv", 1),
    dilation: spatial("^lj", 1),
    layout: (options.get("I") ?? (three ? "NCDHW" : "NCHW")) as ConvProblem["layout"],
    transposed: options.get("m") === "trans",
  };
  return { problem, solver: options.get("S") ?? null };
}
