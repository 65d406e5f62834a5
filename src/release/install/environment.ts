import { join } from "node:path";
import { userError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { ACTIVATED_VARIABLES } from "../activate.ts";

/** What the script of a prefix makes of an environment: names and new values. */
export async function activatedEnvironment(
  prefix: string,
  env: NodeJS.ProcessEnv,
  exec: Exec,
): Promise<Record<string, string>> {
  const before: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) before[name] = value;
  // The search path of an earlier step's installation, else it would be there twice
  const own = `${join(prefix, "lib")}:`;
  const paths = before.LD_LIBRARY_PATH ?? "";
  if (`${paths}:`.startsWith(own)) before.LD_LIBRARY_PATH = paths.slice(own.length);
  const result = await exec.run({ file: "sh", args: [join(prefix, "bin/rdna1-miopen-env"), "env", "-0"], env: before });
  if (result.code !== 0) {
    const why = result.stderr.trim().replace(/^rdna1-miopen: /gm, "");
    throw userError(
      `${prefix} is installed, but its environment cannot be set: ${why}`,
      "change the environment as it says",
    );
  }
  const after = new Map(
    result.stdout.split("\0").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const changed: Record<string, string> = {};
  for (const name of ACTIVATED_VARIABLES) {
    const value = after.get(name);
    if (value !== undefined && value !== env[name]) changed[name] = value;
  }
  return changed;
}

/** A process with this variable is refused by `activate`; said before anything is fetched. */
export function refuseOverride(env: NodeJS.ProcessEnv): void {
  const value = env.HSA_OVERRIDE_GFX_VERSION;
  if (value === undefined) return;
  throw userError(
    `HSA_OVERRIDE_GFX_VERSION is set (${value}): it makes the card pose as another one, whose code can hang an RDNA1 card`,
    "take it out of the job's env; with these kernels it is not needed",
  );
}
