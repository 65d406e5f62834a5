import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Context, makeContext } from "../../src/context.ts";
import { parseInputs, type RawInputs } from "../../src/inputs.ts";
import { parseActionSpec } from "../../src/options.ts";
import { RunRecord } from "../../src/record.ts";
import { type RecordedLog, recordedLog, scratch } from "../toolchain/helpers.ts";

export const projectRoot = join(import.meta.dirname, "../..");
const spec = parseActionSpec(readFileSync(join(projectRoot, "action.yml"), "utf8"));

/** A run's context with a cache of its own below `folder`, and what it said. */
export async function contextIn(
  folder: string,
  raw: RawInputs = {},
  record = new RunRecord(),
): Promise<{ context: Context; log: RecordedLog }> {
  const log = recordedLog();
  await mkdir(join(folder, "cache"), { recursive: true });
  const inputs = parseInputs({ output: join(folder, "out"), ...raw }, spec, folder);
  const env = { RDNA1_MIOPEN_CACHE: join(folder, "cache"), HOME: folder };
  return { context: await makeContext(inputs, log, projectRoot, env, false, record), log };
}

/** The same in a folder that is gone after the test. */
export async function freshContext(t: TestContext, raw: RawInputs = {}) {
  const folder = await scratch(t);
  const { context, log } = await contextIn(folder, raw);
  t.after(() => context.close());
  return { folder, context, log };
}
