import { resolve } from "node:path";
import { refuseContradictions } from "./contradictions.ts";
import { userError } from "./errors.ts";
import { parseShard, type Shard } from "./kernels/shard.ts";
import { type Origin, parseOrigin } from "./miopen/source/origin.ts";
import { choice, parsePlace, words } from "./option-values.ts";
import type { ActionSpec } from "./options.ts";
import { isTarget, TARGETS, type Target, whyNotTarget } from "./rdna1/targets.ts";
import { type InstallRequest, parseInstall } from "./release/install/request.ts";
import { Secret, withoutCredentials } from "./secret.ts";
import { parseArchive } from "./toolchain/archive-address.ts";

export const COMMANDS = ["build", "kernels", "verify", "drift", "install", "publish", "doctor"] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Everything a run was asked for. Read once, checked, frozen; no one else reads options or `INPUT_*`. */
export interface Inputs {
  readonly command: CommandName;
  readonly targets: readonly Target[];
  readonly rocmVersion: string;
  /** `auto`, `system`, `debian`, `amd`, an absolute folder, or an archive (address or absolute path) with `#sha256=…` */
  readonly toolchain: string;
  readonly debianMirror: string | null;
  readonly amdMirror: string | null;
  /** Absolute path */
  readonly amdKeyring: string | null;
  readonly miopen: "patched" | "distribution";
  /** null: the release that belongs to the ROCm */
  readonly miopenSource: Origin | null;
  readonly patches: PatchChoice;
  /** What `drift` tries the patches on */
  readonly sources: readonly Origin[];
  /** `conv`, `full`, or the absolute path of a command file */
  readonly kernelSet: string;
  /** The share of the work that is to be done, and handed over; null: all of it */
  readonly shard: Shard | null;
  /** Absolute folder with what all shards have compiled, and perhaps proven; null: everything is done here */
  readonly parts: string | null;
  readonly verify: "auto" | "gpu" | "virtual" | "off";
  /** Where the command `verify` runs */
  readonly device: "auto" | "virtual" | "gpu";
  /** Absolute path of the command file that `verify` is to prove; null: the kernel set */
  readonly commands: string | null;
  /** Absolute path of the database that `verify` is to prove; null: the one that `build` makes */
  readonly kernelDatabase: string | null;
  /** Install location that a build records */
  readonly prefix: string;
  /** What `install` was asked for */
  readonly install: InstallRequest;
  /** Absolute folder */
  readonly output: string;
  /** Processes at once; null: from cores and free memory */
  readonly jobs: number | null;
  readonly cache: "auto" | "actions" | "local" | "off";
  readonly offline: boolean;
  /** Of the release that `publish` makes or `install` takes; null: see action.yml */
  readonly tag: string | null;
  /** `owner/name` */
  readonly repository: string | null;
  /** 40 lower-case hex digits */
  readonly commit: string | null;
  /** Whether the release stays a draft */
  readonly draft: boolean;
  readonly token: Secret | null;
  /** The raw values that were not left at their defaults, for the manifest. */
  readonly given: Readonly<Record<string, string>>;
}

/** Which patches: those of this program, with or without a folder of the user's after them, or only the user's. */
export interface PatchChoice {
  readonly bundled: boolean;
  /** Absolute folder with a `series` */
  readonly folder: string | null;
}

/** Raw option values by name; a name that is missing takes its default from `action.yml`. */
export type RawInputs = Readonly<Record<string, string>>;

/** Checks raw values and turns them into {@link Inputs}. Relative paths are taken from `cwd`. */
export function parseInputs(raw: RawInputs, spec: ActionSpec, cwd: string): Inputs {
  const given: Record<string, string> = {};
  const values = new Map<string, string>();
  for (const option of spec.options) {
    const value = (raw[option.name] ?? "").trim();
    if (value !== "" && value !== option.default && !option.secret) given[option.name] = withoutCredentials(value);
    values.set(option.name, value === "" ? option.default : value);
  }
  const get = (name: string) => values.get(name) ?? "";
  const oneOf = <T extends string>(name: string, allowed: readonly T[]): T => choice(name, get(name), allowed);
  const file = (name: string) => (get(name) === "" ? null : resolve(cwd, get(name)));

  const targets = parseTargets(get("targets"));
  const rocmVersion = parseVersion(get("rocm-version"));
  const prefix = get("prefix") === "" ? null : parsePrefix(get("prefix"));

  const inputs: Inputs = {
    command: oneOf("command", COMMANDS),
    targets: targets ?? ["gfx1010"],
    rocmVersion: rocmVersion ?? ROCM_VERSION,
    toolchain: parseToolchain(get("toolchain"), cwd),
    debianMirror: parseMirror("debian-mirror", get("debian-mirror")),
    amdMirror: parseMirror("amd-mirror", get("amd-mirror")),
    amdKeyring: file("amd-keyring"),
    miopen: parseMiopen(
      get("miopen"),
      get("command"),
      ["miopen-source", "patches"].some((name) => name in given),
    ),
    miopenSource: get("miopen-source") === "" ? null : parseOrigin(get("miopen-source"), cwd),
    patches: parsePatches(get("patches"), cwd),
    sources: words(get("sources")).map((text) => parseOrigin(text, cwd, "sources")),
    kernelSet: parsePlace("kernel-set", get("kernel-set"), ["conv", "full"], cwd),
    shard: parseShard(get("shard")),
    parts: file("parts"),
    verify: oneOf("verify", ["auto", "gpu", "virtual", "off"]),
    device: oneOf("device", ["auto", "virtual", "gpu"]),
    commands: file("commands"),
    kernelDatabase: file("kernel-database"),
    prefix: prefix ?? PREFIX,
    install: parseInstall({ targets, rocmVersion, prefix, miopen: given.miopen ?? null, get, cwd }),
    output: resolve(cwd, get("output")),
    jobs: parseJobs(get("jobs")),
    cache: oneOf("cache", ["auto", "actions", "local", "off"]),
    offline: oneOf("offline", ["true", "false"]) === "true",
    tag: parseTag(get("tag")),
    repository: parseRepository(get("repository")),
    commit: parseCommit(get("commit")),
    draft: oneOf("draft", ["true", "false"]) === "true",
    token: get("token") === "" ? null : new Secret(get("token")),
    given: Object.freeze(given),
  };
  refuseContradictions(inputs);
  return Object.freeze(inputs);
}

