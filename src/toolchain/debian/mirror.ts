import { access, constants, readdir, readFile } from "node:fs/promises";
import { machineError, userError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { NoSuchRelease } from "../no-release.ts";
import { type AptSource, networkSettings } from "./apt.ts";

/** How this host reaches the archive of its distribution. */
export interface HostArchive {
  distribution: "debian" | "ubuntu";
  /** The release that the host follows, without `-updates` and the like; null for a mirror that was given. */
  release: string | null;
  mirror: string;
  keyring: string;
  networkSettings: string[];
}

export interface HostOptions {
  mirror: string | null;
  env: Environment;
  keyring?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Debian's archive as the host's own apt configuration has it, or `mirror` instead of the host's address.
 * Throws a user error for an address that apt could not use, and a machine error when the host has none.
 */
export async function hostArchive(options: HostOptions, exec: Exec): Promise<HostArchive> {
  return archiveOf(options, exec, (targets) => debianArchive(targets));
}

/** As {@link hostArchive}, and Ubuntu's archive where the host follows that one; a mirror that is given is Debian's. */
export async function distributionArchive(options: HostOptions, exec: Exec): Promise<HostArchive> {
  return archiveOf(options, exec, (targets) => debianArchive(targets) ?? ubuntuArchive(targets));
}

/** What {@link distributionArchive} stands on; of the host's programs it needs apt-get, and none where a mirror is given. */
export async function distributionRelease(
  options: Omit<HostOptions, "keyring">,
  exec: Exec,
): Promise<Pick<HostArchive, "distribution" | "release">> {
  return foundArchive(options, exec, (targets) => debianArchive(targets) ?? ubuntuArchive(targets));
}

async function archiveOf(
  options: HostOptions,
  exec: Exec,
  find: (targets: string) => FoundArchive | null,
): Promise<HostArchive> {
  const dump = await askApt(options.env, exec, "apt-config", "dump");
  const settings = [...networkSettings(dump), ...(await credentials())];
  const found = await foundArchive(options, exec, find);
  const keyring = options.keyring ?? (await keyringOf(found.distribution));
  return { ...found, keyring, networkSettings: settings };
}

async function foundArchive(
  { mirror, env }: HostOptions,
  exec: Exec,
  find: (targets: string) => FoundArchive | null,
): Promise<FoundArchive> {
  if (mirror !== null) return { distribution: "debian", release: null, mirror: checkedMirror(mirror) };
  const format = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)";
  // Without release info apt names its sources even where their lists have been removed, as in container images.
  const args = ["indextargets", "--no-release-info", "--format", format, "Created-By: Packages"];
  return reached(find(await askApt(env, exec, "apt-get", ...args)));
}

/** What one of the host's own apt programs prints. */
async function askApt(env: Environment, exec: Exec, file: string, ...args: string[]): Promise<string> {
  const hostEnv = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C",
    ...(env.APT_CONFIG === undefined ? {} : { APT_CONFIG: env.APT_CONFIG }),
  };
  const result = await exec.run({ file, args, env: hostEnv }, { timeoutMs: 20_000, keep: 64 << 20 }).catch(() => null);
  if (result?.code === 0) return result.stdout;
  throw machineError(
    `${file} ${result === null ? "is not on this machine" : `failed: ${result.stderr.trim()}`}`,
    "this toolchain needs apt and dpkg; on another distribution give a ROCm folder or archive with the toolchain option",
  );
}

/** A source of Debian packages for the isolated apt. */
export function debianSource({ mirror, keyring }: HostArchive, suites: readonly string[]): AptSource {
  return {
    uri: mirror,
    suites,
    components: ["main"],
    keyring,
    keyRemedy: "update the package debian-archive-keyring",
    absent: (why) =>
      machineError(
        `${mirror} is not a Debian archive with the suites ${suites.join(" and ")}: ${why}`,
        "give another mirror with the debian-mirror option",
      ),
  };
}

