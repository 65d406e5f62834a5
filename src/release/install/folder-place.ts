import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { withoutCredentials } from "../../secret.ts";
import type { Offered, Place } from "./place.ts";
import type { Source } from "./request.ts";

/** A mirror: a folder on this machine or behind an http(s) address, with SHA256SUMS and the files that it lists. */
export function mirrorPlace(address: string, proxyEnv: NodeJS.ProcessEnv): Place {
  const local = address.startsWith("file:");
  return {
    name: local ? `folder ${fileURLToPath(address)}` : `mirror ${withoutCredentials(address)}`,
    tag: null,
    page: null,
    local,
    names: null,
    offered: (name): Offered => ({
      url: `${address}/${encodeURIComponent(name)}`,
      bytes: null,
      sha256: null,
      ...(!local && { proxyEnv }),
    }),
    attestations: async () => [],
  };
}

/** The folder of one tarball; only what belongs to the tarball is looked at. */
export function filePlace(path: string): Place {
  return mirrorPlace(pathToFileURL(dirname(path)).href.replace(/\/+$/, ""), {});
}

/** The place of a source that is no release. */
export function placeOf(source: Exclude<Source, { kind: "release" }>, env: NodeJS.ProcessEnv): Place {
  return source.kind === "file" ? filePlace(source.path) : mirrorPlace(source.address, env);
}
