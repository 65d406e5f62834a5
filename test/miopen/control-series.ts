/**
 * Makes the series of a control library, for control.real.test.ts: a series without some of its patches.
 *
 *   node test/miopen/control-series.ts patches/3.4 rdna1-detect,rdna1-no-search ./control
 *   npm start -- --miopen patched --patches ./control …
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A patch file of a series. */
export interface PatchFile {
  /** `0003-rdna1-detect.patch` */
  name: string;
  text: string;
}

/** What every RDNA1 patch asks: rdna1.cpp, which rdna1-detect brings. */
const ASKS_RDNA1 = /^\+.*\brdna1(?:::|\.hpp)/m;
/** The one hunk of rdna1-detect that does what its name says; the others add rdna1.cpp. */
const REFUSAL = /^@@ .*\n(?: .*\n)*\+ *rdna1::RefuseSpoof\(.*\n(?: .*\n)*/m;

/**
 * The series without the patches that are named (`rdna1-detect`). Where others that stay need what rdna1-detect adds, it is
 * left out as far as it acts: nobody asks what a card is.
 */
export function controlSeries(series: readonly PatchFile[], without: readonly string[]): PatchFile[] {
  const isOut = ({ name }: PatchFile) => without.includes(slugOf(name));
  const stays = series.filter((patch) => !isOut(patch));
  const isNeeded = stays.some(({ name, text }) => slugOf(name) !== "rdna1-detect" && ASKS_RDNA1.test(text));
  return series.flatMap((patch) => {
    if (!isOut(patch)) return [patch];
    if (slugOf(patch.name) !== "rdna1-detect" || !isNeeded) return [];
    if (!REFUSAL.test(patch.text)) throw new Error(`${patch.name}: its call of RefuseSpoof is not found`);
    return [{ ...patch, text: patch.text.replace(REFUSAL, "") }];
  });
}

/** `rdna1-detect` of `0003-rdna1-detect.patch`. */
export function slugOf(name: string): string {
  return name.replace(/^\d+-|\.patch$/g, "");
}

/** The patch files of a folder, in order of their numbers. */
export async function readSeries(folder: string): Promise<PatchFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".patch")).sort();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })));
}

if (import.meta.main) {
  const [from = "", without = "", out = ""] = process.argv.slice(2);
  const patches = controlSeries(await readSeries(from), without.split(","));
  await mkdir(out);
  for (const { name, text } of patches) await writeFile(join(out, name), text);
  await writeFile(join(out, "series"), patches.map(({ name }) => `${name}\n`).join(""));
}
