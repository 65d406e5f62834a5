import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openState } from "../card/find.ts";
import type { Exec } from "../ports/exec.ts";
import { exists, readTextIfThere } from "../ports/files.ts";
import { type BusCard, busCards, type ComputeCard, computeCards } from "../rdna1/cards.ts";
import { TARGETS } from "../rdna1/targets.ts";
import { rocmSeen } from "../release/install/machine.ts";
import { type MiopenMatch, matchMiopen, miopenHere } from "../release/install/machine-miopen.ts";
import type { PrefixManifest } from "../release/manifest.ts";
import { PREFIX_MANIFEST } from "../release/prefix.ts";

/** What is known of a machine before anything is judged. */
export interface MachineFacts {
  env: NodeJS.ProcessEnv;
  compute: readonly ComputeCard[];
  bus: readonly BusCard[];
  /** `/dev/kfd` and the render nodes of the compute cards, as far as they cannot be opened */
  closed: readonly string[];
  hasKfd: boolean;
  inContainer: boolean;
  /** Places outside of this environment that set HSA_OVERRIDE_GFX_VERSION, as `file:line` */
  overrides: readonly string[];
  rocm: RocmFacts | null;
  /** The prefix whose kernels MIOPEN_SYSTEM_DB_PATH names; a text: why it is none */
  activated: { folder: string; manifest: PrefixManifest; match: MiopenMatch } | string | null;
  /** User caches that a process made which posed as gfx1030 */
  spoofedCaches: readonly string[];
  /** Folder of PyTorch's libraries, and the architectures of its rocBLAS; null: there is no PyTorch with ROCm */
  torch: { folder: string; architectures: readonly string[] } | null;
}

export interface RocmFacts {
  folder: string;
  version: string;
  /** MIOpen's version, `unknown`, or null: there is none */
  miopen: string | null;
  /** Architectures that rocBLAS has Tensile kernels for; null: there is no rocBLAS */
  rocblas: readonly string[] | null;
}

/** Reads, opens nothing for writing, and changes nothing. `root` stands in for `/`. */
export async function machineFacts(env: NodeJS.ProcessEnv, exec: Exec, root = "/"): Promise<MachineFacts> {
  const compute = await computeCards(root);
  const hasKfd = await exists(join(root, "dev/kfd"));
  const nodes = compute.map(({ renderMinor }) => join(root, `dev/dri/renderD${renderMinor}`));
  const home = env.HOME ? join(root, env.HOME) : null;
  return {
    env,
    compute,
    bus: await busCards(root),
    closed: hasKfd ? await closedAmong([join(root, "dev/kfd"), ...nodes]) : [],
    hasKfd,
    inContainer: (await exists(join(root, ".dockerenv"))) || (await exists(join(root, "run/.containerenv"))),
    overrides: await overridesIn(root, home),
    rocm: await rocmIn(env, root),
    activated: await activatedPrefix(env, root),
    spoofedCaches: home === null ? [] : await spoofedCaches(home, compute),
    torch: await torchOf(env, exec),
  };
}

async function closedAmong(files: readonly string[]): Promise<string[]> {
  const closed: string[] = [];
  for (const file of files) {
    const state = await openState(file);
    if (state !== null && state !== "absent") closed.push(file);
  }
  return closed;
}

const SYSTEM_FILES = ["etc/environment", "etc/profile", "etc/bash.bashrc"];
const SYSTEM_FOLDERS = ["etc/profile.d", "etc/environment.d"];
const HOME_FILES = [".profile", ".bash_profile", ".bashrc", ".zshrc", ".zshenv", ".zprofile", ".pam_environment"];
const HOME_FOLDERS = [".config/environment.d", ".config/fish"];

/** `export NAME=value`, or fish's `set -gx NAME value`. */
const SETS =
  /^[^#]*(?:(?<![$\w{])HSA_OVERRIDE_GFX_VERSION(?:_\d+)?=|\bset\b[^#]*\sHSA_OVERRIDE_GFX_VERSION(?:_\d+)?\s)/;

/** Files that a login or a shell reads and that set the variable; a line that only mentions it in a comment does not. */
async function overridesIn(root: string, home: string | null): Promise<string[]> {
  const inFolder = async (folder: string) =>
    (await readdir(folder).catch(() => [])).sort().map((name) => join(folder, name));
  const files = SYSTEM_FILES.map((name) => join(root, name));
  for (const folder of SYSTEM_FOLDERS) files.push(...(await inFolder(join(root, folder))));
  if (home !== null) {
    files.push(...HOME_FILES.map((name) => join(home, name)));
    for (const folder of HOME_FOLDERS) files.push(...(await inFolder(join(home, folder))));
  }
  const found: string[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const [index, line] of text.split("\n").entries()) {
      if (SETS.test(line)) found.push(`${file}:${index + 1}`);
    }
  }
  return found;
}

