import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { machineError } from "../errors.ts";
import type { Exec } from "../ports/exec.ts";
import { fileFact } from "./checksums.ts";
import { DEFAULT_SOURCE_DATE } from "./input.ts";
import type { FileFact } from "./manifest.ts";
import { listTree } from "./tree.ts";

export interface TarballOptions {
  exec: Exec;
  /** Unix seconds that every entry carries */
  sourceDate?: number;
  /** Of zstd; default {@link LEVEL} */
  level?: number;
  /** Default `ustar`, which every tar reads; `gnu` takes paths of any length */
  format?: "ustar" | "gnu";
  /** Names that are left out at any depth, with what is below them */
  exclude?: readonly string[];
}

/** 15: on the gfx1010 set (92 MB, 10,774 kernels) 19 takes 7 times as long for 1 % less. */
const LEVEL = 15;

/**
 * Packs what lies in `folder` into `outFile` (`.tar.zst`), entries without a leading `./` and without a top folder, so
 * that `tar -C <prefix> -x` installs it. The bytes depend on names, contents, execute bits and the date only: not on
 * folder, owner, umask, times, locale or order on disk. Written aside and renamed; memory does not grow with size.
 */
export async function writeTarball(folder: string, outFile: string, options: TarballOptions): Promise<FileFact> {
  const { top } = await listTree(folder);
  const tar = `${outFile}.tar-${process.pid}`;
  const packed = `${outFile}.zst-${process.pid}`;
  try {
    await archive(folder, top, tar, options);
    await compress(tar, packed, options.level ?? LEVEL);
    await rename(packed, outFile);
  } finally {
    await Promise.all([rm(tar, { force: true }), rm(packed, { force: true })]);
  }
  return fileFact(path.dirname(outFile), path.basename(outFile));
}

/** Arguments of GNU tar for an archive whose bytes depend on contents only. */
export function tarArguments(
  folder: string,
  top: readonly string[],
  outFile: string,
  date: number,
  { format = "ustar", exclude = [] }: Pick<TarballOptions, "format" | "exclude"> = {},
): string[] {
  return [
    "--create",
    `--file=${outFile}`,
    "--force-local", // a colon in the path is no host name
    `--directory=${folder}`,
    `--format=${format}`, // neither has a place for access times, user names of other systems, or sub-second times
    ...exclude.map((name) => `--exclude=${name}`),
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    `--mtime=@${date}`,
    "--mode=u+rw,a+rX,go-w,a-st",
    "--hard-dereference", // two names of one file are two files, whatever the file system did
    "--blocking-factor=20",
    "--",
    ...top,
  ];
}

async function archive(folder: string, top: readonly string[], tar: string, options: TarballOptions): Promise<void> {
  const args = tarArguments(folder, top, tar, options.sourceDate ?? DEFAULT_SOURCE_DATE, options);
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
  const result = await options.exec.run({ file: "tar", args, env });
  if (result.code === 0) return;
  const said = result.stderr.trim().split("\n").slice(-3).join("; ");
  // GNU tar reports a disk that fills up in the middle of a block as a short write
  if (/No space left|quota|Wrote only/i.test(said)) {
    throw machineError(
      `the disk is full: the archive of ${folder} could not be written`,
      "free some space and run the same command again",
    );
  }
  throw machineError(
    `tar could not pack ${folder}: ${said || `exit code ${result.code}`}`,
    "check that GNU tar 1.28 or newer is installed",
  );
}

/** One thread: more would make the bytes depend on their number. */
async function compress(from: string, to: string, level: number): Promise<void> {
  const { size } = await stat(from);
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    createZstdCompress({ params, pledgedSrcSize: size }),
    createWriteStream(to),
  );
}
