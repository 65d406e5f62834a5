import { parse } from "yaml";
import { COMMANDS } from "./inputs.ts";
import { usersOf } from "./option-users.ts";

/** An input of the action; the terminal's option `--<name>` is the same thing. */
export interface OptionSpec {
  name: string;
  description: string;
  default: string;
  /** Never on a command line, where every user of the machine could read it */
  secret: boolean;
}

/** `action.yml`, the one list of inputs and outputs. */
export interface ActionSpec {
  name: string;
  description: string;
  options: readonly OptionSpec[];
  outputs: readonly string[];
}

interface ActionFile {
  name: string;
  description: string;
  inputs: Record<string, { description: string; default: string }>;
  outputs: Record<string, unknown>;
}

const TOKEN = "token";
/** The environment variable that gives the token. */
export const TOKEN_VARIABLE = "GITHUB_TOKEN";

/** Reads the text of `action.yml`. */
export function parseActionSpec(text: string): ActionSpec {
  const file = parse(text) as ActionFile;
  const options = Object.entries(file.inputs).map(([name, input]) => ({
    name,
    description: input.description,
    // What only a runner can fill in is no default for a terminal
    default: input.default.startsWith("${{") ? "" : input.default,
    secret: name === TOKEN,
  }));
  return { name: file.name, description: file.description, options, outputs: Object.keys(file.outputs) };
}

/** What `npm start` gives to some commands, unless the user gives something else. */
export interface Presets {
  commands: readonly string[];
  raw: Readonly<Record<string, string>>;
}

/** The text of `--help`, wrapped for an 80-column terminal: every option, or those that a command looks at. */
export function helpText(spec: ActionSpec, command?: string, presets?: Presets): string {
  const usedBy = (user: string | undefined) =>
    spec.options.filter(({ name }) => usersOf(name)?.some((one) => one === user) ?? true);
  const known = COMMANDS.some((one) => one === command);
  const own = known ? usedBy(command) : spec.options;
  const made = command === "install" ? usedBy("fallback").filter((option) => !own.includes(option)) : [];
  const lines = [
    `${spec.name}: ${spec.description}`,
    "",
    "Usage: rdna1-miopen [command] [--option value …]",
    "       npm start -- [command] [--option value …]",
    "",
    ...presetLines(command, presets),
    `Options${known ? ` of ${command}` : ""} (the action's inputs have the same names):`,
    "",
    ...own.flatMap(optionLines),
    "  --help, --version",
    "",
    ...(made.length === 0 ? [] : ["What fallback build makes is made with these too:", ""]),
    ...made.flatMap(optionLines),
    ...(made.length === 0 ? [] : [""]),
    ...(known ? [] : ["A command and --help: the options that mean something to it.", ""]),
    "Exit code: 0 done, 1 our or the machine's fault, 2 a wrong option or file.",
  ];
  return `${wrapFirst(lines)}\n`;
}

function presetLines(command: string | undefined, presets: Presets | undefined): string[] {
  if (presets === undefined || (command !== undefined && !presets.commands.includes(command))) return [];
  const commands = command ?? presets.commands.join(", ").replace(/, (?=[^,]*$)/, " and ");
  // A name and its value stay on one line
  const values = Object.entries(presets.raw).map(([name, value]) => `--${name}\u00a0${value}`);
  return [
    `npm start gives ${commands} these values, unless you give others:`,
    ...wrap(values.join(" "), 74).map((line) => `      ${line.replaceAll("\u00a0", " ")}`),
    "",
  ];
}

function optionLines({ name, description, default: value, secret }: OptionSpec): string[] {
  const preset = value === "" ? "" : ` [default: ${value}]`;
  const shown = secret ? `${TOKEN_VARIABLE} (environment variable)` : `--${name}`;
  return [`  ${shown}${preset}`, ...wrap(description, 74).map((line) => `      ${line}`)];
}

function wrapFirst([first = "", ...rest]: readonly string[]): string {
  return [...wrap(first, 80), ...rest].join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
