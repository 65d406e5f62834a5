import { join } from "node:path";
import * as core from "@actions/core";
import type { Context } from "../context.ts";
import { machineError, userError } from "../errors.ts";
import { SYSTEM_CLOCK } from "../ports/clock.ts";
import { NodeHttp } from "../ports/http.ts";
import type { Attested } from "../release/install/attestation.ts";
import { activatedEnvironment, refuseOverride } from "../release/install/environment.ts";
import { filePlace, placeOf } from "../release/install/folder-place.ts";
import { type Identity, identityOf } from "../release/install/identity.ts";
import {
  type Fit,
  fitOf,
  type Machine,
  machineHere,
  OTHER_MIOPEN,
  sayMiopen,
  whyNotHere,
} from "../release/install/machine.ts";
import { fittingPackages } from "../release/install/names.ts";
import { findOffer, NothingFits, type Offer, type OfferWish } from "../release/install/offer.ts";
import { originsOf, withOrigin } from "../release/install/origins.ts";
import type { FetchPorts, Place } from "../release/install/place.ts";
import { placeIn } from "../release/install/prefix-copy.ts";
import { type ProvenanceRequest, proveOrigin, provesEnough } from "../release/install/provenance.ts";
import type { InstallRecord } from "../release/install/record.ts";
import { GitHubPackages } from "../release/install/release-place.ts";
import { allStored, type Stored, storedPackage, storeFolder } from "../release/install/store.ts";
import { apiOf, checkToken } from "../release/publish/where.ts";
import { build } from "./build.ts";

/** What `install` has put where. */
export interface InstallResult {
  /** Folder that it is used from: `prefix`, or one in the cache */
  folder: string;
  record: InstallRecord;
  /** Whether it was there already */
  hit: boolean;
}

/** What a package must fit: what was asked for, and this machine. */
interface MachineFit extends Fit {
  machine: Machine;
}

/**
 * Finds the package that fits this machine, proves where it comes from, and puts it into the cache and, where asked, into
 * `prefix`. In a job the later steps get its environment.
 */
export async function install(context: Context): Promise<InstallResult> {
  const { inputs, log, env, exec, inAction } = context;
  const { prefix } = inputs.install;
  if (inAction) refuseOverride(env);
  if (inputs.cache === "off" && prefix === null) {
    throw userError("cache is off, so that nothing stays in the cache, but no prefix is given", "name a prefix");
  }
  const machine = await machineHere(inputs.install, env, exec);
  const fit = { ...(await fitOf(inputs.install, env, log)), machine };
  const ports = fetchPorts(context);
  const stored = await log.group("install", () => found(context, fit, ports));
  await sayMiopen(stored.record.manifest, machine, log);
  const placed = prefix === null ? stored : await placeIn(prefix, stored, log);
  if (inAction) await exportEnvironment(placed.folder, context);
  return placed;
}

function fetchPorts({ cacheRoot, log }: Context): FetchPorts {
  return { log, folder: join(storeFolder(cacheRoot), "downloads"), signal: new AbortController().signal };
}

async function found(context: Context, fit: MachineFit, ports: FetchPorts): Promise<Stored> {
  const { inputs, cacheRoot } = context;
  const { source, miopen, fallback } = inputs.install;
  if (inputs.offline && source.kind === "release") return await storedFit(context, fit);
  const file = source.kind === "file" ? (source.path.split("/").at(-1) ?? "") : null;
  const wish: OfferWish = { ...fit, miopen, file };
  try {
    const offer = await findOffer(await placesOf(context), wish, ports);
    const request = provenanceOf(context, offer.place);
    return await storedPackage(offer, cacheRoot, proverOf(offer, request, ports), ports);
  } catch (error) {
    if (!(error instanceof NothingFits)) throw error;
    if (fallback === "build") return await builtPackage(context, fit, error, ports);
    throw userError(
      error.message,
      error.otherMiopen
        ? OTHER_MIOPEN
        : "name what you want with rocm-version, targets, miopen, tag or source, or let fallback 'build' make it",
      error,
    );
  }
}

async function placesOf(context: Context): Promise<readonly Place[]> {
  const { inputs, env, log, version } = context;
  const { source } = inputs.install;
  if (source.kind !== "release") {
    const place = placeOf(source, env);
    if (inputs.offline && !place.local) {
      throw machineError(`offline, but source is ${place.name}`, "leave offline out, or give a folder of this machine");
    }
    return [place];
  }
  const repository = repositoryOf(context);
  if (repository === null) {
    throw userError("repository: it is not known whose release to install", "write --repository owner/name");
  }
  if (inputs.token !== null) checkToken(inputs.token);
  const place = { api: apiOf(env), repository, token: inputs.token, version };
  return await new GitHubPackages(place, { http: new NodeHttp(env), clock: SYSTEM_CLOCK, log }, env).places(inputs.tag);
}

