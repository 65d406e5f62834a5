import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withLock } from "../../../src/cache/lock.ts";
import { cacheRoot } from "../../../src/cache/root.ts";
import { markUsed, removeUnused } from "../../../src/cache/unused.ts";
import { deviceSources, processorFlags } from "../../../src/device/build.ts";
import { stubAssembly } from "../../../src/device/stubs.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import type { Toolchain } from "../../../src/toolchain/toolchain.ts";
import { must, projectRoot } from "../support.ts";

/** Days after which the sources of an object that nobody used are gone. */
export const KEPT_DAYS = 7;

const SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];
const FLAGS = ["-std=c++20", "-O1", "-g1", ...SANITIZE, "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"];

/**
 * The whole device, some sources of a test and the answer to operations that it does not know, compiled by the host's
 * compiler under sanitizers: objects to be linked with `flags`. An object is kept in the user's cache for as long as
 * nothing changes that it is made from.
 */
export async function sanitizedObjects(
  toolchain: Toolchain,
  compiler: string,
  tests: readonly string[],
): Promise<{ objects: string[]; flags: readonly string[] }> {
  const home = join(cacheRoot(process.env), "test", "sanitized-objects");
  await mkdir(home, { recursive: true });
  const device = await deviceSources(projectRoot);
  const headers = device.filter((file) => file.endsWith(".hpp")).map((file) => join(projectRoot, file));
  for (const folder of new Set(tests.map(dirname))) {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".hpp")).sort();
    headers.push(...names.map((name) => join(folder, name)));
  }
  const chosen = [...FLAGS, ...(await processorFlags())];
  const common = createHash("sha256").update(JSON.stringify([compiler, chosen, toolchain.root]));
  for (const file of headers) common.update(`\0${file.slice(projectRoot.length)}\0`).update(await readFile(file));
  const base = common.digest();
  const sources = device.filter((file) => file.endsWith(".cpp")).map((file) => join(projectRoot, file));
  const objects: string[] = [];
  const build = async () => {
    const include = await mkdtemp(join(home, "include-"));
    for (const name of ["hip", "amd_comgr"]) await symlink(join(toolchain.paths.include, name), join(include, name));
    const flags = [
      ...chosen,
      "-D__HIP_PLATFORM_AMD__",
      "-isystem",
      include,
      `-I${join(projectRoot, "src/device/cpp")}`,
    ];
    const waiting = [...sources, ...tests].entries();
    const worker = async () => {
      for (const [index, source] of waiting) {
        const digest = createHash("sha256")
          .update(base)
          .update(await readFile(source))
          .digest("hex")
          .slice(0, 24);
        const object = join(home, `${basename(source, ".cpp")}-${digest}.o`);
        objects[index] = object;
        if (await markUsed(object)) continue;
        await must(compiler, [...flags, "-c", source, "-o", `${object}.new`]);
        await rename(`${object}.new`, object);
      }
    };
    await Promise.all([worker(), worker()]);
    await rm(include, { recursive: true });
    await removeUnused(home, /\.o$/, KEPT_DAYS);
    const stubs = join(home, "stubs.s");
    await writeFile(stubs, stubAssembly(["hipGraphCreate", "hipMalloc"]));
    objects.push(stubs);
  };
  await withLock(join(home, "lock"), build, { log: new TerminalLog() });
  return { objects, flags: SANITIZE };
}