/** Where apt finds passwords of archives, when this host has any that this user may read. */
async function credentials(): Promise<string[]> {
  const lines: string[] = [];
  const files = await readdir("/etc/apt/auth.conf.d").catch(() => []);
  if (files.length > 0) lines.push('Dir::Etc::netrcparts "/etc/apt/auth.conf.d";');
  if (await isReadable("/etc/apt/auth.conf")) lines.push('Dir::Etc::netrc "/etc/apt/auth.conf";');
  return lines;
}

function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** A Debian release, and not one of its additions such as `bookworm-security`. */
const RELEASE =
  /^(sid|unstable|experimental|rc-buggy|testing|stable|oldstable|oldoldstable|duke|forky|trixie|bookworm|bullseye|buster)(-updates|-backports)?$/;

type FoundArchive = Pick<HostArchive, "distribution" | "release" | "mirror">;

/** The first address in the output of `apt-get indextargets` that is Debian's main archive. */
export function debianArchive(targets: string): FoundArchive | null {
  return firstArchive(targets, "debian", (address, release, component) => {
    return component === "main" && RELEASE.test(release) && !/security/.test(address);
  });
}

/** The same for Ubuntu's, which is told from other people's archives by its component universe. */
export function ubuntuArchive(targets: string): FoundArchive | null {
  return firstArchive(targets, "ubuntu", (address, release, component) => {
    return component === "universe" && /^[a-z]+(-updates|-backports)?$/.test(release) && !/security/.test(address);
  });
}

function firstArchive(
  targets: string,
  distribution: HostArchive["distribution"],
  fits: (address: string, release: string, component: string) => boolean,
): FoundArchive | null {
  for (const line of targets.split("\n")) {
    const [address = "", release = "", component = ""] = line.split("\t");
    if (!fits(address, release, component)) continue;
    if (/^(https?|file|mirror\+(file|https?)|tor\+https?):/.test(address)) {
      return { distribution, release: release.replace(/-.*/, ""), mirror: address.replace(/\/+$/, "") };
    }
  }
  return null;
}

/** An archive whose address is that of a list of mirrors is reached through the first of them. */
async function reached(found: FoundArchive | null): Promise<FoundArchive> {
  if (found === null) {
    throw new NoSuchRelease(
      "machine",
      "the apt configuration of this host names no archive that can be used here",
      "give the address of a Debian mirror with the debian-mirror option",
    );
  }
  const list = /^mirror\+file:(\/.*?)\/?$/.exec(found.mirror)?.[1];
  if (list === undefined) return found;
  const first = (await readFile(list, "utf8")).split(/\s+/).find((word) => /^(https?|file):/.test(word));
  if (first === undefined) {
    throw machineError(`${list} names no http, https or file address`, "give a mirror with the debian-mirror option");
  }
  return { ...found, mirror: first };
}

/** A mirror as it was given, when apt can use it: http, https or file, nothing that changes a sources.list line. */
export function checkedMirror(address: string, option = "debian-mirror"): string {
  const remedy = "give an address such as https://<host>/debian or file:/<folder>";
  if (!URL.canParse(address)) throw userError(`${option}: ${JSON.stringify(address)} is not an address`, remedy);
  const url = new URL(address);
  if (!["http:", "https:", "file:"].includes(url.protocol)) {
    throw userError(`${option}: ${url.protocol.slice(0, -1)} is not one of http, https, file`, remedy);
  }
  if (/[\s[\]"';]/.test(address))
    throw userError(`${option}: the address has a character that apt takes apart`, remedy);
  return address.replace(/^file:\/*/, "file:/");
}

async function keyringOf(distribution: HostArchive["distribution"]): Promise<string> {
  for (const suffix of ["pgp", "gpg"]) {
    const file = `/usr/share/keyrings/${distribution}-archive-keyring.${suffix}`;
    if (await isReadable(file)) return file;
  }
  throw machineError(
    `the keys of the distribution's archive are not on this machine (/usr/share/keyrings/${distribution}-archive-keyring.gpg)`,
    `install the package ${distribution === "debian" ? "debian-archive-keyring" : "ubuntu-keyring"}`,
  );
}
