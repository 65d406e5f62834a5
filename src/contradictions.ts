import { userError } from "./errors.ts";
import type { Inputs } from "./inputs.ts";
import { usersOf } from "./option-users.ts";

/** What a user of an option that means nothing to the command is likely to want. */
const INSTEAD: Readonly<Record<string, string>> = {
  "miopen-source for drift": "name the sources with sources",
  "verify for verify": "leave verify out, or name the device with device",
  "output for install": "leave output out, or name the folder with prefix",
  "sources for build": "leave sources out, or use the command drift; build takes one source with miopen-source",
};

/** Throws a user error for options that cannot be meant together. */
export function refuseContradictions(inputs: Inputs): void {
  const { given } = inputs;
  for (const name of Object.keys(given)) refuseUseless(name, inputs);
  refuseForInstall(inputs);
  // Not so debian-mirror: workflows give it from a variable of the repository, whatever toolchain a run asks for; nor
  // trusted-root, which may stand beside an attestation that a variable switches off
  for (const name of ["amd-mirror", "amd-keyring"]) {
    if (given[name] !== undefined && inputs.toolchain !== "amd" && inputs.toolchain !== "auto") {
      throw userError(
        `${name} is given, but the toolchain is '${inputs.toolchain}'`,
        `leave ${name} out, or use toolchain amd or auto`,
      );
    }
  }
  if (given.sources !== undefined && given["rocm-version"] !== undefined) {
    throw userError(
      "rocm-version is given, but so are sources, which are tried instead of its release",
      "leave one of them out",
    );
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
  if (inputs.miopen === "distribution") {
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

/** An option that the command would not look at: whoever gives it expects something of it. */
function refuseUseless(name: string, { command, install }: Inputs): void {
  const users = usersOf(name);
  if (users === null || users.includes(command)) return;
  const instead = INSTEAD[`${name} for ${command}`];
  if (command === "install" && users.includes("fallback")) {
    if (install.fallback === "build") return;
    throw userError(
      `${name} is given, but the command is 'install', which makes nothing unless fallback is 'build'`,
      instead ?? `leave ${name} out, or use fallback 'build'`,
    );
  }
  throw userError(
    `${name} is given, but the command is '${command}'`,
    instead ?? `leave ${name} out, or use the command ${users.filter((user) => user !== "fallback").join(" or ")}`,
  );
}

function refuseForInstall({ command, given, install: { source } }: Inputs): void {
  if (command !== "install") return;
  if (given.tag !== undefined && source.kind !== "release") {
    throw userError(
      `tag is given, but the source is '${given.source}', where nothing has a tag`,
      "leave tag out, or leave source out and name the repository of the release",
    );
  }
}
