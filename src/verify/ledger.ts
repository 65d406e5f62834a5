import { appendFile } from "node:fs/promises";
import { readTextIfThere } from "../ports/files.ts";

/** What an interrupted run has written, one `[index, value]` a line; a line that a kill cut short does not count. */
export async function readLedger<T, K = number>(file: string): Promise<Map<K, T>> {
  const done = new Map<K, T>();
  for (const line of await ledgerLines(file)) {
    try {
      const [index, value] = JSON.parse(line) as [K, T];
      done.set(index, value);
    } catch {
      // cut short
    }
  }
  return done;
}

/** The lines of a ledger. One that a kill cut short is ended, so that what is written next does not become a part of it. */
export async function ledgerLines(file: string): Promise<string[]> {
  const text = (await readTextIfThere(file)) ?? "";
  if (text !== "" && !text.endsWith("\n")) await appendFile(file, "\n");
  return text.split("\n").filter((line) => line !== "");
}
