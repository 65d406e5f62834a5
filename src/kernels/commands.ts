import { userError } from "../errors.ts";
import { CONV_WORD_OPTIONS, driverOptions } from "./driver-options.ts";

/** One MIOpenDriver run. */
export interface DriverCommand {
  /** Operation and options, without the program: `["conv", "-n", "1", …]`. */
  args: readonly string[];
  /** Only `MIOPEN_` variables. */
  env?: Readonly<Record<string, string>>;
  /** What the run is there for: `im2col 2d`, `resnet50`, or the file it came from. */
  family: string;
  /** Line in that file, from 1. */
  line?: number;
  /** Goes with a line of the user's file (modes.ts): harvested and run against the set, but nothing of its own to prove. */
  beside?: true;
}

/** A line that is not a command, and why. */
export interface Problem {
  line: number;
  text: string;
  reason: string;
  /** MIOpen logged it: its loggers of some operations write options that MIOpenDriver has not */
  logged?: true;
}

/** Variables that decide where databases are; a kernel-set file must not move them. */
const RESERVED =
  /^MIOPEN_(SYSTEM_DB_PATH|USER_DB_PATH|CUSTOM_CACHE_DIR|DISABLE_CACHE|DEVICE_ARCH|DEBUG_ENFORCE_DEVICE)$/;

/** Variables that decide what is logged, and how its lines begin: harvest and proofs read the log. They compute nothing. */
const LOGGING = /^MIOPEN_(LOG_|ENABLE_LOGGING|DEBUG_LOGGING_|DEBUG_COMGR_LOG_)/;

/**
 * Reads a list of MIOpenDriver command lines, or a log written with `MIOPEN_ENABLE_LOGGING_CMD=1`.
 *
 * A line is `[MIOPEN_X=1 …] [path/]MIOpenDriver <operation> <options>`, alone or at the end of a
 * `MIOpen(HIP): Command […]` line. What MIOpen and MIOpenDriver print besides is skipped, so are blank lines and `#`
 * comments, and so are variables that only change the log. Equal commands are kept once. Every other line is returned as a problem.
 *
 * @param file name for messages and for `family`
 * @throws userError when the text is empty or binary
 */
export function parseCommands(text: string, file: string): { commands: DriverCommand[]; problems: Problem[] } {
  const remedy = "Give a text file of MIOpenDriver command lines, or a log captured with MIOPEN_ENABLE_LOGGING_CMD=1";
  if (text.includes("\0") || text.includes("\ufffd")) throw userError(`${file} is not a text file`, remedy);
  if (text.trim() === "") throw userError(`${file} is empty`, remedy);
  const commands = new Map<string, DriverCommand>();
  const problems: Problem[] = [];
  const family = file.replace(/^.*[\\/]/, "");
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = index + 1;
    const content = commandPart(raw);
    if (content === "") continue;
    const parsed = parseLine(content);
    if (typeof parsed === "string") {
      problems.push({ line, text: raw.trim(), reason: parsed, ...(LOGGED.test(raw.trim()) ? { logged: true } : {}) });
      continue;
    }
    const key = JSON.stringify([parsed.args, parsed.env ?? {}]);
    if (!commands.has(key)) commands.set(key, { ...parsed, family, line });
  }
  return { commands: [...commands.values()], problems };
}

/** How the lines begin that MIOpen logs and MIOpenDriver prints around a command. */
const NOISE = new RegExp(
  `^(${[
    "MIOpen(\\(| Error:| Forward| Backward| Driver)",
    "(PRNG seed|Timestamp|stats|GPU Kernel Time|Wall-clock Time|- id):?",
    "(Forward|Backward) .*(solutions available|[Vv]erif|Elapsed)",
  ].join("|")})`,
);

const LOGGED = /^MIOpen\(.*Command \[[^\]]*\]\s*(.*)$/;

