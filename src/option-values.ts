import { resolve } from "node:path";
import { userError } from "./errors.ts";

/** The words of a text, whatever blanks or lines part them. */
export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** One of the allowed words, or a user error that names them. */
export function choice<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) {
    throw userError(`${name}: '${value}' is not allowed`, `allowed are ${allowed.join(", ")}`);
  }
  return found;
}

/** A word out of `words`, or a path: a bare word that is neither is a typing error, not a folder. */
export function parsePlace(name: string, value: string, words: readonly string[], cwd: string): string {
  if (words.includes(value)) return value;
  if (/^[A-Za-z0-9_-]+$/.test(value)) {
    throw userError(
      `${name}: '${value}' is not allowed`,
      `allowed are ${words.join(", ")}, or a path (write ./${value} for something in this folder)`,
    );
  }
  return resolve(cwd, value);
}