/** ROCm that is built against where none is named. */
const ROCM_VERSION = "7.0.2";

/** Install location that a tarball records where none is named. */
const PREFIX = "/opt/rocm-miopen-rdna1";

/**
 * `kernels` and `verify` are for a MIOpen that exists already, and so is what `install` makes where nothing fits, unless a
 * patched one is described.
 */
function parseMiopen(text: string, command: string, described: boolean): Inputs["miopen"] {
  const word = choice("miopen", text, ["auto", "patched", "distribution"] as const);
  if (word !== "auto") return word;
  return ["kernels", "verify", "install"].includes(command) && !described ? "distribution" : "patched";
}

/** `auto`, a folder, or `+` and a folder. */
function parsePatches(text: string, cwd: string): PatchChoice {
  if (text === "auto") return { bundled: true, folder: null };
  const bundled = text.startsWith("+");
  const folder = parsePlace("patches", bundled ? text.slice(1) : text, ["auto"], cwd);
  return folder === "auto" ? { bundled: true, folder: null } : { bundled, folder };
}

/** null for `auto` */
function parseTargets(text: string): readonly Target[] | null {
  if (text === "auto") return null;
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  const targets = new Set<Target>();
  for (const name of names) {
    if (!isTarget(name)) {
      throw userError(`targets: ${whyNotTarget(name)}`, `allowed are ${Object.keys(TARGETS).join(", ")}`);
    }
    targets.add(name);
  }
  if (targets.size === 0)
    throw userError("targets: no target is named", `allowed are ${Object.keys(TARGETS).join(", ")}`);
  return Object.freeze([...targets].sort());
}

/** null for `auto` */
function parseVersion(text: string): string | null {
  if (text === "auto") return null;
  if (/^\d+\.\d+\.\d+$/.test(text)) return text;
  throw userError(`rocm-version: '${text}' is not a version`, "give all three numbers, as in 7.2.4");
}

function parseToolchain(text: string, cwd: string): string {
  const archive = parseArchive(text);
  if (archive === null) return parsePlace("toolchain", text, ["auto", "system", "debian", "amd"], cwd);
  const { address, sha256 } = archive;
  const place = /^https?:/i.test(address) ? address : resolve(cwd, address.replace(/^file:\/*/, "/"));
  return `${place}#sha256=${sha256}`;
}

function parseMirror(name: string, text: string): string | null {
  if (text === "") return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw userError(`${name}: '${text}' is not an address`, "write it with http://, https:// or file://");
  }
  if (!["http:", "https:", "file:"].includes(url.protocol)) {
    throw userError(`${name}: '${url.protocol}' is not allowed`, "allowed are http://, https:// and file://");
  }
  return text.replace(/\/+$/, "");
}

function parsePrefix(text: string): string {
  if (text.startsWith("/") && !text.split("/").includes("..") && !/\s|["'$`\\]/.test(text)) return text;
  throw userError(
    `prefix: '${text}' is not an absolute path in plain characters`,
    "write it as in /opt/rocm-miopen-rdna1",
  );
}

function parseJobs(text: string): number | null {
  if (text === "auto") return null;
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= 256) return jobs;
  throw userError(`jobs: '${text}' is not allowed`, "allowed are auto, or a whole number from 1 to 256");
}

/** What git allows as a tag's name [git-check-ref-format]. */
function parseTag(text: string): string | null {
  if (text === "") return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  const wrong = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|\/\.|[/.]$|\.lock(\/|$)|^@$|^refs\//;
  if (!wrong.test(text)) return text;
  throw userError(`tag: '${text}' is not allowed as the name of a tag`, "write the bare name, as in v1.2.3");
}

function parseRepository(text: string): string | null {
  if (text === "") return null;
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*\/(?!\.{1,2}$)[A-Za-z0-9._-]+$/.test(text)) return text;
  throw userError(`repository: '${text}' is not a repository`, "write it as owner/name, without an address");
}

function parseCommit(text: string): string | null {
  if (text === "") return null;
  if (/^[0-9a-f]{40}$/i.test(text)) return text.toLowerCase();
  throw userError(`commit: '${text}' is not a whole commit id`, "give all 40 digits: git rev-parse HEAD");
}
