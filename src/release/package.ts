import { mkdir, open, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { codeOf, messageOf, RdnaError, userError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { checkWritableFolder, diskError } from "../ports/files.ts";
import type { Toolchain, ToolchainPackage } from "../toolchain/toolchain.ts";
import { type CardProof, countProofs, type Proofs } from "../verify/proofs.ts";
import { reportHtml } from "../verify/report.ts";
import { checksumsText, fileDigests, fileFact } from "./checksums.ts";
import { overlayName, type PackageInput, packageName } from "./input.ts";
import { declaredLicense } from "./licenses.ts";
import type { CardFact, Manifest } from "./manifest.ts";
import { assertOurs, CHECKSUMS, makePartial, publishFiles } from "./output.ts";
import { describeBuild, manifestText, PREFIX_MANIFEST, stageOverlay, stagePrefix } from "./prefix.ts";
import { spdxDocument } from "./sbom.ts";
import { writeTarball } from "./tarball.ts";

export interface PackagePorts {
  exec: Exec;
}

/**
 * Writes the output folder: tarballs, manifest.json, proofs.json, report.html, sbom.spdx.json and SHA256SUMS. Everything
 * is made in a folder of its own inside `outFolder` and then renamed into place, SHA256SUMS last: a run that is killed
 * leaves whole files only, and `verifyOutput` tells that they do not belong together. Files that are not ours stay.
 *
 * Two calls at once for one folder are the caller's to prevent (`withLock`). Throws a user error when the folder cannot
 * be written or holds somebody else's manifest, a machine error when the disk is full.
 */
export async function packageBuild(input: PackageInput, outFolder: string, ports: PackagePorts): Promise<Manifest> {
  await checkWritableFolder(outFolder, "output");
  await assertOurs(outFolder);
  // Inside the output folder: a sibling could lie on another file system, and a rename would not be one step
  const partial = await makePartial(outFolder);
  try {
    const results = path.join(partial, "out");
    await mkdir(results);
    const { manifest, files } = await writeResults(input, partial, results, ports);
    await publishFiles(results, outFolder, files);
    return manifest;
  } catch (error) {
    throw folderError(error, outFolder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function writeResults(input: PackageInput, partial: string, results: string, ports: PackagePorts) {
  const options = { exec: ports.exec, sourceDate: input.sourceDate };
  const name = packageName(input);
  const prefix = path.join(partial, "prefix");
  await mkdir(prefix);
  const inner = await stagePrefix(input, prefix);
  const tarball = await writeTarball(prefix, path.join(results, `${name}.tar.zst`), options);
  const overlays = await Promise.all(
    input.overlays.map(async (overlay) => {
      const folder = path.join(partial, `overlay-${overlay.target}`);
      await mkdir(folder);
      await stageOverlay(overlay, input.toolchain.root, folder);
      const file = `${overlayName(overlay.target, input.toolchain)}.tar.zst`;
      return writeTarball(folder, path.join(results, file), options);
    }),
  );

  const { device, rows, cards = [] } = input.proofs;
  const manifest: Manifest = {
    ...describeBuild(input),
    options: input.options,
    kernels: inner.kernels,
    proofs: { device, ...countProofs(rows), ...(cards.length === 0 ? {} : { cards: cards.map(cardFact) }) },
    library: inner.library,
    tarball,
    overlays,
    files: [...inner.files, await fileFact(prefix, PREFIX_MANIFEST)],
    timings: input.timings,
  };
  const proofs: Proofs = { schema: 1, ...input.proofs };
  const kernels = Object.fromEntries(input.targets.map((target) => [target, input.kernels[target]?.list ?? []]));
  const texts: Record<string, string> = {
    "proofs.json": `${JSON.stringify(proofs, null, 1)}\n`,
    "report.html": reportHtml({ version: input.version, manifest, proofs, kernels }),
    "sbom.spdx.json": `${JSON.stringify(await sbomOf(input, manifest, prefix, results), null, 2)}\n`,
    "manifest.json": manifestText(manifest),
  };
  for (const [file, text] of Object.entries(texts)) await writeFile(path.join(results, file), text);

  const files = [tarball.file, ...overlays.map(({ file }) => file), ...Object.keys(texts)];
  const facts = await Promise.all(files.map((file) => fileFact(results, file)));
  await writeFile(path.join(results, CHECKSUMS), checksumsText(facts));
  return { manifest, files };
}

async function sbomOf(input: PackageInput, manifest: Manifest, prefix: string, results: string) {
  const digestsOf = async (file: string) => ({ file, digests: await fileDigests(path.join(results, file)) });
  return spdxDocument({
    version: input.version,
    name: manifest.name,
    tarball: await digestsOf(manifest.tarball.file),
    files: await Promise.all(
      manifest.files.map(async ({ file }) => {
        const full = path.join(prefix, file);
        return { file, digests: await fileDigests(full), binary: file.endsWith(".kdb") || (await isElf(full)) };
      }),
    ),
    overlays: await Promise.all(
      manifest.overlays.map(async ({ file }) => ({
        ...(await digestsOf(file)),
        name: file.replace(/\.tar\.zst$/, ""),
        rocmVersion: input.toolchain.rocmVersion,
      })),
    ),
    miopen: { version: input.miopen.version, source: input.miopen.source },
    toolchain: { ...input.toolchain, packages: await withLicenses(input.toolchain) },
    sourceDate: input.sourceDate,
  });
}

async function isElf(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1") === "\x7fELF";
  } finally {
    await handle.close();
  }
}

/** Packages whose archive index says no licence (Debian's does not) get the one in their copyright file. */
async function withLicenses({ root, packages }: Toolchain): Promise<ToolchainPackage[]> {
  return Promise.all(
    packages.map(async (entry) => ({ ...entry, license: entry.license ?? (await declaredLicense(root, entry.name)) })),
  );
}

/** Puts the errors of a file system into words. */
function folderError(error: unknown, folder: string): unknown {
  if (error instanceof RdnaError) return error;
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR"].includes(codeOf(error) ?? "")) {
    const remedy = "choose another folder with --output, or change its permissions";
    return userError(`output: cannot write below ${folder}: ${messageOf(error)}`, remedy, error);
  }
  return diskError(error, folder);
}

function cardFact({ target, name, driver, standIn, rows }: CardProof): CardFact {
  return { target, name, driver, ...(standIn ? { standIn } : {}), ...countProofs(rows) };
}
