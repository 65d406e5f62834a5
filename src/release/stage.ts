import { copyFile, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../cache/lock.ts";
import type { Context } from "../context.ts";
import type { KernelDatabase, RocblasLibrary } from "../kernels/stages.ts";
import { runtimeOf } from "../miopen/compile/installed.ts";
import type { CompiledMiopen } from "../miopen/compile/stage.ts";
import type { Exec } from "../ports/exec.ts";
import { diskError, readTextIfThere, sha256, sha256File } from "../ports/files.ts";
import type { Target } from "../rdna1/targets.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import type { LeftOut } from "../verify/leave-out.ts";
import { type CardProof, type FileProof, type ProofRow, type Proofs, proofsText } from "../verify/proofs.ts";
import { parseChecksums } from "./checksums.ts";
import { type BuiltMiopen, type PackageInput, sourceDate } from "./input.ts";
import type { Manifest, MiopenBuild } from "./manifest.ts";
import { CHECKSUMS, makePartial, publishFiles, verifyOutput } from "./output.ts";
import { packageBuild } from "./package.ts";

/** ROCm, and the MIOpen that was compiled with it. */
export interface Made {
  toolchain: Toolchain;
  compiled: CompiledMiopen | null;
}

/** What was made for one target. */
export interface TargetPart {
  target: Target;
  rocblas: RocblasLibrary;
  kernels: KernelDatabase;
  /** null: verification was off */
  proofs: Omit<Proofs, "schema" | "device" | "cards"> | null;
  /** The same kernels on a card of this machine; null: none was asked */
  card: CardProof | null;
  /** Kernels that failed their proof and are not in `kernels` */
  leftOut: readonly LeftOut[];
}

export interface PackageResult {
  manifest: Manifest;
  rows: readonly ProofRow[];
  /** The same kernels on cards of this machine */
  cards: readonly CardProof[];
  /** Kernels that are not packaged, over all targets */
  leftOut: number;
  /** The output folder's files, absolute */
  tarball: string;
  report: string;
  /** The patched library in the cache; empty for the toolchain's own MIOpen */
  library: string;
  /** Install location that the tarball records */
  prefix: string;
  /** How much of each source file's kernels was executed with right results; empty where verify is off */
  files: readonly FileProof[];
  /** Keys of the kernel sets in the cache, one a target, blanks between */
  cacheKey: string;
}

/** Packages a build and puts it into the output folder; neither is done again when nothing changed. */
export async function packageStage(context: Context, made: Made, parts: readonly TargetPart[]): Promise<PackageResult> {
  const { inputs, log } = context;
  const rows = parts.flatMap((part) => part.proofs?.rows ?? []);
  const { toolchain, compiled } = made;
  const input = packageInput(context, made, parts, compiled === null ? await ownBuild(toolchain) : null);
  const { timings, toolchain: _, ...content } = input;
  const outcome = await context.stages.run({
    name: "package",
    parts: {
      toolchain: toolchain.digest,
      miopen: compiled?.digest ?? "distribution",
      kernels: parts.map((part) => `${part.target}=${part.kernels.sha256.slice(0, 16)}`).join(" "),
      content: sha256(JSON.stringify(content)),
      program: await programDigest(context.projectRoot),
    },
    run: async (folder) => {
      const built = await builtMiopen(made, context.exec);
      return await packageBuild({ ...input, built }, folder, { exec: context.exec });
    },
  });
  context.timings.package = outcome.seconds;
  await putInto(inputs.output, outcome.folder, context);
  const manifest = outcome.result;
  if (parts.some((part) => part.proofs === null)) log.warning("verify is off: nothing in this package has been proven");
  if (rows.length > 0) log.info(`proofs: ${proofsText(rows)}`);
  return {
    manifest,
    rows,
    cards: input.proofs.cards ?? [],
    leftOut: parts.reduce((sum, part) => sum + part.leftOut.length, 0),
    tarball: join(inputs.output, manifest.tarball.file),
    report: join(inputs.output, "report.html"),
    library: compiled === null ? "" : join(compiled.prefix, compiled.library),
    prefix: inputs.prefix,
    files: input.proofs.files ?? [],
    cacheKey: parts.map((part) => part.kernels.key).join(" "),
  };
}

/** Options that say how or where the work is done, not what comes out. */
const HOW = ["output", "parts", "jobs", "cache", "offline", "debian-mirror", "amd-mirror", "amd-keyring"];

async function builtMiopen({ toolchain, compiled }: Made, exec: Exec): Promise<BuiltMiopen | null> {
  if (compiled === null) return null;
  const { prefix, library, digest } = compiled;
  return { prefix, library, digest, needs: await runtimeOf(compiled, toolchain, exec) };
}

/** What `install` knows the toolchain's own MIOpen by on another machine. */
async function ownBuild({ paths: { miopen } }: Toolchain): Promise<MiopenBuild | null> {
  return miopen === null ? null : { bytes: (await stat(miopen)).size, sha256: await sha256File(miopen) };
}

function packageInput(
  context: Context,
  { toolchain, compiled }: Made,
  parts: readonly TargetPart[],
  build: MiopenBuild | null,
): Omit<PackageInput, "built"> {
  const { inputs } = context;
  const cards = parts.flatMap(({ card }) => card ?? []);
  const version = toolchain.miopenVersion ?? "unknown";
  const own = { version, series: null, source: "distribution", patches: [], ...(build && { build }) };
  return {
    version: context.version,
    miopen:
      compiled === null
        ? own
        : {
            version: compiled.version,
            series: compiled.series.version,
            source: compiled.source.origin,
            patches: compiled.patches.map(({ name, sha256: digest }) => ({ name, sha256: digest })),
          },
    toolchain,
    targets: inputs.targets,
    prefix: inputs.prefix,
    options: Object.fromEntries(Object.entries(inputs.given).filter(([name]) => !HOW.includes(name))),
    kernels: Object.fromEntries(
      parts.map(({ target, kernels: { path, bytes, sha256: digest, kernels } }) => [
        target,
        { path, rows: kernels.length, bytes, sha256: digest, list: kernels },
      ]),
    ),
    proofs: {
      device: "virtual",
      rows: parts.flatMap(({ proofs }) => proofs?.rows ?? []),
      files: parts.flatMap(({ proofs }) => proofs?.files ?? []),
      unproven: parts.flatMap(({ proofs }) => proofs?.unproven ?? []),
      ...(cards.length === 0 ? {} : { cards }),
    },
    overlays: parts.filter((p) => p.rocblas.overlay).map((p) => ({ target: p.target, folder: p.rocblas.folder })),
    timings: Object.fromEntries(Object.entries(context.timings).map(([name, s]) => [name, Math.round(s * 100) / 100])),
    sourceDate: sourceDate(context.env.SOURCE_DATE_EPOCH),
  };
}

/** What the packaging itself depends on: the program that runs. */
async function programDigest(projectRoot: string): Promise<string> {
  return sha256(
    await readFile(join(projectRoot, "dist/index.js")).catch(() => readFile(join(projectRoot, "package.json"))),
  );
}

/** Copies the packaged files to the output folder, unless exactly these lie there already. */
async function putInto(output: string, packaged: string, { cacheRoot, log }: Context): Promise<void> {
  await withLock(
    join(cacheRoot, "locks", `output-${sha256(output).slice(0, 16)}.lock`),
    async () => {
      const sums = await readFile(join(packaged, CHECKSUMS), "utf8");
      const reason = await verifyOutput(output);
      if (reason === null && (await readTextIfThere(join(output, CHECKSUMS))) === sums) {
        log.info(`output: ${output} is up to date`);
        return;
      }
      const partial = await makePartial(output);
      try {
        const files = [...(parseChecksums(sums)?.keys() ?? [])];
        for (const file of [...files, CHECKSUMS]) await copyFile(join(packaged, file), join(partial, file));
        await publishFiles(partial, output, files);
      } catch (error) {
        throw diskError(error, output);
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
      log.info(`output: written to ${output}${reason === null ? "" : ` (${reason})`}`);
    },
    { log },
  );
}