/** The one that was named, else the action's own; for `uses: ./` that is the one of the workflow. */
function repositoryOf({ inputs, env }: Context): string | null {
  return inputs.repository ?? (env.GITHUB_ACTION_REPOSITORY || env.GITHUB_REPOSITORY || null);
}

function provenanceOf(context: Context, place: Pick<Place, "name" | "local" | "tag">): ProvenanceRequest {
  const { inputs, env, cacheRoot } = context;
  const { attestation, signerWorkflow, trustedRoot } = inputs.install;
  const repository = repositoryOf(context);
  const server = env.GITHUB_SERVER_URL || "https://github.com";
  const identity: Identity | null =
    repository === null ? null : identityOf(server, repository, signerWorkflow, place.tag);
  const trust = { file: trustedRoot, cache: join(cacheRoot, "sigstore"), offline: inputs.offline };
  return { place, choice: attestation, identity, trust };
}

function proverOf({ place, tarball, overlays }: Offer, request: ProvenanceRequest, ports: FetchPorts) {
  return async (proven: readonly Attested[]) =>
    proven.find((one) => provesEnough(one, request)) ??
    (await proveOrigin([tarball, ...overlays], place, request, ports));
}

/** Without a network: what lies in the cache, if it fits and was proven as far as is asked for. */
async function storedFit(context: Context, { rocm, targets, machine }: MachineFit): Promise<Stored> {
  const { inputs, cacheRoot, log } = context;
  const { miopen } = inputs.install;
  const request = provenanceOf(context, { name: "cache", local: false, tag: inputs.tag });
  for (const stored of await allStored(cacheRoot, log)) {
    const { record } = stored;
    const fits =
      fittingPackages([`${record.name}.tar.zst`], { rocm, miopen }).length > 0 &&
      targets.every((target) => record.manifest.targets.includes(target));
    const origins = originsOf(record).filter(({ tag }) => inputs.tag === null || tag === inputs.tag);
    if (!fits || origins.length === 0) continue;
    const unfit = await whyNotHere(record.manifest, machine);
    if (unfit !== null) {
      log.info(`offline: ${record.name} in the cache is not used, its ${unfit.why}`);
      continue;
    }
    const proven = origins.find(({ attested }) => provesEnough(attested, request));
    if (proven !== undefined) {
      log.info(`offline: ${record.name} from the ${proven.from} is in the cache`);
      return { ...stored, record: withOrigin(record, proven) };
    }
    log.info(`offline: ${record.name} in the cache fits, but its origin is not proven`);
  }
  throw machineError(
    `offline, and no package in the cache fits ROCm ${rocm ?? "of any version"}, ${targets.join(" and ") || "any target"}`,
    "run once without offline, or give a tarball or a folder of this machine with source",
  );
}

/** Nothing fits, and the user would rather wait: makes the package with the other inputs, and installs that. */
async function builtPackage(context: Context, fit: MachineFit, why: NothingFits, ports: FetchPorts): Promise<Stored> {
  const { inputs, log } = context;
  const targets = fit.targets.length > 0 ? fit.targets : inputs.targets;
  const rocmVersion = fit.rocm ?? inputs.rocmVersion;
  if (!/^\d+\.\d+\.\d+$/.test(rocmVersion)) {
    throw userError(
      `${why.message}, and to build one the whole release must be known: this machine's ROCm only says ${rocmVersion}`,
      `give rocm-version with three numbers, as in ${rocmVersion}.0`,
      why,
    );
  }
  log.warning(`${why.message}; it is built`);
  const { tarball } = await build({ ...context, inputs: { ...inputs, command: "build", targets, rocmVersion } });
  const file = tarball.split("/").at(-1) ?? "";
  // Whoever names another toolchain than this machine's is told what the kernels are for
  const machine = { ...fit.machine, strict: false };
  const wish: OfferWish = { rocm: null, miopen: null, targets, file, machine };
  const offer = await findOffer([filePlace(tarball)], wish, ports).catch((error: unknown) => {
    if (!(error instanceof NothingFits)) throw error;
    throw userError(
      `what was built cannot be installed here: ${error.message}`,
      "build with miopen distribution, or with the ROCm of this machine: toolchain system",
      error,
    );
  });
  // Made by this very run: nobody else can vouch for it
  return await storedPackage(offer, context.cacheRoot, async () => null, ports);
}

async function exportEnvironment(folder: string, { env, exec, log }: Context): Promise<void> {
  const changed = await activatedEnvironment(folder, env, exec);
  for (const [name, value] of Object.entries(changed)) {
    core.exportVariable(name, value);
    log.info(`${name}=${value}`);
  }
  core.exportVariable("RDNA1_MIOPEN_PREFIX", folder);
  core.addPath(join(folder, "bin"));
}
