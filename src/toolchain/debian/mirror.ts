import { access, constants, readdir, readFile } from "node:fs/promises";
import { machineError, userError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { networkSettings } from "./apt.ts";

/** How this host reaches Debian's archive. */
export interface HostArchive {
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
 * The archive as the host's own apt configuration has it, or `mirror` instead of the host's address.
 * Throws a user error for an address that apt could not use, and a machine error when the host has none.
 */
export async function hostArchive(options: HostOptions, exec: Exec): Promise<HostArchive> {
  const { mirror, env } = options;
  const hostEnv = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C",
    ...(env.APT_CONFIG === undefined ? {} : { APT_CONFIG: env.APT_CONFIG }),
  };
  const ask = async (file: string, ...args: string[]) => {
    const result = await exec
      .run({ file, args, env: hostEnv }, { timeoutMs: 20_000, keep: 64 << 20 })
      .catch(() => null);
    if (result?.code === 0) return result.stdout;
    throw machineError(
      `${file} ${result === null ? "is not on this machine" : `failed: ${result.stderr.trim()}`}`,
      "toolchain debian needs apt and dpkg; on another distribution give a ROCm folder with the toolchain option",
    );
  };
  const settings = [...networkSettings(await ask("apt-config", "dump")), ...(await credentials())];
  const address =
    mirror === null
      ? await mirrorOf(
          await ask(
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)",
            "Created-By: Packages",
          ),
        )
      : checkedMirror(mirror);
  return { mirror: address, keyring: options.keyring ?? (await keyring()), networkSettings: settings };
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

/** The first address in the output of `apt-get indextargets` that is Debian's main archive. */
export function debianMirror(targets: string): string | null {
  for (const line of targets.split("\n")) {
    const [address = "", release = "", component = ""] = line.split("\t");
    if (component !== "main" || !RELEASE.test(release) || /security/.test(address)) continue;
    if (/^(https?|file|mirror\+(file|https?)|tor\+https?):/.test(address)) return address;
  }
  return null;
}

async function mirrorOf(targets: string): Promise<string> {
  const found = debianMirror(targets);
  if (found === null) {
    throw machineError(
      "the apt configuration of this host names no Debian archive",
      "give the address of a Debian mirror with the debian-mirror option",
    );
  }
  const list = /^mirror\+file:(\/.*?)\/?$/.exec(found)?.[1];
  if (list === undefined) return found;
  const first = (await readFile(list, "utf8")).split(/\s+/).find((word) => /^(https?|file):/.test(word));
  if (first === undefined) {
    throw machineError(`${list} names no http, https or file address`, "give a mirror with the debian-mirror option");
  }
  return first;
}

/** `debian-mirror` as it was given, when apt can use it: http, https or file, nothing that changes a sources.list line. */
export function checkedMirror(address: string): string {
  const remedy = "give an address such as https://<host>/debian or file:/<folder>";
  if (!URL.canParse(address)) throw userError(`debian-mirror: ${JSON.stringify(address)} is not an address`, remedy);
  const url = new URL(address);
  if (!["http:", "https:", "file:"].includes(url.protocol)) {
    throw userError(`debian-mirror: ${url.protocol.slice(0, -1)} is not one of http, https, file`, remedy);
  }
  if (/[\s[\]"';]/.test(address))
    throw userError("debian-mirror: the address has a character that apt takes apart", remedy);
  return address.replace(/^file:\/*/, "file:/");
}

async function keyring(): Promise<string> {
  for (const name of ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"]) {
    const file = `/usr/share/keyrings/${name}`;
    if (await isReadable(file)) return file;
  }
  throw machineError(
    "the keys of Debian's archive are not on this machine (/usr/share/keyrings/debian-archive-keyring.gpg)",
    "install the package debian-archive-keyring",
  );
}
