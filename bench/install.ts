import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { median, newest } from "./support.ts";

/**
 * What the checks of `install` cost: a real package installed into an empty cache against `tar --zstd -x` of the same tarball,
 * and installed again. Needs an `npm start` before, and `npm run build` for the program that is measured. Prints ratios of medians,
 * interleaved in one run. Another package than the newest is named by its folder: `node bench/install.ts FOLDER`.
 */
const PROGRAM = join(import.meta.dirname, "../dist/index.js");
const source = process.argv[2] ?? newest("package");
const tarball = readdirSync(source).find((name) => name.startsWith("rdna1-miopen-") && name.endsWith(".tar.zst")) ?? "";
const folder = mkdtempSync("/tmp/rdna1-bench-install-");
const runs = 7;
const times = { tar: [] as number[], cold: [] as number[], warm: [] as number[] };
try {
  for (let i = 0; i < runs; i++) {
    const plain = join(folder, `tar-${i}`);
    mkdirSync(plain);
    times.tar.push(timed("tar", ["--zstd", "-xf", join(source, tarball), "-C", plain]));
    const env = { RDNA1_MIOPEN_CACHE: join(folder, `cache-${i}`) };
    const install = [PROGRAM, "install", "--source", source];
    times.cold.push(timed(process.execPath, install, env));
    times.warm.push(timed(process.execPath, install, env));
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [tar, cold, warm] = [median(times.tar), median(times.cold), median(times.warm)];
console.log(`package: ${tarball}, ${(statSync(join(source, tarball)).size / 1e6).toFixed(1)} MB`);
console.log(`tar --zstd -x:   ${tar.toFixed(2)} s`);
console.log(`install, cold:   ${cold.toFixed(2)} s, ${((tar / cold) * 100).toFixed(0)} % of tar's speed`);
console.log(`install, again:  ${warm.toFixed(2)} s (starting, looking at every file)`);
console.log(`install, what unpacking and recording adds: ${((tar / (cold - warm)) * 100).toFixed(0)} % of tar's speed`);

function timed(file: string, args: readonly string[], env: Record<string, string> = {}): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(file, args, { env: { PATH: process.env.PATH, HOME: folder, ...env } });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stderr}`);
  return (performance.now() - started) / 1000;
}
