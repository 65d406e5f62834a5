import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../../../src/cache/root.ts";

/** A JSON Schema as OpenAPI 3.0 writes it. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
  /** Whether its value may hold slashes */
  "x-multi-segment"?: boolean;
}

export interface Reference {
  $ref: string;
}

interface Content {
  content?: Readonly<Record<string, { schema?: Schema }>>;
}

export interface Operation {
  description?: string;
  parameters?: readonly (Parameter | Reference)[];
  requestBody?: Content & { required?: boolean };
  responses: Readonly<Record<string, Content | Reference>>;
  /** Where it is not the API's own host */
  servers?: readonly { url: string }[];
}

/** GitHub's OpenAPI description of its REST API, as far as it is used here. */
export interface Description {
  servers: readonly { url: string }[];
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const PACKAGE = "@octokit/openapi@23.0.2";
const INTEGRITY = "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==";
const FILE = "api.github.com.json";

/**
 * The description that GitHub publishes as an npm package. Unpacked that has 400 MB, so it is no dependency: npm fetches
 * its tarball once (29 MB), and the one file of it that is used (13 MB) is kept in the cache folder. It is kept whole,
 * so that a wrong request is judged by all that GitHub offers, not by what we know of it.
 *
 * Where it is neither there nor to be fetched: why, in words. A tarball that is not the pinned one is an error.
 */
export function githubDescription(): Description | { skip: string } {
  const tools = join(cacheRoot(process.env), "tools");
  const kept = join(tools, PACKAGE.replace(/^@/, "").replaceAll("/", "-"));
  if (!existsSync(kept)) {
    mkdirSync(tools, { recursive: true });
    const aside = mkdtempSync(`${kept}.`);
    try {
      const why = fetchInto(aside);
      if (why !== null) return { skip: `${PACKAGE} is not here, and npm cannot fetch it: ${why}` };
      if (!existsSync(kept)) renameSync(aside, kept);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }
  return JSON.parse(readFileSync(join(kept, FILE), "utf8")) as Description;
}

/** Null when the file is there; else npm's own words. */
function fetchInto(folder: string): string | null {
  try {
    execFileSync("npm", ["pack", PACKAGE, "--ignore-scripts", "--loglevel=error"], { cwd: folder, stdio: "pipe" });
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string };
    return (stderr?.toString().trim() || message).split("\n").slice(0, 2).join("; ");
  }
  const [name = ""] = readdirSync(folder);
  const tarball = join(folder, name);
  const digest = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (digest !== INTEGRITY) throw new Error(`${PACKAGE} has the digest ${digest}, not ${INTEGRITY}`);
  const member = `package/generated/${FILE}`;
  const flags = ["--extract", "--gzip", "--occurrence=1", "--strip-components=2", "--no-same-owner"];
  execFileSync("tar", [...flags, `--file=${tarball}`, `--directory=${folder}`, member], { stdio: "pipe" });
  rmSync(tarball);
  return null;
}
