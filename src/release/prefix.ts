import { chmod, copyFile, cp, mkdir, realpath, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { NO_RUNTIME } from "../c-runtime.ts";
import { machineError } from "../errors.ts";
import { sha256File } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import { activateScript } from "./activate.ts";
import { fileFact } from "./checksums.ts";
import { envProgram } from "./env-program.ts";
import { buildId, overlayFolder, type PackageInput, packageName, type RocblasOverlay } from "./input.ts";
import { type LicenseText, packageLicenses, rocblasLicense } from "./licenses.ts";
import type { FileFact, LibraryFact, Manifest, PrefixManifest } from "./manifest.ts";
import { prefixReadme } from "./prefix-readme.ts";
import { listTree } from "./tree.ts";

/** Where the manifest lies inside the prefix. */
export const PREFIX_MANIFEST = "share/rdna1-miopen/manifest.json";

/**
 * Lays out the install prefix in an empty folder and returns its manifest. The kernel databases are copied and their
 * digests checked: a machine error when one is no longer what the build recorded.
 */
export async function stagePrefix(input: PackageInput, folder: string): Promise<PrefixManifest> {
  const library = await stageMiopen(input, folder);
  const kernels = await stageKernels(input, folder);
  const script = {
    ...{ name: packageName(input), buildId: buildId(input), prefix: input.prefix },
    needs: library === null ? null : (library.needs ?? NO_RUNTIME),
  };
  await put(folder, "activate", activateScript(script));
  await put(folder, "bin/rdna1-miopen-env", envProgram(), 0o755);
  await put(folder, "share/rdna1-miopen/README.md", prefixReadme(input));
  const licenses = await packageLicenses(input.toolchain.root, input.built?.prefix ?? null);
  await putLicenses(folder, "share/rdna1-miopen/licenses", licenses);
  const manifest: PrefixManifest = { ...describeBuild(input), kernels, library, files: await factsOf(folder) };
  await put(folder, PREFIX_MANIFEST, manifestText(manifest));
  return manifest;
}

/** Lays out the prefix of a rocBLAS overlay in an empty folder. */
export async function stageOverlay(overlay: RocblasOverlay, toolchainRoot: string, folder: string): Promise<void> {
  const library = path.join(folder, overlayFolder(overlay.target));
  await cp(overlay.folder, library, { recursive: true, verbatimSymlinks: true });
  await putLicenses(folder, `share/rocblas-${overlay.target}/licenses`, [await rocblasLicense(toolchainRoot)]);
}

/** The part of a manifest that says what was built, from what. */
export function describeBuild(
  input: PackageInput,
): Pick<Manifest, "schema" | "name" | "buildId" | "prefix" | "miopen" | "rocm" | "targets"> {
  const { toolchain, miopen } = input;
  return {
    schema: 1,
    name: packageName(input),
    buildId: buildId(input),
    prefix: input.prefix,
    miopen: {
      version: miopen.version,
      patched: miopen.series !== null,
      source: miopen.source,
      patches: miopen.patches,
      ...(miopen.build && { build: miopen.build }),
    },
    rocm: {
      version: toolchain.rocmVersion,
      toolchain: toolchain.kind,
      digest: toolchain.digest,
      packages: toolchain.packages,
    },
    targets: input.targets,
  };
}

/** Two spaces of indent: `activate` looks for a line of this form. */
export function manifestText(manifest: PrefixManifest | Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Every regular file below a folder. */
export async function factsOf(folder: string): Promise<FileFact[]> {
  const { files } = await listTree(folder);
  const facts: FileFact[] = [];
  for (const file of files) facts.push(await fileFact(folder, file));
  return facts;
}

/**
 * What MIOpen installs and a package does without: a script that has the system's package manager install kernels of other
 * cards, as root.
 */
const LEFT_OUT = "libexec/miopen/install_precompiled_kernels.sh";

/** The compiled MIOpen, as it was installed; its library's size and digest, and what it needs. */
async function stageMiopen({ built }: PackageInput, folder: string): Promise<LibraryFact | null> {
  if (built === null) return null;
  await cp(built.prefix, folder, { recursive: true, verbatimSymlinks: true });
  await rm(path.join(folder, LEFT_OUT), { force: true });
  // Its folders, where nothing else is in them
  for (const above of ["libexec/miopen", "libexec"]) await rmdir(path.join(folder, above)).catch(() => {});
  const file = path.relative(folder, await realpath(path.join(folder, built.library)));
  return { ...(await fileFact(folder, file)), needs: built.needs };
}

async function stageKernels(input: PackageInput, folder: string): Promise<Manifest["kernels"]> {
  const kernels: Partial<Record<Target, FileFact & { rows: number }>> = {};
  for (const target of input.targets) {
    const database = input.kernels[target];
    if (database === undefined) throw new Error(`no kernel database for ${target}`);
    const file = `share/miopen/db/${target}.kdb`;
    const to = path.join(folder, file);
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(database.path, to);
    await chmod(to, 0o644);
    const sha256 = await sha256File(to);
    if (sha256 !== database.sha256) {
      throw machineError(
        `the kernel database ${database.path} has changed since it was checked (sha256 ${sha256}, expected ${database.sha256})`,
        "run the same command again with --cache off",
      );
    }
    kernels[target] = { file, rows: database.rows, bytes: (await stat(to)).size, sha256 };
  }
  return kernels;
}

async function putLicenses(folder: string, below: string, licenses: readonly LicenseText[]): Promise<void> {
  for (const { file, text } of licenses) await put(folder, `${below}/${file}`, text);
}

/** `mode` is set apart from writing, so that it does not depend on the umask. */
async function put(folder: string, file: string, text: string, mode = 0o644): Promise<void> {
  const to = path.join(folder, file);
  await mkdir(path.dirname(to), { recursive: true });
  await writeFile(to, text);
  await chmod(to, mode);
}
