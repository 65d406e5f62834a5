import { readTextIfThere } from "../ports/files.ts";

/** What an interrupted run has written, one `[index, value]` a line; a line that a kill cut short does not count. */
export async function readLedger<T, K = number>(file: string): Promise<Map<K, T>> {
  const done = new Map<K, T>();
  for (const line of ((await readTextIfThere(file)) ?? "").split("\n")) {
    try {
      const [index, value] = JSON.parse(line) as [K, T];
      done.set(index, value);
    } catch {
      // the last line of a killed run, or the empty one at the end
    }
  }
  return done;
}
