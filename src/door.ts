import { userError } from "./errors.ts";
import type { RawInputs } from "./inputs.ts";
import { type ActionSpec, type Presets, TOKEN_VARIABLE } from "./options.ts";
import { withoutCredentials } from "./secret.ts";

/** How we were started, and with which raw values. */
export type Door =
  | { kind: "action"; post: boolean; raw: RawInputs }
  | { kind: "terminal"; wants: "run" | "help" | "version"; raw: RawInputs; presets?: Presets };

type Terminal = Extract<Door, { kind: "terminal" }>;

/** Tells the two doors apart: the runner starts actions without arguments and with `GITHUB_ACTIONS=true`. */
export function openDoor(argv: readonly string[], env: NodeJS.ProcessEnv, spec: ActionSpec): Door {
  const inAction = env.GITHUB_ACTIONS === "true" && argv.length === 0 && env.GITHUB_OUTPUT !== undefined;
  const token = env[TOKEN_VARIABLE];
  const raw: Record<string, string> = token ? { token } : {};
  if (!inAction) return readWithPresets(argv, spec, raw);
  for (const option of spec.options) {
    // The runner's rule: upper case, blanks to underscores, hyphens kept. It gives the defaults too, which nobody chose.
    const value = env[`INPUT_${option.name.toUpperCase()}`];
    if (value !== undefined && value !== option.default) raw[option.name] = value;
  }
  return { kind: "action", post: env.STATE_main === "started", raw };
}

/**
 * `--for build,verify --name value … --` in front, as `npm start` writes it: values for these commands only, which what
 * follows overrides.
 */
function readWithPresets(argv: readonly string[], spec: ActionSpec, fromEnvironment: RawInputs): Terminal {
  const [word, commands = ""] = argv;
  const end = argv.indexOf("--");
  if (word !== "--for" || end === -1) return readArguments(argv, spec, fromEnvironment);
  const presets: Presets = { commands: commands.split(","), raw: readArguments(argv.slice(2, end), spec, {}).raw };
  const door = { ...readArguments(argv.slice(end + 1), spec, fromEnvironment), presets };
  const { command = "build" } = door.raw;
  return presets.commands.includes(command) ? { ...door, raw: { ...presets.raw, ...door.raw } } : door;
}

/**
 * `[command] --name value --name=value`; a later value of the same option wins. An error quotes words before anybody has
 * looked for secrets among them.
 */
function readArguments(argv: readonly string[], spec: ActionSpec, fromEnvironment: RawInputs): Terminal {
  const raw: Record<string, string> = { ...fromEnvironment };
  const names = spec.options.map((option) => option.name);
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--help" || word === "-h") return { kind: "terminal", wants: "help", raw };
    if (word === "--version") return { kind: "terminal", wants: "version", raw };
    if (!word.startsWith("-")) {
      if (raw.command !== undefined) {
        throw userError(
          `'${withoutCredentials(word)}' is a second command after '${withoutCredentials(raw.command)}'`,
          "give one command; values belong to an --option",
        );
      }
      raw.command = word;
      continue;
    }
    const [, name = "", inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (!names.includes(name)) {
      const near = names.find((known) => known.startsWith(name) || distance(known, name) <= 2);
      throw userError(
        `unknown option ${withoutCredentials(word).split("=")[0]}`,
        near === undefined || name === ""
          ? "see --help for the list"
          : `did you mean --${near}? See --help for the list`,
      );
    }
    if (spec.options.find((option) => option.name === name)?.secret) {
      throw userError(
        `--${name} is not taken: what is on a command line can be read by every user of the machine`,
        `set the environment variable ${TOKEN_VARIABLE}`,
      );
    }
    raw[name] = inline ?? takeValue(name, rest);
  }
  return { kind: "terminal", wants: "run", raw };
}

function takeValue(name: string, rest: string[]): string {
  const next = rest[0];
  if ((name === "offline" || name === "draft") && next !== "true" && next !== "false") return "true";
  if (next === undefined || next.startsWith("--")) throw userError(`--${name} needs a value`, `write --${name} VALUE`);
  rest.shift();
  return next;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
