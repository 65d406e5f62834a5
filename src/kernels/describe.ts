import type { ProofRow } from "../verify/proofs.ts";
import { type DriverCommand, optionsOf } from "./commands.ts";

/** What a command does, in the words of the proof table. */
export type CommandDescription = Pick<ProofRow, "operation" | "type" | "direction" | "layout"> & {
  /** For people: `4x32x28x28 64x3x3 s1 p1 d1 g1` for a convolution, else the options that carry sizes. */
  shape: string;
};

/** Operation, type, direction, layout and shape of a command. Total: never throws on a command that was parsed. */
export function describeCommand(command: DriverCommand): CommandDescription {
  const name = command.args[0] ?? "";
  const [operation, type] = splitType(name);
  const options = optionsOf(command.args);
  return {
    operation,
    type,
    direction: directionOf(operation, options),
    layout: layoutOf(operation, options),
    shape: operation === "conv" ? convShape(options) : sizeOptions(command.args),
  };
}

/** `convbfp16` → `conv`, `bf16`. The mixed batch-norm types count as their tensor type. */
function splitType(name: string): [string, ProofRow["type"]] {
  const match = /^(.+?)(bfp16fp32|fp16fp32|bfp16|fp16|int8)$/.exec(name);
  if (match === null) return [name, "fp32"];
  const [, operation = name, suffix = ""] = match;
  if (suffix === "int8") return [operation, "int8"];
  return [operation, suffix.startsWith("b") ? "bf16" : "fp16"];
}

function directionOf(operation: string, options: ReadonlyMap<string, string>): ProofRow["direction"] {
  const forw = options.get("F");
  if (operation === "conv") {
    const names = { 1: "forward", 2: "backward-data", 4: "backward-weights", 6: "backward" } as const;
    return names[Number(forw ?? 0) as keyof typeof names] ?? "all";
  }
  if (operation === "bnorm") return options.get("b") === "1" ? (forw === "0" ? "backward" : "all") : "forward";
  if (operation === "CBAInfer" || operation === "CAInfer" || operation === "tensorop") return "forward";
  return forw === "1" ? "forward" : forw === "2" ? "backward" : "all";
}

function layoutOf(operation: string, options: ReadonlyMap<string, string>): string {
  if (operation === "conv") return options.get("I") ?? (options.get("_") === "3" ? "NCDHW" : "NCHW");
  if (operation === "bnorm" || operation === "layernorm") {
    return options.get("L") ?? ((options.get("D") ?? "0") === "0" ? "NCHW" : "NCDHW");
  }
  return "NCHW";
}

function convShape(options: ReadonlyMap<string, string>): string {
  const get = (letter: string, otherwise: string) => options.get(letter) ?? otherwise;
  const three = get("_", "2") === "3";
  const join = (depth: string, height: string, width: string) =>
    (three ? [depth, height, width] : [height, width]).join("x");
  const input = join(get("!", "32"), get("H", "32"), get("W", "32"));
  const filter = join(get("@", "3"), get("y", "3"), get("x", "3"));
  const stride = join(get("#", "1"), get("u", "1"), get("v", "1"));
  const pad = join(get("$", "0"), get("p", "0"), get("q", "0"));
  const dilation = join(get("^", "1"), get("l", "1"), get("j", "1"));
  const mode = get("m", "conv") === "trans" ? " trans" : "";
  const batch = `${get("n", "100")}x${get("c", "3")}x${input}`;
  return `${batch} ${get("k", "32")}x${filter} s${stride} p${pad} d${dilation} g${get("g", "1")}${mode}`;
}

/** The options that are not about how to run. */
function sizeOptions(args: readonly string[]): string {
  const kept: string[] = [];
  for (let index = 1; index + 1 < args.length; index += 2) {
    if (!/^-[VitFPw]$/.test(args[index] ?? "")) kept.push(`${args[index]} ${args[index + 1]}`);
  }
  return kept.join(" ");
}
