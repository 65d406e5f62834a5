import { readFile } from "node:fs/promises";
import { codeOf, userError } from "../../errors.ts";
import { type FetchPorts, type Place, textAt } from "./place.ts";

/** Bundles in a text: one as JSON, several as JSON lines (`gh attestation download`), or as GitHub's API answers. */
export function parseBundles(text: string): readonly unknown[] {
  const values = parseJsonOrLines(text);
  return values.flatMap((value) => {
    const { attestations } = (value ?? {}) as { attestations?: readonly { bundle?: unknown }[] };
    return Array.isArray(attestations) ? attestations.map(({ bundle }) => bundle) : [value];
  });
}

/** A JSON text, or one a line; an array counts as its entries. Throws a SyntaxError for anything else. */
export function parseJsonOrLines(text: string): readonly unknown[] {
  try {
    const whole = JSON.parse(text) as unknown;
    return Array.isArray(whole) ? whole : [whole];
  } catch {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => JSON.parse(line) as unknown);
  }
}

/** A user's file of JSON texts. */
export async function readJsonOrLines(file: string, option: string): Promise<readonly unknown[]> {
  try {
    return parseJsonOrLines(await readFile(file, "utf8"));
  } catch (error) {
    const what = codeOf(error) === undefined ? "is no JSON" : `cannot be read (${codeOf(error)})`;
    throw userError(
      `${option}: ${file} ${what}`,
      "give a file that exists and holds JSON, or one JSON text a line",
      error,
    );
  }
}

/** Names that a file of bundles may have beside a tarball: Sigstore's, and that of `gh attestation download`. */
export function bundleNames(file: string, sha256: string): string[] {
  return [`${file}.sigstore.json`, `${file}.sigstore.jsonl`, `sha256:${sha256}.jsonl`, `sha256-${sha256}.jsonl`];
}

/** Every attestation of a digest that a place has: those kept apart from the files, and files beside the tarball. */
export async function bundlesOf(place: Place, file: string, sha256: string, ports: FetchPorts): Promise<unknown[]> {
  const bundles = [...(await place.attestations(sha256))];
  for (const name of bundleNames(file, sha256)) {
    const text = await textAt(place, name, ports);
    if (text === null) continue;
    try {
      bundles.push(...parseBundles(text));
    } catch {
      ports.log.warning(`${name} in the ${place.name} is no Sigstore bundle; it is not used`);
    }
  }
  return bundles;
}
