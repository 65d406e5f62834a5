import { join } from "node:path";
import { sha256 } from "../ports/files.ts";
import type { SoundToolchain } from "../toolchain/stage.ts";
import type { CompiledMiopen } from "./compile/stage.ts";

/**
 * The toolchain with a compiled MIOpen in place of its own: harvest, completeness and proofs then run that one. Its digest is
 * that of the library's and the driver's bytes, so a patch that changes neither keeps every later result.
 */
export function withMiopen(toolchain: SoundToolchain, miopen: CompiledMiopen): SoundToolchain {
  const { prefix, library, driver, version, digest } = miopen;
  return {
    ...toolchain,
    miopenVersion: version,
    digest: sha256(`${toolchain.digest}\n${digest}`),
    paths: {
      ...toolchain.paths,
      libraryPath: [join(prefix, "lib"), ...toolchain.paths.libraryPath],
      miopen: join(prefix, library),
      miopenDriver: join(prefix, driver),
    },
  };
}
