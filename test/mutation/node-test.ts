// Stands in for node:test in the files whose tests run.ts runs again and again: keeps what they register.
import type { TestContext } from "node:test";

/** A test as its file registered it. */
export interface Body {
  name: string;
  run: (t: TestContext) => unknown;
}

const registered: Body[] = [];

export function test(name: string, ...rest: unknown[]): void {
  registered.push({ name, run: rest.at(-1) as Body["run"] });
}

/** The tests registered since the last call. */
export function takeBodies(): Body[] {
  return registered.splice(0);
}
