import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { resolve as absolute, join } from "node:path";
import { machineError, type RdnaError } from "../../errors.ts";
import type { Command, Exec, ExecResult } from "../../ports/exec.ts";
import type { Log } from "../../ports/log.ts";
import { NoSuchRelease } from "../no-release.ts";
import { isPruned } from "../prune.ts";
import {
  type AptPlan,
  type ArchivePackage,
  aptConf,
  PROXIES,
  parseMadison,
  parseUris,
  preferences,
  releaseDates,
  sourcesList,
} from "./apt.ts";
import type { Environment } from "./mirror.ts";
import { withParent } from "./parent.ts";
import { hostPolicy, POLICY, withSha1Keys } from "./policy.ts";
import type { Recipe } from "./recipe.ts";

export interface ArchivePorts {
  exec: Exec;
  log: Log;
  env: Environment;
  signal?: AbortSignal;
}

/**
 * Asks the archive which package files make the wanted ROCm: updates the lists of the isolated apt, resolves, and leaves
 * out what the recipe names. Throws a machine error when the archive cannot be reached or is not what it should be, and a
 * user error when it has another ROCm.
 */
export async function resolvePackages(plan: AptPlan, recipe: Recipe, ports: ArchivePorts): Promise<ArchivePackage[]> {
  await configureApt(plan);
  await update(plan, recipe, ports);
  await sayExpired(plan, ports.log);
  const all = await resolve(plan, recipe, ports);
  return all.filter(({ name }) => !isPruned(name, recipe.prunedPackages));
}

/** Makes the folder of the isolated apt, so that its programs can be started. */
export async function configureApt(plan: AptPlan): Promise<void> {
  for (const folder of [
    "etc/apt.conf.d",
    "etc/preferences.d",
    "state/lists/partial",
    "cache/archives/partial",
    "log",
  ]) {
    await mkdir(join(plan.dir, folder), { recursive: true });
  }
  await writeFile(join(plan.dir, "status"), "");
  await writeFile(join(plan.dir, "apt.conf"), aptConf(plan));
  await writeFile(join(plan.dir, "etc/sources.list"), sourcesList(plan));
  await writeFile(join(plan.dir, "etc/preferences"), preferences(plan.pinned));
}

/** An apt program that knows nothing but the folder of `plan`. */
export function aptCommand(plan: Pick<AptPlan, "dir">, env: Environment, file: string, ...args: string[]): Command {
  const proxies: Record<string, string> = {};
  for (const name of PROXIES) {
    const value = env[name];
    if (value !== undefined) proxies[name] = value;
  }
  const own = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", APT_CONFIG: join(plan.dir, "apt.conf") };
  return withParent({ file, args, env: { ...proxies, ...own }, cwd: plan.dir });
}

function run(plan: AptPlan, ports: ArchivePorts, file: string, ...args: string[]): Promise<ExecResult> {
  return runCommand(aptCommand(plan, ports.env, file, ...args), ports);
}

async function runCommand(command: Command, { exec, signal }: ArchivePorts): Promise<ExecResult> {
  const result = await exec.run(command, { timeoutMs: 240_000, keep: 16 << 20, ...(signal && { signal }) });
  signal?.throwIfAborted();
  return result;
}

async function update(plan: AptPlan, recipe: Recipe, ports: ArchivePorts): Promise<void> {
  ports.log.info(`asking the archive at ${plan.sources.map(({ uri }) => uri).join(" and ")}`);
  const list = join(plan.dir, "etc/asked.list");
  const groups = [plan.sources.filter(({ sha1Key }) => !sha1Key), plan.sources.filter(({ sha1Key }) => sha1Key)];
  let cleanup = 1;
  for (const sources of groups.filter(({ length }) => length > 0)) {
    // apt has one policy for all that it verifies: what is allowed for one source must not be for another.
    const part = { ...plan, sources };
    await writeFile(list, sourcesList(part));
    // No retries: a mirror that does not answer must be an error within a minute.
    const settings = [`Dir::Etc::sourcelist=${list}`, `APT::Get::List-Cleanup=${cleanup}`, "Acquire::Retries=0"];
    const args = settings.flatMap((setting) => ["-o", setting]);
    const command = aptCommand(plan, ports.env, "apt-get", "update", "-q", ...args);
    const policy = sources.some(({ sha1Key }) => sha1Key) ? await sha1Policy(plan, ports) : {};
    const result = await runCommand({ ...command, env: { ...command.env, ...policy } }, ports);
    if (result.code !== 0) throw updateError(part, recipe, result, ports);
    cleanup = 0;
  }
}

/** The environment in which sqv takes keys that SHA-1 binds: by the user's own policy where there is one. */
async function sha1Policy({ dir }: AptPlan, { env }: ArchivePorts): Promise<Record<string, string>> {
  const own = env[POLICY];
  if (own !== undefined) return { [POLICY]: own && absolute(own) }; // apt runs in a folder of its own
  const file = join(dir, "etc/sequoia.config");
  await writeFile(file, withSha1Keys(await hostPolicy(env)));
  return { [POLICY]: file };
}

