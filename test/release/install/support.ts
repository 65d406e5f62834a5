import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { CRuntime } from "../../../src/c-runtime.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import type { Target } from "../../../src/rdna1/targets.ts";
import { packageBuild } from "../../../src/release/package.ts";
import { noise, sampleInput } from "../sample.ts";
import type { ReleaseServer } from "./release-server.ts";
import type { TestSigstore } from "./sigstore.ts";

/** The name with `needs`. */
export const PATCHED = "rdna1-miopen-3.5.1-patched.1-rocm7.2.4-linux-x86_64.tar.zst";
export const PACKAGE = "rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64.tar.zst";

/**
 * Builds a package and its rocBLAS overlays as `build` does, from made-up kernels, and returns the files of its output folder. With
 * `needs` it holds a library, which needs that.
 */
export async function samplePackage(
  folder: string,
  targets: readonly Target[] = ["gfx1010"],
  needs: CRuntime | null = null,
): Promise<Record<string, Buffer>> {
  const out = path.join(folder, "out");
  const input = await sampleInput(path.join(folder, "in"), targets);
  const overlays = [];
  for (const target of targets.filter((one) => one !== "gfx1010")) {
    const library = path.join(folder, `rocblas-${target}`);
    await mkdir(library);
    await writeFile(path.join(library, `Kernels.${target}.co`), noise(target, 5000));
    overlays.push({ target, folder: library });
  }
  if (needs !== null) {
    input.built = { prefix: path.join(folder, "miopen"), library: "lib/libMIOpen.so.1", digest: "d", needs };
    const { build: _, ...miopen } = input.miopen;
    input.miopen = { ...miopen, series: 1 };
    await mkdir(path.join(folder, "miopen/lib"), { recursive: true });
    await writeFile(path.join(folder, "miopen/lib/libMIOpen.so.1"), "a library");
  }
  await packageBuild({ ...input, overlays }, out, { exec: new NodeExec() });
  const files: Record<string, Buffer> = {};
  for (const name of await readdir(out)) files[name] = await readFile(path.join(out, name));
  return files;
}

/** Has the package of a release attested as GitHub's API tells it. */
export async function attestRelease(
  server: ReleaseServer,
  sigstore: TestSigstore,
  digest: string,
  changes: Partial<Parameters<TestSigstore["attest"]>[0]> = {},
): Promise<void> {
  const bundle = await sigstore.attest({ sha256: digest, name: PACKAGE, ...changes });
  server.attestations.set(digest, [...(server.attestations.get(digest) ?? []), bundle]);
}
