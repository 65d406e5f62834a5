import { copyFile, mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { machineError } from "../../errors.ts";
import type { Command, Exec } from "../../ports/exec.ts";
import { diskFull, exists, saysDiskIsFull } from "../../ports/files.ts";
import { endingWithUs } from "../../ports/setpriv.ts";
import { withParent } from "../../toolchain/debian/parent.ts";
import type { Toolchain } from "../../toolchain/toolchain.ts";

/**
 * How programs of a toolchain run that start other programs by name, as cmake and clang do:
 *
 * - `native`: as they are; the toolchain is installed on this host
 * - `namespace`: in the tree as root folder, in a mount namespace of their own (with a user namespace where we are not root)
 * - `bubblewrap`: the same by `bwrap`, which some hosts allow where they refuse `unshare`
 * - `chroot`: root without the right to mount (a container): in a copy of the tree made of hard links
 */
export type Method = "native" | "namespace" | "bubblewrap" | "chroot";

/** The places of a build. */
interface Places {
  source: string;
  build: string;
  /** null: this method cannot have one */
  ccache: string | null;
}

/** Where and how MIOpen is compiled. */
export interface BuildEnvironment {
  method: Method;
  /** The places as this process sees them */
  host: Places;
  /** The places as the programs see them; the same in every build, so that ccache knows files again */
  inside: Places;
  /** Makes the command that runs a program there. Nothing of our own environment reaches it. */
  command(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Command;
}

export interface EnvironmentRequest {
  toolchain: Toolchain;
  /** Folder for source and build */
  work: string;
  /** ccache's folder */
  ccache: string;
  /** Methods to try, in order; default: all that fit the toolchain and the user */
  methods?: readonly Method[];
  /** Whether this process is root; default: asked */
  isRoot?: boolean;
}

const INSIDE = { source: "/src", build: "/out", ccache: "/ccache" } as const;

/** The first method that this machine allows. Throws a machine error with the reason of each and the remedy. */
export async function openEnvironment(request: EnvironmentRequest, exec: Exec): Promise<BuildEnvironment> {
  const { toolchain, isRoot = process.getuid?.() === 0 } = request;
  const fitting: readonly Method[] =
    toolchain.paths.loader === null ? ["native"] : ["namespace", "bubblewrap", ...(isRoot ? ["chroot" as const] : [])];
  const refused: string[] = [];
  for (const method of request.methods ?? fitting) {
    const environment = await prepare(method, request, exec, isRoot);
    if (typeof environment === "string") {
      refused.push(`${method}: ${environment}`);
      continue;
    }
    const reason = method === "native" ? null : await whyRefused(environment, exec);
    if (reason === null) return environment;
    refused.push(`${method}: ${reason}`);
  }
  throw machineError(
    `MIOpen cannot be compiled in ${toolchain.root}: this machine lets nobody use it as a root folder (${refused.join("; ")})`,
    "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or install bubblewrap, or run as root, or use an installed ROCm with toolchain system",
  );
}

async function prepare(
  method: Method,
  { toolchain, work, ccache }: EnvironmentRequest,
  exec: Exec,
  isRoot: boolean,
): Promise<BuildEnvironment | string> {
  const host: Places = { source: join(work, "src"), build: join(work, "out"), ccache };
  await mkdir(host.source, { recursive: true });
  await mkdir(join(host.build, "tmp"), { recursive: true });
  await mkdir(ccache, { recursive: true });
  const { root, paths } = toolchain;
  // Debian has compilers without a version in their names only there.
  const path = `/${relative(root, paths.llvmBin)}:/usr/bin:/usr/sbin:/bin`;
  const call = (program: string, args: readonly string[], env?: Readonly<Record<string, string>>) =>
    insideCall(path, program, args, env);
  switch (method) {
    case "native": {
      const own = {
        PATH: `${paths.llvmBin}:/usr/local/bin:/usr/bin:/bin`,
        HOME: join(host.build, "tmp"),
        LC_ALL: "C.UTF-8",
      };
      const command = (file: string, args: readonly string[], env = {}) =>
        withParent({ file, args, env: { ...own, ...env }, cwd: host.build });
      return { method, host, inside: host, command };
    }
    case "namespace":
      return {
        method,
        host,
        inside: INSIDE,
        command: (...what) => inNamespace(root, host, isRoot, call(...what)),
      };
    case "bubblewrap":
      return { method, host, inside: INSIDE, command: (...what) => inBubblewrap(root, host, call(...what)) };
    case "chroot":
      return await copiedRoot(root, work, call, exec);
  }
}

/** `env -i …` in the tree: the environment is made there, whatever the programs on the way had. */
function insideCall(
  path: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string[] {
  const whole = { PATH: path, HOME: "/tmp", TMPDIR: "/tmp", LC_ALL: "C.UTF-8", ...env };
  return ["/usr/bin/env", "-i", ...Object.entries(whole).map(([name, value]) => `${name}=${value}`), program, ...args];
}

const HOST_ENV = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** A container may refuse a new /proc; the host's serves as well. */
const NAMESPACE_SCRIPT = `set -e
root=$1; src=$2; out=$3; ccache=$4; shift 4
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --bind "$src" "$root/src"
mount --bind "$out" "$root/out"
mount --bind "$out/tmp" "$root/tmp"
mount --bind "$ccache" "$root/ccache"
exec chroot "$root" "$@"`;

/** With a process namespace: when its first process ends, the kernel ends all others. */
function inNamespace(root: string, host: Places, isRoot: boolean, call: readonly string[]): Command {
  const args = [
    ...(isRoot ? [] : ["--user", "--map-root-user"]),
    ...["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"],
    ...["sh", "-c", NAMESPACE_SCRIPT, "sh", root, host.source, host.build, host.ccache ?? "", ...call],
  ];
  return endingWithUs({ file: "unshare", args, env: HOST_ENV });
}

function inBubblewrap(root: string, host: Places, call: readonly string[]): Command {
  const bind = (from: string, to: string) => ["--bind", from, to];
  const args = [
    ...["--die-with-parent", "--unshare-pid"],
    ...bind(root, "/"),
    ...["--dev", "/dev", "--proc", "/proc"],
    ...bind(join(host.build, "tmp"), "/tmp"),
    ...bind(host.source, INSIDE.source),
    ...bind(host.build, INSIDE.build),
    ...bind(host.ccache ?? "", INSIDE.ccache),
    ...["--chdir", "/", ...call],
  ];
  return endingWithUs({ file: "bwrap", args, env: HOST_ENV });
}

/** Hard links take no room; the few devices that compilers need are made. ccache's folder cannot be brought in. */
async function copiedRoot(
  root: string,
  work: string,
  call: (...what: Parameters<BuildEnvironment["command"]>) => string[],
  exec: Exec,
): Promise<BuildEnvironment | string> {
  const copy = join(work, "root");
  if (!(await exists(join(copy, "out/tmp")))) {
    await rm(copy, { recursive: true, force: true });
    const script = `set -e
cp --archive --link "$1" "$2"
rm -f "$2/dev/null"; mknod -m 666 "$2/dev/null" c 1 3; mknod -m 666 "$2/dev/zero" c 1 5; mknod -m 666 "$2/dev/urandom" c 1 9
mkdir -p "$2/src" "$2/out/tmp" "$2/tmp"; chmod 1777 "$2/tmp"`;
    const made = await exec.run(endingWithUs({ file: "sh", args: ["-c", script, "sh", root, copy], env: HOST_ENV }));
    if (made.code !== 0) {
      await rm(copy, { recursive: true, force: true });
      if (saysDiskIsFull(made.stderr)) throw diskFull(copy);
      return made.stderr.trim().split("\n")[0] ?? "the tree cannot be copied";
    }
    await copyFile("/etc/passwd", join(copy, "etc/passwd")).catch(() => {});
  }
  const host = { source: join(copy, "src"), build: join(copy, "out"), ccache: null };
  return {
    method: "chroot",
    host,
    inside: { ...INSIDE, ccache: null },
    command: (...what) => withParent({ file: "chroot", args: [copy, ...call(...what)], env: HOST_ENV }),
  };
}

/** Tries the environment; null when programs run in it and can write where they must. */
async function whyRefused({ command, inside }: BuildEnvironment, exec: Exec): Promise<string | null> {
  const script = `: > ${inside.build}/tmp/probe && : > /dev/null && rm ${inside.build}/tmp/probe`;
  const result = await exec.run(command("/bin/sh", ["-c", script]), { timeoutMs: 30_000 }).catch((error) => ({
    code: null,
    stderr: String(error),
    stdout: "",
  }));
  if (result.code === 0) return null;
  return result.stderr.trim().split("\n")[0] || `a shell in it ended with ${result.code}`;
}
