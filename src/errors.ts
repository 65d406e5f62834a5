/**
 * The project's one error class. `kind` decides the exit code and whether a stack trace helps:
 *
 * - `user`: a wrong option, file or folder; the message names it and what is allowed (exit code 2)
 * - `machine`: no network, full disk, missing program, damaged archive (exit code 1)
 * - `internal`: our own bug; printed with its stack trace (exit code 1)
 */
export type ErrorKind = "user" | "machine" | "internal";

export class RdnaError extends Error {
  readonly kind: ErrorKind;
  /** What the reader should do next, one sentence or a command line. */
  readonly remedy: string;

  constructor(kind: ErrorKind, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RdnaError";
    this.kind = kind;
    this.remedy = remedy;
  }
}

/** The user's fault: exit code 2. */
export function userError(message: string, remedy: string, cause?: unknown): RdnaError {
  return new RdnaError("user", message, remedy, cause === undefined ? undefined : { cause });
}

/** The machine's or the network's fault: exit code 1. */
export function machineError(message: string, remedy: string, cause?: unknown): RdnaError {
  return new RdnaError("machine", message, remedy, cause === undefined ? undefined : { cause });
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`, …), else undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** A place in a file that an error is about, and what is wrong there. Lines count from 1. */
export interface Place {
  file: string;
  line: number;
  message: string;
}

/** The places that an error has as its cause: compiler errors, rejected patches. */
export function placesOf(error: unknown): readonly Place[] {
  const cause = error instanceof RdnaError ? error.cause : null;
  return Array.isArray(cause) ? (cause as Place[]) : [];
}
