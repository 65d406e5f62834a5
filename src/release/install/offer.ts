import { machineError, userError } from "../../errors.ts";
import type { Target } from "../../rdna1/targets.ts";
import { parseChecksums } from "../checksums.ts";
import type { FileFact, Manifest } from "../manifest.ts";
import { CHECKSUMS } from "../output.ts";
import { type Machine, type Unfit, whyNotHere } from "./machine.ts";
import { fittingPackages, overlayOf, type PackageName, parsePackageName, type Wish } from "./names.ts";
import { checkDigests, type FetchPorts, type Offered, type Place, textAt } from "./place.ts";

/** A tarball that can be had, and what it must be. */
export interface Piece {
  file: string;
  sha256: string;
  /** null: nobody has said */
  bytes: number | null;
  offered: Offered;
}

/** A package that fits, with every digest known before any of it is fetched. */
export interface Offer {
  place: Place;
  name: PackageName;
  tarball: Piece;
  /** rocBLAS overlays of the wanted targets */
  overlays: readonly Piece[];
  /** null: there is none beside the tarball */
  manifest: Manifest | null;
  /** As in the wish, for a package whose manifest is inside only */
  machine: Machine;
}

export interface OfferWish extends Wish {
  /** Targets that the package must have; empty: any */
  targets: readonly Target[];
  /** Only this file */
  file: string | null;
  /** What it has to get along with */
  machine: Machine;
}

/** Nothing fits; what there is instead is in the message. */
export class NothingFits extends Error {
  /** Whether something does but for the MIOpen of this machine */
  readonly otherMiopen: boolean;

  constructor(message: string, otherMiopen: boolean) {
    super(message);
    this.otherMiopen = otherMiopen;
  }
}

/** The best package of the first place that has one that fits. Throws {@link NothingFits} when none has. */
export async function findOffer(places: readonly Place[], wish: OfferWish, ports: FetchPorts): Promise<Offer> {
  const seen: string[] = [];
  let otherMiopen = false;
  for (const place of places) {
    // Names alone rule most places out, without fetching anything
    if (place.names !== null && fittingPackages(place.names, wish).length === 0) {
      seen.push(...described(place, place.names));
      continue;
    }
    const sums = await checksumsOf(place, wish.file, ports);
    const names = wish.file === null ? [...sums.keys()] : [wish.file].filter((name) => sums.has(name));
    for (const name of fittingPackages(names, wish)) {
      const offer = await offerOf(place, name, sums, wish, ports);
      if (!("why" in offer)) return offer;
      seen.push(offer.why);
      otherMiopen ||= offer.otherMiopen;
    }
    if (fittingPackages(names, wish).length === 0) seen.push(...described(place, names));
  }
  const there = seen.length === 0 ? "there is no release with a package" : `there is: ${seen.slice(0, 12).join("; ")}`;
  throw new NothingFits(`no package fits ${describeWish(wish)}; ${there}`, otherMiopen);
}

function described(place: Place, names: readonly string[]): string[] {
  const packages = names.map(parsePackageName).filter((name) => name !== null);
  if (packages.length === 0) return [`nothing in the ${place.name}`];
  return packages.map(({ file }) => `${file.replace(/\.tar\.zst$/, "")} in the ${place.name}`);
}

function describeWish({ rocm, targets, miopen }: OfferWish): string {
  const parts = [
    rocm === null ? "any ROCm" : `ROCm ${rocm}`,
    targets.length === 0 ? "any target" : targets.join(" and "),
    ...(miopen === null ? [] : [miopen === "patched" ? "a patched MIOpen" : "the distribution's MIOpen"]),
  ];
  return parts.join(", ");
}

/** `SHA256SUMS`, or for a single file also `<file>.sha256` beside it. */
async function checksumsOf(place: Place, file: string | null, ports: FetchPorts): Promise<Map<string, string>> {
  const candidates = file === null ? [CHECKSUMS] : [`${file}.sha256`, CHECKSUMS];
  for (const name of candidates) {
    const text = await textAt(place, name, ports);
    if (text === null) continue;
    const sums = parseChecksums(text);
    if (sums === null) {
      throw machineError(
        `${name} in the ${place.name} has a line that is no checksum`,
        "take another place or release",
      );
    }
    if (file === null || sums.has(file)) return sums;
  }
  throw userError(
    `the ${place.name} has no ${candidates.join(" and no ")} that lists ${file ?? "packages"}`,
    "bring SHA256SUMS along with the tarball: without it nobody can tell whether the tarball is whole",
  );
}

/** The offer, or why it does not fit. */
async function offerOf(
  place: Place,
  name: PackageName,
  sums: ReadonlyMap<string, string>,
  { targets, machine }: OfferWish,
  ports: FetchPorts,
): Promise<Offer | Unfit> {
  const manifest = await manifestOf(place, name, sums, ports);
  const missing = manifest === null ? [] : targets.filter((target) => !manifest.targets.includes(target));
  const where = `${name.file} in the ${place.name}`;
  if (missing.length > 0) return { why: `${where} has no kernels for ${missing.join(", ")}`, otherMiopen: false };
  const unfit = manifest === null ? null : await whyNotHere(manifest, machine);
  if (unfit !== null) return { ...unfit, why: `${where}, whose ${unfit.why}` };
  const overlays = targets.map((target) => overlayOf(sums.keys(), target, name.rocm)).filter((file) => file !== null);
  const facts = new Map([manifest?.tarball, ...(manifest?.overlays ?? [])].map((fact) => [fact?.file, fact]));
  return {
    place,
    name,
    tarball: pieceOf(place, name.file, sums, facts.get(name.file)),
    overlays: overlays.map((file) => pieceOf(place, file, sums, facts.get(file))),
    manifest,
    machine,
  };
}

async function manifestOf(
  place: Place,
  { file }: PackageName,
  sums: ReadonlyMap<string, string>,
  ports: FetchPorts,
): Promise<Manifest | null> {
  const sha256 = sums.get("manifest.json");
  const text = sha256 === undefined ? null : await textAt(place, "manifest.json", ports, sha256);
  if (text === null) return null;
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.schema !== 1) {
    throw userError(
      `manifest.json in the ${place.name} is of a version that this program does not know`,
      "use a newer version of the action, or an older release",
    );
  }
  // With several tarballs in one place it belongs to one of them only
  return manifest.tarball.file === file ? manifest : null;
}

/** Every source that tells of a file must tell the same. */
function pieceOf(place: Place, file: string, sums: ReadonlyMap<string, string>, fact: FileFact | undefined): Piece {
  const sha256 = sums.get(file) ?? "";
  const offered = place.offered(file);
  if (offered === null) {
    throw userError(`the ${place.name} lists ${file}, but does not have it`, "take another place or release");
  }
  checkDigests(place, file, offered.sha256, sha256);
  checkDigests(place, file, fact?.sha256 ?? null, sha256);
  const bytes = offered.bytes ?? fact?.bytes ?? null;
  if (fact !== undefined && bytes !== fact.bytes) {
    throw machineError(
      `${file} in the ${place.name} has ${bytes} bytes, but manifest.json tells of ${fact.bytes}`,
      "do not use it; tell whoever publishes it, and take another release",
    );
  }
  return { file, sha256, bytes, offered: { ...offered, bytes, sha256 } };
}
