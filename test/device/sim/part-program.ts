import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { withLock } from "../../../src/cache/lock.ts";
import { cacheRoot } from "../../../src/cache/root.ts";
import { compileAll, deviceDigest, deviceSources } from "../../../src/device/build.ts";
import { findCompiler } from "../../../src/device/compiler.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import type { Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec, projectRoot } from "../support.ts";

const CPP = "src/device/cpp";
const UNRESOLVED = "--unresolved-symbols=ignore-all";

/**
 * A test program with some of the device's sources (`parts`, tested against their paths below src/device/cpp), compiled by
 * the compiler that builds the device, once for each state of its sources; to be started by programCommand. What the
 * parts refer to besides must never be called.
 */
export async function partProgram(toolchain: Toolchain, source: string, parts: RegExp): Promise<string> {
  const name = basename(source, ".cpp");
  const hash = createHash("sha256")
    .update(toolchain.root)
    .update(await readFile(source));
  hash.update(await deviceDigest(projectRoot));
  const folder = join(cacheRoot(process.env), "test", `${name}-${hash.digest("hex").slice(0, 16)}`);
  const program = join(folder, name);
  await mkdir(folder, { recursive: true });
  const build = async () => {
    if ((await readFile(program).catch(() => null)) !== null) return;
    const work = await mkdtemp(join(folder, "work-"));
    for (const header of ["hip", "amd_comgr"]) await symlink(join(toolchain.paths.include, header), join(work, header));
    const compiler = await findCompiler(toolchain);
    const sources = (await deviceSources(projectRoot)).filter(
      (file) => file.endsWith(".cpp") && parts.test(file.slice(CPP.length + 1)),
    );
    const flags = ["-std=c++20", "-w", "-D__HIP_PLATFORM_AMD__", "-isystem", work, "-I", join(projectRoot, CPP, "sim")];
    const units = [source, ...sources.map((file) => join(projectRoot, file))].map((file) => ({
      source: file,
      flags: [...flags, /\/sim\/(?!flow|decode|registers)/.test(file) ? "-O0" : "-O1"], // hardly executed here
    }));
    const link = compiler.linkProgram(await compileAll(compiler, exec, work, units), `${program}.new`);
    const driver = !/ld\.lld|ld-linux/.test(link.file);
    const args = [...link.args, driver ? `-Wl,${UNRESOLVED}` : UNRESOLVED];
    const linked = await exec.run({ ...link, args }, { timeoutMs: 60_000 });
    if (linked.code !== 0) throw new Error(`cannot link ${name}\n${linked.stderr.slice(-3000)}`);
    await rename(`${program}.new`, program);
    await rm(work, { recursive: true });
  };
  await withLock(join(folder, "lock"), build, { log: new TerminalLog() });
  return program;
}
