import type { RdnaError } from "../../errors.ts";

/**
 * Text for and from apt: pure functions, nothing is run here.
 *
 * apt works in a folder of its own: own configuration, sources, lists and an empty dpkg status, so that it resolves every
 * package from nothing, whatever the host has installed, and the host's state and hooks are never touched.
 */

/** A package file of the archive. */
export interface ArchivePackage {
  name: string;
  version: string;
  url: string;
  /** Name of the package file. */
  file: string;
  bytes: number;
  sha256: string;
}

/** An archive in a plan. */
export interface AptSource {
  uri: string;
  suites: readonly string[];
  components: readonly string[];
  /** File with the keys that may sign it. */
  keyring: string;
  /** What to do when the signature is by none of these keys. */
  keyRemedy: string;
  /** A key of it may be bound by SHA-1 signatures of its own, which apt's sqv refuses since 2026-02-01 */
  sha1Key?: boolean;
  /** The error for an address that has not these suites; `why` is what apt says. */
  absent(why: string): RdnaError;
}

export interface AptPlan {
  /** Folder with apt's own state. */
  dir: string;
  sources: readonly AptSource[];
  /** Pattern of preferred versions */
  pinned: string;
  /** Lines of the host's configuration that say how the network is reached. */
  hostSettings: readonly string[];
}

/** The suites that may have a ROCm: sid has one release, experimental often the next. */
export const SUITES = ["sid", "experimental"] as const;

/**
 * apt.conf. `Check-Valid-Until` is off because a mirror may be some weeks old, which the log says when it is so;
 * signatures and digests are checked as always. `APT::Sandbox::User` is root because the folder may be one that `_apt`
 * cannot enter; for an ordinary user the setting means nothing.
 */
export function aptConf(plan: AptPlan): string {
  const settings: readonly (readonly [string, string])[] = [
    ["Dir", plan.dir],
    ["Dir::Etc", `${plan.dir}/etc`],
    ["Dir::Etc::sourcelist", `${plan.dir}/etc/sources.list`],
    ["Dir::Etc::sourceparts", "-"],
    ["Dir::Etc::preferences", `${plan.dir}/etc/preferences`],
    ["Dir::State", `${plan.dir}/state`],
    ["Dir::State::status", `${plan.dir}/status`],
    ["Dir::Cache", `${plan.dir}/cache`],
    ["Dir::Log", `${plan.dir}/log`],
    ["APT::Architecture", "amd64"],
    ["APT::Architectures", "amd64"],
    ["APT::Install-Recommends", "false"],
    ["APT::Sandbox::User", "root"],
    ["APT::Get::AllowUnauthenticated", "false"],
    ["APT::Update::Error-Mode", "any"],
    ["Acquire::AllowInsecureRepositories", "false"],
    ["Acquire::AllowWeakRepositories", "false"],
    ["Acquire::Check-Valid-Until", "false"],
    ["Acquire::Languages", "none"],
    ["Acquire::Retries", "2"],
    ["Acquire::http::Timeout", "10"],
    ["Acquire::https::Timeout", "10"],
    ["Acquire::ForceHash", "SHA256"],
  ];
  return [...plan.hostSettings, ...settings.map(([name, value]) => `${name} "${value}";`), ""].join("\n");
}

export function sourcesList({ sources }: Pick<AptPlan, "sources">): string {
  const lines = sources.flatMap(({ uri, suites, components, keyring }) =>
    suites.map((suite) => `deb [arch=amd64 signed-by=${keyring}] ${uri} ${suite} ${components.join(" ")}\n`),
  );
  return lines.join("");
}

/**
 * Packages of these versions are preferred, whatever their suite; of all others the first suite's highest.
 * The expression is needed: apt takes no version pin for `*`.
 */
export function preferences(pinned: string): string {
  return `Package: /./\nPin: version ${pinned}\nPin-Priority: 990\n`;
}

/**
 * The lines of `apt-config dump` that say how the network is reached: proxies, certificates, address family.
 * Everything else of the host's configuration (hooks, cleaning, sandbox, lists) must not act on an isolated apt.
 */
export function networkSettings(dump: string): string[] {
  const wanted = /^(Acquire::(https?|socks[45]h?|tor)::\S|Acquire::Force(IPv4|IPv6)\s|Acquire::Check-Date\s)/;
  const refused = /^Acquire::https?::(Timeout|AllowRedirect|Pipeline-Depth|Dl-Limit)\b/;
  return dump.split("\n").filter((line) => wanted.test(line) && !refused.test(line) && !/^\S+ "";$/.test(line));
}

/** Whether these settings and proxies leave the network as it is, so that a plain HTTP client reaches the mirror as apt does. */
export function isDirect(settings: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  const proxied = PROXIES.some((name) => name !== "no_proxy" && (env[name] ?? "") !== "");
  return !proxied && settings.every((line) => line.startsWith("Acquire::Check-Date"));
}

/** The environment variables that apt's methods read. */
export const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] as const;

/** What `apt-get install --print-uris` prints with `Acquire::ForceHash` SHA256: one package file a line. */
export function parseUris(text: string): ArchivePackage[] {
  const packages: ArchivePackage[] = [];
  for (const line of text.split("\n")) {
    const match = /^'([^']+)' (([^_ ]+)_([^_ ]+)_[^_ ]+\.deb) (\d+) SHA256:([0-9a-f]{64})$/.exec(line.trim());
    if (match === null) continue;
    const [, url = "", file = "", name = "", version = "", bytes = "", sha256 = ""] = match;
    packages.push({ name, version: decodeURIComponent(version), url, file, bytes: Number(bytes), sha256 });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What `apt-cache madison <name>` prints: the versions of a package and the suites that have them. */
export function parseMadison(text: string): { version: string; suite: string }[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*\S+ \| (\S+) \| \S+ ([^/\s]+)\//.exec(line);
    return match === null ? [] : [{ version: match[1] ?? "", suite: match[2] ?? "" }];
  });
}

/** `Date` and `Valid-Until` of an InRelease file; null where a field is missing or not a date. */
export function releaseDates(text: string): { suite: string; date: Date | null; validUntil: Date | null } {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const date = (name: string) => {
    const time = Date.parse(field(name));
    return Number.isNaN(time) ? null : new Date(time);
  };
  return { suite: field("Suite"), date: date("Date"), validUntil: date("Valid-Until") };
}
