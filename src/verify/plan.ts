import type { DriverCommand } from "../kernels/commands.ts";
import { keyOf } from "../kernels/database.ts";
import type { Dialect } from "../kernels/dialect.ts";
import { databaseKey, type KernelKey } from "../kernels/keys.ts";
import type { KernelSet } from "../kernels/set.ts";
import { sha256 } from "../ports/files.ts";
import { int8CaseOf, rowsOfCommand } from "./command-rows.ts";
import { CHUNK, type ProverCase, planProver } from "./prover-plan.ts";
import { planTable, type TableRow } from "./table.ts";

/** A command that MIOpenDriver cannot prove, and why. */
export interface Unprovable {
  command: DriverCommand;
  reason: string;
}

/** The rows that MIOpenDriver runs for a kernel set. */
export interface NumericalPlan {
  rows: TableRow[];
  unprovable: Unprovable[];
  /** Commands of the user's that only the prover can prove */
  own: { command: DriverCommand; case: ProverCase }[];
}

/** Rows of the table for each key of a set of the user's own and each solver: one object may hold the functions of all directions. */
const ROWS_PER_KEY = 2;

/**
 * The numerical rows of a set: the whole table for `conv`, the other operations' own commands besides for `full`, and for
 * a file its commands, with two rows of the table for each key that it holds and each solver.
 */
export function planRows(
  set: Pick<KernelSet, "name" | "commands" | "dialect">,
  held: ReadonlySet<string>,
  target: string,
): NumericalPlan {
  const { dialect } = set;
  if (set.name === "conv") return { rows: planTable(dialect, target), unprovable: [], own: [] };
  if (set.name === "full") {
    const others = set.commands.filter(({ args }) => !/^conv/.test(args[0] ?? ""));
    const plan = planCommands(others, dialect, target);
    return { ...plan, rows: [...planTable(dialect, target), ...plan.rows] };
  }
  const holds = (keys: readonly KernelKey[]) => keys.every((key) => held.has(keyOf(databaseKey(key, target))));
  const lines = set.commands.filter(({ beside }) => beside !== true);
  const plan = planUsersCommands(lines, dialect, target, holds);
  return { ...plan, rows: [...plan.rows, ...tableRowsFor(held, target, dialect)] };
}

/** Changes with everything that is run for the proof of a set, and with its order: ledgers name rows by their place. */
export function planDigest(
  set: Pick<KernelSet, "name" | "commands" | "dialect">,
  kernels: readonly { name: string; args: string; hash: string }[],
  target: string,
): string {
  const { rows, own } = planRows(set, new Set(kernels.map(keyOf)), target);
  const lines = own.map(({ command, case: one }) => [command.args, command.family, one]);
  const more = lines.length === 0 ? [] : [lines];
  return sha256(JSON.stringify([rows, planProver(kernels, target, set.dialect), CHUNK, ...more]));
}

/** Rows for the lines of a user's, whose sizes are not ours. */
export function planUsersCommands(
  commands: readonly DriverCommand[],
  dialect: Dialect,
  target: string,
  holds?: (keys: readonly KernelKey[]) => boolean,
): NumericalPlan {
  const plan = planCommands(commands, dialect, target, holds);
  return { ...plan, rows: plan.rows.map((row) => ({ ...row, own: true })) };
}

/** Rows for a list of commands, as they come. */
function planCommands(
  commands: readonly DriverCommand[],
  dialect: Dialect,
  target: string,
  holds?: (keys: readonly KernelKey[]) => boolean,
): NumericalPlan {
  const plan: NumericalPlan = { rows: [], unprovable: [], own: [] };
  for (const command of commands) {
    const own = int8CaseOf(command, dialect);
    if (own !== null) {
      plan.own.push({ command, case: own });
      continue;
    }
    const rows = rowsOfCommand(command, dialect, target, holds);
    if (typeof rows === "string") plan.unprovable.push({ command, reason: rows });
    else plan.rows.push(...rows);
  }
  return plan;
}

/** Rows that ask for keys of the set only, so many that each such key has its two with each solver. */
function tableRowsFor(held: ReadonlySet<string>, target: string, dialect: Dialect): TableRow[] {
  const counts = new Map<string, number>();
  return planTable(dialect, target).filter((row) => {
    const keys = row.keys.map((key) => keyOf(databaseKey(key, target)));
    if (keys.length === 0 || !keys.every((key) => held.has(key))) return false;
    const places = keys.map((key) => `${row.solver} ${key}`);
    if (places.every((place) => (counts.get(place) ?? 0) >= ROWS_PER_KEY)) return false;
    for (const place of places) counts.set(place, (counts.get(place) ?? 0) + 1);
    return true;
  });
}
