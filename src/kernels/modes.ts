import { readProblems } from "../verify/read-problem.ts";
import { type DriverCommand, optionsOf, withForward } from "./commands.ts";
import type { Dialect } from "./dialect.ts";
import { naiveImmediate } from "./families.ts";
import { commandId } from "./harvest.ts";

/** The find mode that `activate` sets [release/activate.ts]. */
export const INSTALLED_FIND_MODE = "2";

/**
 * A user's lines as applications reach their convolutions, besides Find in normal mode: in the find mode that `activate`
 * sets, where MIOpen takes a solver without a Find and gives GEMM of dilated problems its workspace; and from the find-db of
 * an earlier process, where the naive kernel has its other key (keys.ts). A line that names its solver has no Find.
 * Pooling and dropout that go back have gone forward before.
 */
export function asApplications(lines: readonly DriverCommand[], dialect: Dialect): DriverCommand[] {
  const convolutions = lines.filter(({ args }) => /^conv/.test(args[0] ?? ""));
  const found = convolutions.filter(({ args }) => /^-\d+$/.test(optionsOf(args).get("S") ?? "-1"));
  const inMode = found.map((line) => ({ ...line, env: { ...line.env, MIOPEN_FIND_MODE: INSTALLED_FIND_MODE } }));
  const types = new Set(convolutions.flatMap(({ args }) => readProblems(args)?.[0]?.type ?? []));
  const forward = lines.map((line) => ({ ...line, args: withForward(line.args) }));
  const known = new Set(lines.map(commandId));
  return [...forward, ...inMode, ...[...types].map((type) => naiveImmediate(type, dialect))]
    .filter((command) => !known.has(commandId(command)))
    .map((command) => ({ ...command, beside: true }));
}
