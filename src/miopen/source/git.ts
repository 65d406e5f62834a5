import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { machineError, userError } from "../../errors.ts";
import type { Command, Exec, ExecResult } from "../../ports/exec.ts";
import { diskFull, readTextIfThere, saysDiskIsFull, sha256, writeWhole } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";
import { endingWithUs } from "../../ports/setpriv.ts";
import { withoutCredentials } from "../../secret.ts";
import { PROXIES } from "../../toolchain/debian/apt.ts";
import type { Environment } from "../../toolchain/debian/mirror.ts";
import { describeOrigin, type Origin, type SourceOption } from "./origin.ts";

export type GitOrigin = Extract<Origin, { kind: "git" }>;

export interface GitPorts {
  exec: Exec;
  log: Log;
  env: Environment;
}

/** Milliseconds without an end after which git counts as stuck; a shallow, sparse MIOpen is some 120 MB. */
const TIME_LIMIT = 30 * 60_000;

/**
 * The commit that a ref names, by asking the server; offline, or when it cannot be reached, the one that it named last time.
 * `folder` keeps what was learnt.
 */
export async function resolveCommit(
  origin: GitOrigin,
  { folder, offline, option }: { folder: string; offline: boolean; option: SourceOption },
  ports: GitPorts,
): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(origin.ref)) return origin.ref;
  const file = join(folder, `${sha256(`${origin.url}#${origin.ref}`).slice(0, 16)}.commit`);
  if (offline) {
    const known = (await readTextIfThere(file))?.trim();
    if (known !== undefined) return known;
    throw machineError(
      `offline, and the commit of ${describeOrigin(origin)} is not known`,
      `run once without offline, or give a folder with ${option}`,
    );
  }
  const result = await git(ports, ["ls-remote", "--", origin.url, origin.ref, `${origin.ref}^{}`]);
  if (result.code !== 0) throw unreachable(origin, result);
  const commit = pickCommit(result.stdout, origin.ref);
  if (commit === null) {
    throw userError(
      `${option}: ${withoutCredentials(origin.url)} has no tag or branch ${origin.ref}`,
      "give one that it has, or a whole commit of 40 digits",
    );
  }
  await writeWhole(file, `${commit}\n`);
  return commit;
}

/** The commit in the output of `git ls-remote`: a tag before a branch, the commit of an annotated tag before the tag. */
export function pickCommit(output: string, ref: string): string | null {
  const refs = new Map(output.split("\n").map((line) => line.split("\t").reverse() as [string, string]));
  for (const name of [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`, ref]) {
    const commit = refs.get(name);
    if (commit !== undefined) return commit;
  }
  return null;
}

/**
 * Checks `commit` out into `folder`: one commit deep, of a monorepo MIOpen's folder only, large files of git-lfs left as
 * pointers (they are kernel databases of other cards), and never a question for a password.
 */
export async function checkout(origin: GitOrigin, commit: string, folder: string, ports: GitPorts): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const run = async (...args: string[]) => {
    const result = await git(ports, ["-C", folder, ...args]);
    if (result.code === 0) return result;
    if (saysDiskIsFull(result.stderr)) throw diskFull(folder);
    throw unreachable(origin, result);
  };
  await run("init", "--quiet");
  await run("remote", "add", "origin", "--", origin.url);
  ports.log.info(`fetching commit ${commit.slice(0, 12)} of ${withoutCredentials(origin.url)}`);
  await fetchCommit(origin, commit, run);
  const monorepo = (await run("ls-tree", "-d", commit, "projects/miopen")).stdout.trim() !== "";
  if (monorepo) await run("sparse-checkout", "set", "projects/miopen");
  await run("checkout", "--quiet", "--detach", commit);
  await rm(join(folder, ".git"), { recursive: true, force: true });
}

type Run = (...args: string[]) => Promise<ExecResult>;

/** By commit where the server allows it, else by ref, which may have moved on. */
async function fetchCommit(origin: GitOrigin, commit: string, run: Run): Promise<void> {
  const shallow = ["fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "origin"];
  try {
    await run(...shallow, commit);
  } catch (error) {
    if (origin.ref === commit) throw error;
    await run(...shallow, origin.ref);
    const got = (await run("rev-parse", "FETCH_HEAD^{commit}")).stdout.trim();
    if (got !== commit) {
      throw machineError(`${describeOrigin(origin)} moved from ${commit} to ${got} meanwhile`, "start again");
    }
  }
}

function git({ exec, env }: GitPorts, args: readonly string[]): Promise<ExecResult> {
  const kept: Record<string, string> = {};
  for (const name of [...PROXIES, "HOME", "SSH_AUTH_SOCK", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"]) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  const own = {
    ...{ PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" },
    ...{ GIT_LFS_SKIP_SMUDGE: "1", GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "true" },
    ...{ GIT_SSH_COMMAND: "ssh -o BatchMode=yes", GIT_HTTP_LOW_SPEED_LIMIT: "1", GIT_HTTP_LOW_SPEED_TIME: "30" },
  };
  const command: Command = {
    file: "git",
    args: ["-c", "advice.detachedHead=false", ...args],
    env: { ...kept, ...own },
  };
  return exec.run(endingWithUs(command), { timeoutMs: TIME_LIMIT });
}

function unreachable(origin: GitOrigin, { stderr, timedOut, code }: ExecResult): Error {
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => /^(fatal|error|remote|ssh)/i.test(line));
  const why = timedOut ? "no end in 30 minutes" : lines.slice(0, 2).join("; ") || `git ended with ${code}`;
  if (code === 127) return machineError("git is not on this machine", "install git, or give a tarball or a folder");
  return machineError(
    `cannot fetch MIOpen's source from ${withoutCredentials(origin.url)}: ${why}`,
    "check the address and the network; a private repository needs credentials that git finds without asking",
  );
}
