import { createReadStream } from "node:fs";

/**
 * MIOpen's own version (`3.5.1`), which no package name tells: the library holds the text of a log line,
 * `, MIOpen version 3.5.1.`. Null when it is not there.
 */
export async function miopenVersion(library: string): Promise<string | null> {
  let rest = "";
  for await (const chunk of createReadStream(library, { highWaterMark: 4 << 20, encoding: "latin1" })) {
    const text = rest + (chunk as string);
    const found = /MIOpen version (\d+\.\d+\.\d+)/.exec(text);
    if (found?.[1] !== undefined) return found[1];
    rest = text.slice(-64);
  }
  return null;
}
