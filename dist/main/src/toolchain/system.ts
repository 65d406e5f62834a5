import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { machineError, messageOf, userError } from "../errors.ts";
import { exists } from "../ports/files.ts";
import { locateDebian, locateRocm, missingParts } from "./locate.ts";
import { miopenVersion } from "./miopen-version.ts";
import type { Toolchain, ToolchainPackage, ToolchainPaths } from "./toolchain.ts";
import { readTree } from "./tree.ts";

/**
 * A ROCm that is on this machine: AMD's layout (`/opt/rocm`), a Debian tree that was unpacked by hand, or one of our own
 * published trees (the folder with `toolchain.json`, or its `root`). Nothing in the folder is changed.
 *
 * Throws a user error when the folder has another ROCm than `rocmVersion`, or none.
 */
export async function systemToolchain(
  folder: string,
  rocmVersion: string,
  kind: "system" | "folder" = "system",
): Promise<Toolchain> {
  const own = (await readTree(folder)) ?? (await readTree(dirname(folder)));
  if (own !== null) {
    checkVersion(folder, own.rocmVersion, rocmVersion);
    const missing = await missingParts(own.paths);
    if (missing[0] !== undefined) throw machineError(`${missing[0]} is missing`, "remove the folder; it is made again");
    return own;
  }
  return rocmIn(folder, rocmVersion, kind);
}

/** As {@link systemToolchain} for a folder that is none of our trees, or that must not be believed to be one. */
export async function rocmIn(
  folder: string,
  rocmVersion: string,
  kind: "system" | "folder" | "archive",
): Promise<Toolchain> {
  const root = await realpath(folder).catch(() => {
    throw userError(`toolchain: the folder ${folder} does not exist`, "give the folder of a ROCm installation");
  });
  const version = await installedVersion(root);
  if (version === null) {
    throw userError(
      `toolchain: ${folder} is not a ROCm installation (no .info/version, no include/hip/hip_version.h)`,
      "give the folder of a ROCm installation",
    );
  }
  checkVersion(folder, version, rocmVersion);
  const debian = await isDebianTree(root);
  const paths = await (debian ? locateDebian(root) : locateRocm(root)).catch((error) => {
    throw userError(`toolchain: ${folder} is not complete: ${messageOf(error)}`, "install the missing parts of ROCm");
  });
  return {
    kind,
    root,
    rocmVersion,
    miopenVersion: paths.miopen === null ? null : await miopenVersion(paths.miopen),
    packages: await installedPackages(root, version),
    digest: await systemDigest(version, paths),
    paths,
  };
}

/**
 * The version of the ROCm in a folder: `7.2.4` from `.info/version`, else HIP's `7.2` from its header, whose third number
 * is a build count and not ROCm's. Null when there is neither.
 */
export async function installedVersion(root: string): Promise<string | null> {
  const info = await readFile(join(root, ".info/version"), "utf8").catch(() => "");
  const version = /^\d+\.\d+\.\d+/.exec(info.trim())?.[0];
  if (version !== undefined) return version;
  for (const include of ["include", "usr/include"]) {
    const header = await readFile(join(root, include, "hip/hip_version.h"), "utf8").catch(() => "");
    const part = (name: string) => new RegExp(`#define HIP_VERSION_${name} (\\d+)`).exec(header)?.[1];
    if (part("MAJOR") !== undefined && part("MINOR") !== undefined) return `${part("MAJOR")}.${part("MINOR")}`;
  }
  return null;
}

/** Whether what is installed is what was asked for, as far as both tell: `7.2` fits 7.2.4, in either order. */
export function fitsVersion(installed: string, wanted: string): boolean {
  const [a, b] = [installed.split("."), wanted.split(".")];
  return a.slice(0, b.length).every((number, at) => number === b[at]);
}

function checkVersion(folder: string, installed: string, wanted: string): void {
  if (fitsVersion(installed, wanted)) return;
  throw userError(
    `toolchain: ${folder} has ROCm ${installed}, but rocm-version is ${wanted}`,
    `use rocm-version ${installed}, or toolchain debian`,
  );
}

function isDebianTree(root: string): Promise<boolean> {
  return exists(join(root, "usr/lib64/ld-linux-x86-64.so.2"));
}

/** What `.info/version-*` of AMD's packages tell. */
async function installedPackages(root: string, version: string): Promise<ToolchainPackage[]> {
  const none = { sha256: null, bytes: null, license: null };
  const packages: ToolchainPackage[] = [{ name: "rocm", version, ...none }];
  for (const name of (await readdir(join(root, ".info")).catch(() => [])).sort()) {
    if (!name.startsWith("version-")) continue;
    const text = (await readFile(join(root, ".info", name), "utf8")).trim();
    packages.push({ name: `rocm-${name.slice("version-".length)}`, version: text, ...none });
  }
  return packages;
}

/** MIOpen by content, the other libraries by size and time: together they are several gigabytes. */
async function systemDigest(version: string, paths: ToolchainPaths): Promise<string> {
  const hash = createHash("sha256").update(`${version}\n`);
  const libraries = (await readdir(paths.hip))
    .filter((name) => /^lib(amdhip64|hiprtc|amd_comgr|rocblas|rocrand)\.so\.\d+$/.test(name))
    .sort();
  for (const name of libraries) {
    const { size, mtimeMs } = await stat(join(paths.hip, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  if (paths.miopen !== null) {
    for await (const chunk of createReadStream(paths.miopen, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
