import { readdir, readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../device/support.ts";
import { type Body, takeBodies } from "./node-test.ts";

export const SIMULATOR_TESTS = join(projectRoot, "test/device/sim");

/** Files whose tests run kernels, by name: those that ask for a simulator, themselves or through their tables. */
export async function simulatorTests(): Promise<string[]> {
  const names = (await readdir(SIMULATOR_TESTS)).filter((name) => name.endsWith(".real.test.ts")).sort();
  const asks = /Simulator\.start|checkInstructions|checkWaves/;
  const all = names.map(async (name) => (asks.test(await readFile(join(SIMULATOR_TESTS, name), "utf8")) ? [name] : []));
  return (await Promise.all(all)).flat();
}

/** The tests of some of these files, to be run by {@link runBody}. Once in a process. */
export async function loadBodies(files: readonly string[]): Promise<Body[]> {
  const folder = pathToFileURL(`${SIMULATOR_TESTS}/`).href;
  const standIn = new URL("./node-test.ts", import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === "node:test" && context.parentURL?.startsWith(folder) ? standIn : specifier, context),
  });
  const bodies: Body[] = [];
  for (const file of files) {
    await import(pathToFileURL(join(SIMULATOR_TESTS, file)).href);
    bodies.push(
      ...takeBodies().map((body) => ({ ...body, name: `${file.replace(".real.test.ts", "")}: ${body.name}` })),
    );
  }
  return bodies;
}

/** Runs a test until something in it fails: what failed, null when nothing did, "skipped: …" when it would not run. */
export async function runBody(body: Body): Promise<string | null> {
  const cleanups: (() => unknown)[] = [];
  let skipped: string | null = null;
  const context = {
    after: (cleanup: () => unknown) => cleanups.push(cleanup),
    diagnostic: () => {},
    skip: (why = "") => {
      skipped = `skipped: ${why}`;
    },
    test: async (name: string, ...rest: unknown[]) => {
      try {
        await (rest.at(-1) as Body["run"])(context as unknown as TestContext);
      } catch (error) {
        throw new Error(name, { cause: error });
      }
    },
  };
  try {
    await body.run(context as unknown as TestContext);
    return skipped;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0] || error.name : String(error);
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}
