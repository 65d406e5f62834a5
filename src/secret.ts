import { inspect } from "node:util";

/** A secret that cannot be printed by accident: in text, JSON and dumps it is three stars. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself; for the header that carries it, nowhere else. */
  reveal(): string {
    return this.#value;
  }

  /** The text without the secret, for what a server may have sent back. */
  redact(text: string): string {
    return text.replaceAll(this.#value, "***");
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}