async function rocmIn(env: NodeJS.ProcessEnv, root: string): Promise<RocmFacts | null> {
  const seen = await rocmSeen(env, root);
  if (seen === null) return null;
  const library = await miopenHere(env, root);
  const miopen = library === null ? null : ((await library.version()) ?? "unknown");
  const rocblas =
    (await tensileArchitectures(join(seen.folder, "lib/rocblas"))) ??
    (await tensileArchitectures(join(seen.folder, "usr/lib/x86_64-linux-gnu/rocblas")));
  return { ...seen, miopen, rocblas };
}

/** By the names of files, in `library` or in `<version>/library`. */
async function tensileArchitectures(rocblas: string): Promise<readonly string[] | null> {
  const names = await readdir(rocblas, { recursive: true }).catch(() => null);
  if (names === null) return null;
  const found = names.map((name) => /(?:^|\/)TensileLibrary.*_(gfx[0-9a-f]+)/.exec(name)?.[1] ?? "");
  return [...new Set(found)].filter((name) => name !== "").sort();
}

/** A prefix of ours has its databases in `share/miopen/db`, and its manifest two folders up. */
async function activatedPrefix(env: NodeJS.ProcessEnv, root: string): Promise<MachineFacts["activated"]> {
  const databases = env.MIOPEN_SYSTEM_DB_PATH;
  if (!databases) return null;
  const folder = join(root, databases, "../../..");
  if (!(await exists(join(root, databases)))) return `the folder ${databases} does not exist`;
  const text = await readTextIfThere(join(folder, PREFIX_MANIFEST));
  if (text === null) return `${databases} belongs to no package of rdna1-miopen`;
  try {
    const manifest = JSON.parse(text) as PrefixManifest;
    return { folder, manifest, match: await matchMiopen(manifest, await miopenHere(env, root)) };
  } catch {
    return `${join(folder, PREFIX_MANIFEST)} cannot be read`;
  }
}

/** MIOpen names a cache after the architecture and the number of work-group processors [facts: MIOpen §8]. */
async function spoofedCaches(home: string, compute: readonly ComputeCard[]): Promise<string[]> {
  if (compute.some(({ architecture }) => architecture === "gfx1030")) return [];
  const wgps = Object.values(TARGETS).flatMap((facts) => facts.wgps);
  const spoofed = new RegExp(`^gfx1030_(${wgps.join("|")})\\.`);
  const found: string[] = [];
  for (const place of [".cache/miopen", ".config/miopen"]) {
    const names = await readdir(join(home, place), { recursive: true }).catch(() => []);
    found.push(
      ...names.filter((name) => spoofed.test(name.split("/").at(-1) ?? "")).map((name) => join(home, place, name)),
    );
  }
  return found.sort();
}

/** Asks Python where PyTorch lies, without importing it. */
async function torchOf(env: NodeJS.ProcessEnv, exec: Exec): Promise<MachineFacts["torch"]> {
  const script =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  const { PATH = "/usr/bin:/bin", HOME = "/", PYTHONPATH, VIRTUAL_ENV } = env;
  const own = {
    ...(PYTHONPATH === undefined ? {} : { PYTHONPATH }),
    ...(VIRTUAL_ENV === undefined ? {} : { VIRTUAL_ENV }),
  };
  const command = { file: "python3", args: ["-c", script], env: { PATH, HOME, ...own } };
  const result = await exec.run(command, { timeoutMs: 10_000 }).catch(() => null);
  const folder = result?.code === 0 ? result.stdout.trim() : "";
  if (folder === "" || !(await exists(join(folder, "lib/libMIOpen.so")))) return null;
  return { folder, architectures: (await tensileArchitectures(join(folder, "lib/rocblas"))) ?? [] };
}
