import { userError } from "./errors.ts";
import type { CommandName, Inputs } from "./inputs.ts";

/** Options that mean something to some commands only. */
const FOR_COMMANDS: readonly { commands: readonly CommandName[]; names: readonly string[] }[] = [
  { commands: ["build", "kernels"], names: ["shard", "parts"] },
  { commands: ["verify"], names: ["device", "commands", "kernel-database"] },
  { commands: ["publish"], names: ["commit", "draft"] },
  { commands: ["publish", "install"], names: ["tag", "repository"] },
  { commands: ["install"], names: ["source", "attestation", "signer-workflow", "trusted-root", "fallback"] },
];

/** Throws a user error for options that cannot be meant together. */
export function refuseContradictions(inputs: Inputs): void {
  const { given } = inputs;
  for (const { commands, names } of FOR_COMMANDS) {
    for (const name of names) {
      if (given[name] === undefined || commands.includes(inputs.command)) continue;
      throw userError(
        `${name} is given, but the command is '${inputs.command}'`,
        `leave ${name} out, or use the command ${commands.join(" or ")}`,
      );
    }
  }
  for (const name of ["amd-mirror", "amd-keyring"]) {
    if (given[name] !== undefined && inputs.toolchain !== "amd" && inputs.toolchain !== "auto") {
      throw userError(
        `${name} is given, but the toolchain is '${inputs.toolchain}'`,
        `leave ${name} out, or use toolchain amd or auto`,
      );
    }
  }
  if (given.sources !== undefined && inputs.command !== "drift") {
    throw userError(
      `sources is given, but the command is '${inputs.command}'`,
      "leave sources out, or use the command drift; build takes one source with miopen-source",
    );
  }
  if (inputs.command === "drift" && given["miopen-source"] !== undefined) {
    throw userError("miopen-source is given, but the command is 'drift'", "name the sources with sources");
  }
  if (inputs.shard !== null && inputs.parts !== null && inputs.verify === "off") {
    throw userError(
      "shard and parts are both given, which asks for a share of the proofs, but verify is 'off'",
      "leave verify out, or leave shard out to put the parts together",
    );
  }
  if (inputs.kernelDatabase !== null && inputs.targets.length !== 1) {
    throw userError(
      `kernel-database is for one target, but targets are ${inputs.targets.join(", ")}`,
      "name the target that the database is for",
    );
  }
  // drift has to do with patches only, whatever miopen says
  if (inputs.miopen === "distribution" && inputs.command !== "drift") {
    for (const name of ["miopen-source", "patches"]) {
      if (given[name] !== undefined) {
        throw userError(
          `${name} is given, but miopen is 'distribution', which takes no source and no patches`,
          `leave ${name} out, or use miopen 'patched'`,
        );
      }
    }
  }
  if (inputs.offline && inputs.cache === "off") {
    throw userError("offline needs a cache, but cache is 'off'", "use cache 'local', or leave offline out");
  }
}