/** The part of a line that should be a command; empty when the line says nothing. */
function commandPart(raw: string): string {
  const line = raw
    .trim()
    .replace(/(^|\s)#(\s.*)?$|^#.*$/, "")
    .trim();
  if (!NOISE.test(line)) return line;
  return LOGGED.exec(line)?.[1] ?? "";
}

function parseLine(content: string): Pick<DriverCommand, "args" | "env"> | string {
  const words = content.split(/\s+/);
  const env: Record<string, string> = {};
  while (words[0] !== undefined && /^[A-Za-z_]\w*=/.test(words[0])) {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(words.shift() ?? "") ?? [];
    if (!name.startsWith("MIOPEN_")) return `only MIOPEN_ variables may stand before the command, not ${name}`;
    if (RESERVED.test(name)) return `${name} is set by the harvest itself`;
    if (!LOGGING.test(name)) env[name] = value;
  }
  const program = words.shift() ?? "";
  if (!/(^|[\\/])MIOpenDriver$/.test(program)) return "not a MIOpenDriver command line";
  // MIOpen logs layernormfp32 and groupnormfp32, names that its driver does not know
  if (driverOptions(words[0] ?? "") === undefined) words[0] = (words[0] ?? "").replace(/fp32$/, "");
  const reason = words[0] === "" ? "no operation after MIOpenDriver" : checkArguments(words);
  if (reason !== null) return reason;
  return Object.keys(env).length === 0 ? { args: words } : { args: words, env };
}

/** A command as it would be typed behind MIOpenDriver, with its variables before it. */
export function commandText({ args, env = {} }: Pick<DriverCommand, "args" | "env">): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value} `);
  return variables.join("") + args.join(" ");
}

/** Why MIOpenDriver would not take these arguments, or null. */
export function checkArguments(args: readonly string[]): string | null {
  const [operation, ...rest] = args;
  if (operation === undefined) return "no operation after MIOpenDriver";
  const known = driverOptions(operation);
  if (known === undefined) return `MIOpenDriver has no operation ${operation}`;
  for (let index = 0; index < rest.length; index += 2) {
    const option = rest[index] ?? "";
    if (!option.startsWith("-") || option.length < 2) return `expected an option, found ${option}`;
    const letter = option.startsWith("--") ? known.letterOf.get(option.slice(2)) : option.slice(1);
    if (letter === undefined || !known.longOf.has(letter)) return `${operation} has no option ${option}`;
    const value = rest[index + 1];
    if (value === undefined) return `${option} has no value`;
    if (operation.startsWith("conv") && !CONV_WORD_OPTIONS.has(letter) && !/^-?\d+$/.test(value)) {
      return `${option} takes a number, not ${value}`;
    }
  }
  return operation.startsWith("conv") ? whyNoConvolution(optionsOf(args)) : null;
}

/** Why sizes are none of a convolution, which MIOpenDriver does not ask before it divides by them; or null. */
function whyNoConvolution(options: ReadonlyMap<string, string>): string | null {
  const empty = [..."nckHWyxuvlj!@#^"].find((letter) => Number(options.get(letter) ?? 1) < 1);
  if (empty !== undefined) return `-${empty} is at least 1, not ${options.get(empty)}`;
  const groups = Math.max(1, Number(options.get("g") ?? 1));
  const odd = (["c", "k"] as const).find((letter) => Number(options.get(letter) ?? DEFAULTS[letter]) % groups !== 0);
  if (odd === undefined) return null;
  return `-${odd} ${options.get(odd) ?? DEFAULTS[odd]} cannot be divided into ${groups} groups`;
}

/** Channels and filters where none are given [driver/conv_driver.hpp AddCmdLineArgs]. */
const DEFAULTS = { c: "3", k: "32" } as const;

/** Options of a command by letter, long names resolved; a later one wins, as in MIOpenDriver. */
export function optionsOf(args: readonly string[]): Map<string, string> {
  const known = driverOptions(args[0] ?? "");
  const options = new Map<string, string>();
  for (let index = 1; index + 1 < args.length; index += 2) {
    const option = args[index] ?? "";
    const letter = option.startsWith("--") ? known?.letterOf.get(option.slice(2)) : option.slice(1);
    if (letter !== undefined) options.set(letter, args[index + 1] ?? "");
  }
  return options;
}

/**
 * Going back, pooling and dropout read what going forward left (indices, mask), and MIOpenDriver runs no forward pass with
 * `-F 2` [driver/pool_driver.hpp, dropout_driver.hpp]: both are run then.
 */
export function withForward(args: readonly string[]): string[] {
  const forward = /^(pool|dropout)/.test(args[0] ?? "") && Number(optionsOf(args).get("F") ?? 0) === 2;
  return forward ? withOptions(args, { F: "0" }) : [...args];
}

/** The same arguments with some options replaced, whichever of their names they had. */
export function withOptions(args: readonly string[], values: Readonly<Record<string, string>>): string[] {
  const known = driverOptions(args[0] ?? "");
  const result = [args[0] ?? ""];
  for (let index = 1; index + 1 < args.length; index += 2) {
    const option = args[index] ?? "";
    const letter = option.startsWith("--") ? known?.letterOf.get(option.slice(2)) : option.slice(1);
    if (letter === undefined || values[letter] === undefined) result.push(option, args[index + 1] ?? "");
  }
  for (const [letter, value] of Object.entries(values)) result.push(`-${letter}`, value);
  return result;
}

/**
 * The arguments to run for a harvest or a completeness proof: no CPU reference (`-V 0`), one timed iteration, no
 * tuning. Whatever the command says about these is replaced, the rest is kept in its order.
 */
export function harvestArguments(args: readonly string[]): string[] {
  const known = driverOptions(args[0] ?? "");
  const forced = new Map([
    ["V", "0"],
    ["i", "1"],
    ["t", "1"],
    ["s", "0"],
  ]);
  if (!(args[0] ?? "").startsWith("conv")) forced.delete("s");
  const result = [args[0] ?? ""];
  for (let index = 1; index + 1 < args.length; index += 2) {
    const option = args[index] ?? "";
    const letter = option.startsWith("--") ? known?.letterOf.get(option.slice(2)) : option.slice(1);
    if (!forced.has(letter ?? "")) result.push(option, args[index + 1] ?? "");
  }
  for (const [letter, value] of forced) if (known?.longOf.has(letter) === true) result.push(`-${letter}`, value);
  return result;
}
