import type { DriverCommand } from "../kernels/commands.ts";
import { optionsOf, withForward, withOptions } from "../kernels/commands.ts";
import type { Dialect } from "../kernels/dialect.ts";
import { type KernelKey, keysOfRun, naiveSolver } from "../kernels/keys.ts";
import { outputOf } from "../kernels/problem.ts";
import { expectedChecks } from "./checks.ts";
import { int8Case, type ProverCase } from "./prover-plan.ts";
import { DIRECTION_BITS, readProblems } from "./read-problem.ts";
import { numericalArguments, solversOf, type TableRow } from "./table.ts";

/**
 * The rows that prove or refute a user's command: each direction of a convolution with each solver that MIOpen may take
 * for it on a target, or with the one that the command names (`-S`); any other operation as it stands. A string says why
 * MIOpenDriver has no proof for it. A set made from commands holds what Find asks for (`holds`): the naive kernel's other
 * key, no GEMM where Find offers none, and no naive kernel where the command forbids it.
 */
export function rowsOfCommand(
  command: DriverCommand,
  dialect: Dialect,
  target: string,
  holds: (keys: readonly KernelKey[]) => boolean = () => true,
): TableRow[] | string {
  const args = withForward(numericalArguments(command.args));
  const expected = expectedChecks(args);
  if (typeof expected === "string") return expected;
  const env = command.env ?? {};
  const asItIs: TableRow = { args, env, family: command.family, solver: null, keys: [] };
  const problems = readProblems(args);
  if (problems === null) return [asItIs];
  if (problems.length === 0) return "the command has none of the directions that -F can ask for (1, 2 and 4)";
  const named = namedSolver(args);
  if (named !== null && /^\d+$/.test(named)) return [asItIs];
  const names = named === null ? [] : [named];
  return problems.flatMap((problem) => {
    const bit = DIRECTION_BITS.find(([, direction]) => direction === problem.direction)?.[0] ?? 0;
    const solvers = names.length > 0 ? names : solversOf(problem, target);
    return solvers.flatMap((solver): TableRow[] => {
      // MIOpen makes an output of at least 1 of a filter that is larger than its image: no key is predicted for that
      const clamped = outputOf(problem).some((size) => size < 1);
      const row = { env, family: command.family, solver, keys: clamped ? [] : keysOfRun(problem, solver, dialect) };
      const immediate = { ...row, args: withOptions(args, { F: String(bit), S: solver }) };
      if (names.length > 0 || holds(row.keys)) return [immediate];
      if (solver !== naiveSolver(problem)) return [];
      const keys = keysOfRun(problem, null).slice(0, 1);
      if (!holds(keys)) return [];
      const only = { MIOPEN_FIND_MODE: "1", MIOPEN_DEBUG_FIND_ONLY_SOLVER: solver };
      return [{ ...row, keys, env: { ...env, ...only }, args: withOptions(args, { F: String(bit) }) }];
    });
  });
}

/**
 * The prover's case for an int8 command, which MIOpenDriver cannot compare (checks.ts); null for any other, and for what
 * MIOpen 3.5.1 has no int8 kernel for: three dimensions, other directions than forward, other solvers than naive.
 */
export function int8CaseOf(command: DriverCommand, dialect: Dialect): ProverCase | null {
  if (command.args[0] !== "convint8") return null;
  const problem = readProblems(command.args)?.find(({ direction }) => direction === "forward");
  if (problem === undefined || problem.input.length !== 2 || problem.transposed) return null;
  if (outputOf(problem).some((size) => size < 1)) return null;
  const solver = namedSolver(command.args);
  if (solver !== null && !/^\d+$/.test(solver) && solver !== naiveSolver(problem)) return null;
  return int8Case(problem, { call: solver === null ? "find" : "immediate", dialect });
}

/** The solver that a command names (`-S`, by name or number; negative: none), so that MIOpen runs it without a Find. */
function namedSolver(args: readonly string[]): string | null {
  const named = optionsOf(args).get("S") ?? "-1";
  return /^-\d+$/.test(named) ? null : named;
}
