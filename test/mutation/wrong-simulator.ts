import { createHash } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfThere } from "../../src/ports/files.ts";
import { mutableDevice } from "../device/sim/builds.ts";
import { type Architecture, type Launch, type Ran, Simulator } from "../device/sim/harness.ts";
import { exec } from "../device/support.ts";

/** An operation and how it is wrong, both as mutation.cpp names them. */
export interface Mutant {
  operation: string;
  way: string;
}

/** Instructions of a wave in a wrong run that has no budget of its own: an endless loop is over in a moment. */
const BUDGET = "3000000";

/**
 * A simulator that can be made wrong. It remembers objects and right runs, so that a test that runs again costs but the
 * runs that have the wrong operation in them.
 */
export class WrongSimulator extends Simulator {
  mutant: Mutant | null = null;
  /** Operations that the right runs since the last {@link takeOperations} had */
  #operations = new Set<string>();
  readonly #made = new Map<string, Promise<string>>();
  readonly #right = new Map<string, { ran: Ran; operations: ReadonlySet<string> }>();

  static async create(folder: string): Promise<WrongSimulator | string> {
    const parts = await Simulator.parts(folder, mutableDevice);
    return typeof parts === "string" ? parts : new WrongSimulator(parts);
  }

  /** What mutation.cpp says of the operations that it can make wrong. */
  async list(): Promise<string> {
    const command = this.command({ RDNA1_DEVICE_TARGET: "gfx1010", RDNA1_MUTATION: "list" });
    return (await exec.run(command, { timeoutMs: 60_000 })).stdout;
  }

  takeOperations(): Set<string> {
    const taken = this.#operations;
    this.#operations = new Set();
    return taken;
  }

  override tool(name: string, args: readonly string[]): Promise<string> {
    return this.#once(["tool", name, ...args], () => super.tool(name, args));
  }

  override assemble(text: string, architecture?: Architecture, waveSize?: 32 | 64): Promise<string> {
    return this.#once(["assemble", text, `${architecture}`, `${waveSize}`], () =>
      super.assemble(text, architecture, waveSize),
    );
  }

  override compile(...parts: Parameters<Simulator["compile"]>): Promise<string> {
    return this.#once(["compile", JSON.stringify(parts)], () => super.compile(...parts));
  }

  override async run(...[object, launches, options = {}]: Parameters<Simulator["run"]>): Promise<Ran> {
    const key = keyOf(object, launches, options);
    const right = this.#right.get(key);
    if (this.mutant !== null && (right === undefined || right.operations.has(this.mutant.operation))) {
      const wrong = { RDNA1_MUTATION: `${this.mutant.operation}/${this.mutant.way}` };
      return super.run(object, launches, {
        ...options,
        env: { RDNA1_DEVICE_BUDGET: BUDGET, ...options.env, ...wrong },
      });
    }
    const { ran, operations } = right ?? (await this.#runRight(object, launches, options));
    this.#right.set(key, { ran, operations });
    for (const operation of operations) this.#operations.add(operation);
    return ran;
  }

  async #runRight(...[object, launches, options = {}]: Parameters<Simulator["run"]>) {
    const seen = join(await mkdtemp(join(this.folder, "seen-")), "operations");
    const ran = await super.run(object, launches, { ...options, env: { ...options.env, RDNA1_MUTATION_SEEN: seen } });
    const lines = ((await readTextIfThere(seen)) ?? "").split("\n").filter((line) => line !== "");
    return { ran, operations: new Set(lines) };
  }

  #once(key: readonly string[], make: () => Promise<string>): Promise<string> {
    const text = JSON.stringify(key);
    const made = this.#made.get(text) ?? make();
    this.#made.set(text, made);
    return made;
  }
}

function keyOf(object: string, launches: readonly Launch[], options: object): string {
  const hash = createHash("sha256").update(object).update(JSON.stringify(options));
  for (const { args, ...launch } of launches) {
    hash.update(JSON.stringify(launch));
    for (const argument of args) {
      if ("in" in argument) hash.update(`in ${argument.in.length}`).update(argument.in);
      else hash.update(JSON.stringify(argument, (_, value) => (typeof value === "bigint" ? `${value}` : value)));
    }
  }
  return hash.digest("hex");
}
