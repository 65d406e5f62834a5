import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { machineError, userError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { diskError, diskFull, saysDiskIsFull } from "../../ports/files.ts";
import { endingWithUs } from "../../ports/setpriv.ts";
import { writeTarball } from "../../release/tarball.ts";
import { LEFT_OUT } from "./listing.ts";
import type { SourceOption } from "./origin.ts";

const ENV = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/** Unpacks somebody's tarball, compressed as GNU tar knows it. `option` has named it. */
export async function unpackForeign(tarball: string, folder: string, option: SourceOption, exec: Exec): Promise<void> {
  await mkdir(folder, { recursive: true });
  const args = ["--extract", `--file=${tarball}`, "--force-local", `--directory=${folder}`, "--no-same-owner"];
  const result = await exec.run(endingWithUs({ file: "tar", args, env: ENV }));
  if (result.code === 0) return;
  if (saysDiskIsFull(result.stderr)) throw diskFull(folder);
  const why = result.stderr.trim().split("\n").slice(0, 2).join("; ");
  throw userError(`${option}: ${tarball} cannot be unpacked: ${why}`, "give a whole tarball of MIOpen's source");
}

/** Packs a source tree, quickly: it is read again on this machine only. Times, owners and version control are left out. */
export async function packSource(folder: string, file: string, exec: Exec): Promise<void> {
  await writeTarball(folder, file, { exec, level: 3, format: "gnu", exclude: LEFT_OUT });
}

/** Unpacks what {@link packSource} made: everything, or only the named files. Every file has the same old time. */
export async function unpackSource(
  packed: string,
  folder: string,
  exec: Exec,
  names?: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tar = `${folder}.tar`;
  try {
    await pipeline(createReadStream(packed), createZstdDecompress(), createWriteStream(tar));
    const args = ["--extract", `--file=${tar}`, "--force-local", `--directory=${folder}`, "--no-same-owner"];
    const input = names === undefined ? {} : { input: names.map((name) => `${name}\0`).join("") };
    const chosen = names === undefined ? [] : ["--null", "--verbatim-files-from", "--files-from=-"];
    const result = await exec.run(endingWithUs({ file: "tar", args: [...args, ...chosen], env: ENV }), input);
    if (result.code === 0) return;
    if (saysDiskIsFull(result.stderr)) throw diskFull(folder);
    throw machineError(`cannot unpack ${packed}: ${result.stderr.trim().slice(0, 300)}`, "start again with cache off");
  } catch (error) {
    throw diskError(error, folder);
  } finally {
    await rm(tar, { force: true });
  }
}

/** A scratch folder that is empty. */
export async function emptyFolder(...parts: string[]): Promise<string> {
  const folder = join(...parts);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}
