import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { readTextIfThere } from "../ports/files.ts";

/** Something that was given to a card began under a boot of the machine; or it ended. */
type Line<T> = { key: string; begins: string } | { key: string; value: T };

/**
 * What was given to a card, written to the disk before it is given: a card may take the machine down with it. A key that began
 * under an earlier boot and never ended was cut by that; one that began under this boot was only interrupted.
 */
export class Journal<T> {
  readonly #file: string;
  readonly #boot: string;
  readonly #values = new Map<string, T>();
  readonly #cut = new Set<string>();

  private constructor(file: string, boot: string) {
    this.#file = file;
    this.#boot = boot;
  }

  /** `boot` is for tests; else what the kernel calls this boot. */
  static async open<T>(file: string, boot?: string): Promise<Journal<T>> {
    await mkdir(dirname(file), { recursive: true });
    const now = boot ?? (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const journal = new Journal<T>(file, now);
    for (const text of ((await readTextIfThere(file)) ?? "").split("\n")) journal.#read(text);
    return journal;
  }

  #read(text: string): void {
    let line: Line<T>;
    try {
      line = JSON.parse(text) as Line<T>;
    } catch {
      return; // the last line of a killed run, or the empty one at the end
    }
    if ("begins" in line) {
      if (line.begins !== this.#boot) this.#cut.add(line.key);
      return;
    }
    this.#cut.delete(line.key);
    this.#values.set(line.key, line.value);
  }

  /** What the key came to, or undefined. */
  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  /** Whether the machine went down while the key was with the card. */
  wasCut(key: string): boolean {
    return this.#cut.has(key);
  }

  begin(key: string): Promise<void> {
    return this.#write({ key, begins: this.#boot });
  }

  async end(key: string, value: T): Promise<void> {
    this.#cut.delete(key);
    this.#values.set(key, value);
    await this.#write({ key, value });
  }

  #write(line: Line<T>): Promise<void> {
    return appendFile(this.#file, `${JSON.stringify(line)}\n`, { flush: true });
  }
}