function updateError(plan: AptPlan, { mirrorOptions }: Recipe, result: ExecResult, { env }: ArchivePorts): RdnaError {
  const why = reasons(result);
  const named = plan.sources.find(({ uri }) => why.includes(uri)) ?? plan.sources[0];
  if (/No space left/.test(why)) return machineError(`the disk of ${plan.dir} is full`, "free space there");
  if (named !== undefined && /does not have a Release file|404 +Not Found|File not found/.test(why)) {
    return named.absent(why);
  }
  if (named?.sha1Key && /is not bound|SHA1 is not considered secure/.test(why)) {
    const own =
      env[POLICY] === undefined ? `name a policy that allows it with ${POLICY}` : `allow it in ${env[POLICY]}`;
    return machineError(
      `the policy of this host's apt refuses the key of ${named.uri}: ${why}`,
      `${own} (docs/toolchain.md), or give another mirror (${mirrorOptions})`,
    );
  }
  if (named !== undefined && /GPG error|NO_PUBKEY|EXPKEYSIG|BADSIG|not signed|OpenPGP/.test(why)) {
    return machineError(
      `the signature of ${named.uri} cannot be checked with ${named.keyring}: ${why}`,
      `${named.keyRemedy}, or give another mirror (${mirrorOptions})`,
    );
  }
  return machineError(
    `cannot reach the archive at ${named?.uri}: ${result.timedOut ? "no answer in 4 minutes" : why}`,
    `check the network and the proxy in the apt configuration, or give another mirror (${mirrorOptions})`,
  );
}

/** apt's own error lines, in one line. */
function reasons({ stderr, code }: ExecResult): string {
  const lines = stderr.split("\n").filter((line) => /^[EW]:/.test(line) && !/Some index files failed/.test(line));
  const unique = [...new Set(lines.map((line) => line.slice(2).trim()))];
  return unique.slice(0, 3).join("; ") || `apt-get ended with ${code}`;
}

async function sayExpired(plan: AptPlan, log: Log): Promise<void> {
  const lists = join(plan.dir, "state/lists");
  for (const file of (await readdir(lists)).filter((name) => /_(In)?Release$/.test(name))) {
    const { suite, date, validUntil } = releaseDates(await readFile(join(lists, file), "utf8"));
    if (validUntil === null || validUntil.getTime() > Date.now()) continue;
    log.warning(
      `the mirror's ${suite} is of ${day(date)} and was valid until ${day(validUntil)}; its signature is good, so it is used`,
    );
  }
}

function day(date: Date | null): string {
  return date?.toISOString().slice(0, 10) ?? "an unknown date";
}

async function resolve(plan: AptPlan, recipe: Recipe, ports: ArchivePorts): Promise<ArchivePackage[]> {
  const { archive, probe, releaseOf, rocmVersion, mirrorOptions } = recipe;
  const available = parseMadison((await run(plan, ports, "apt-cache", "madison", probe)).stdout);
  if (!available.some(({ version }) => releaseOf(version) === rocmVersion)) {
    const there = available.map(({ version, suite }) => `${releaseOf(version)} (${suite})`).join(", ");
    throw new NoSuchRelease(
      "user",
      `rocm-version: ${archive} has no ROCm ${rocmVersion} with MIOpen; it has ${there || "none"}`,
      "choose one of these with the rocm-version option, or use toolchain system with an installed ROCm",
    );
  }
  const result = await run(plan, ports, "apt-get", "install", "-y", "-q", "--print-uris", ...recipe.wanted);
  const packages = parseUris(result.stdout);
  if (result.code !== 0 || packages.length === 0) {
    throw machineError(
      `apt cannot put ROCm ${rocmVersion} together from ${archive}: ${unmet(result) || reasons(result)}`,
      `the archive may be in the middle of a change; try again later or give another mirror (${mirrorOptions})`,
    );
  }
  recipe.check(packages);
  return packages;
}

/** What apt prints about dependencies that it cannot meet, in one line. */
function unmet({ stdout }: ExecResult): string {
  const lines = stdout.split("\n").filter((line) => /^ \S+ : |^ {2,}(Pre)?Depends: /.test(line));
  return lines
    .slice(0, 3)
    .map((line) => line.trim().replace(/\s+/g, " "))
    .join("; ");
}

/** The upstream release of a Debian version: `7.2.4` of `7.2.4+dfsg-1`. */
export function releaseOf(version: string): string {
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? version;
}

/** Whether a Debian version is of this upstream release: `7.2.4+dfsg-1` is of 7.2.4, `7.2.40-1` is not. */
export function isRelease(version: string, release: string): boolean {
  return version.startsWith(release) && !/^[0-9.]/.test(version.slice(release.length));
}

/** MIOpen must be the wanted release; the HIP runtime and rocBLAS, which have their own point releases, of its series. */
export function checkVersions(
  packages: readonly Pick<ArchivePackage, "name" | "version">[],
  rocmVersion: string,
): void {
  const series = rocmVersion.split(".").slice(0, 2).join(".");
  for (const { name, version } of packages) {
    const good = /^libmiopen1(-tests)?$/.test(name)
      ? isRelease(version, rocmVersion)
      : !/^(libamdhip64|librocblas|libhiprtc)\d*(-\d+)?$/.test(name) || version.startsWith(`${series}.`);
    if (good) continue;
    throw machineError(
      `the archive pairs ROCm ${rocmVersion} with ${name} ${version}`,
      "choose another rocm-version, or give another mirror with the debian-mirror option",
    );
  }
}
