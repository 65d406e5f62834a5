import { parse } from "yaml";

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

/** The text of `--help`, wrapped for an 80-column terminal. */
export function helpText(spec: ActionSpec): string {
  const lines = [
    `${spec.name}: ${spec.description}`,
    "",
    "Usage: rdna1-miopen [command] [--option value …]",
    "       npm start -- [command] [--option value …]",
    "",
    "Options (the action's inputs have the same names):",
    "",
  ];
  for (const option of spec.options) {
    const preset = option.default === "" ? "" : ` [default: ${option.default}]`;
    const name = option.secret ? `${TOKEN_VARIABLE} (environment variable)` : `--${option.name}`;
    lines.push(`  ${name}${preset}`, ...wrap(option.description, 74).map((line) => `      ${line}`));
  }
  lines.push("  --help, --version", "", "Exit code: 0 done, 1 our or the machine's fault, 2 a wrong option or file.");
  return `${wrapFirst(lines)}\n`;
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
