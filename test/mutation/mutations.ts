import { Simulator } from "../device/sim/harness.ts";
import { loadBodies, runBody } from "./bodies.ts";
import type { Body } from "./node-test.ts";
import { type Mutant, WrongSimulator } from "./wrong-simulator.ts";

/** An operation of the simulator's tables and the ways in which mutation.cpp can make it wrong. */
export interface Operation {
  name: string;
  ways: string[];
}

/** What the tests made of a wrong simulator. */
export interface Verdict extends Mutant {
  /** The test that noticed, and what failed in it; null: none did */
  noticed: { test: string; failure: string } | null;
  /** Tests that were run for it */
  tests: number;
  milliseconds: number;
}

interface Test extends Body {
  operations: ReadonlySet<string>;
  milliseconds: number;
}

/** Tests of the simulator, run against simulators that are wrong. */
export class Mutations {
  readonly operations: readonly Operation[];
  readonly tests: readonly Test[];
  readonly #simulator: WrongSimulator;
  /** By operation, tests that noticed something */
  readonly #sharp = new Map<string, Set<string>>();

  /** Tests that would not run, and why */
  readonly skipped: readonly string[];

  private constructor(
    operations: readonly Operation[],
    tests: readonly Test[],
    skipped: readonly string[],
    simulator: WrongSimulator,
  ) {
    this.skipped = skipped;
    this.operations = operations;
    this.tests = tests;
    this.#simulator = simulator;
  }

  /** Runs the tests of the files once, rightly: they have to pass. In words why they cannot run here. */
  static async start(files: readonly string[], folder: string): Promise<Mutations | string> {
    const simulator = await WrongSimulator.create(folder);
    if (typeof simulator === "string") return simulator;
    Simulator.substitute(simulator);
    const tests: Test[] = [];
    const skipped: string[] = [];
    for (const body of await loadBodies(files)) {
      const started = performance.now();
      const failure = await runBody(body);
      if (failure?.startsWith("skipped")) {
        skipped.push(`${body.name}: ${failure}`);
        continue;
      }
      if (failure !== null) throw new Error(`${body.name} fails with nothing made wrong: ${failure}`);
      const milliseconds = performance.now() - started;
      tests.push({ ...body, operations: simulator.takeOperations(), milliseconds });
    }
    if (tests.length === 0) return skipped[0] ?? "there are no tests";
    return new Mutations(await listOperations(simulator), tests, skipped, simulator);
  }

  /** Whether some test decodes, and so executes, an operation. */
  reaches(operation: string): boolean {
    return this.tests.some(({ operations }) => operations.has(operation));
  }

  /** Runs the tests that have the operation in them until one notices. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const started = performance.now();
    const sharp = this.#sharp.get(mutant.operation) ?? new Set();
    this.#sharp.set(mutant.operation, sharp);
    const rank = (test: Test) => (sharp.has(test.name) ? 0 : 1e9) + test.operations.size * 1e4 + test.milliseconds;
    const reached = this.tests.filter(({ operations }) => operations.has(mutant.operation));
    let tests = 0;
    let noticed: Verdict["noticed"] = null;
    this.#simulator.mutant = mutant;
    for (const test of reached.toSorted((a, b) => rank(a) - rank(b))) {
      tests++;
      const failure = await runBody(test);
      if (failure === null) continue;
      noticed = { test: test.name, failure };
      sharp.add(test.name);
      break;
    }
    this.#simulator.mutant = null;
    return { ...mutant, noticed, tests, milliseconds: Math.round(performance.now() - started) };
  }
}

/** Every operation that the simulator executes. */
async function listOperations(simulator: WrongSimulator): Promise<Operation[]> {
  const byName = new Map<string, Operation>();
  for (const line of (await simulator.list()).trim().split("\n")) {
    const [name = "", ...ways] = line.split(" ");
    byName.set(name, { name, ways });
  }
  if (byName.size < 500) throw new Error(`only ${byName.size} operations are listed`);
  return [...byName.values()];
}
