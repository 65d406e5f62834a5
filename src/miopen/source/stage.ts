import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../../context.ts";
import { machineError, userError } from "../../errors.ts";
import { sha256File } from "../../ports/files.ts";
import { type KnownArchive, knownArchive } from "./archive.ts";
import { checkout, resolveCommit } from "./git.ts";
import { type Listing, lastChange, listSource, pathOf } from "./listing.ts";
import { describeOrigin, type Origin, type SourceOption, sourceOption } from "./origin.ts";
import { emptyFolder, packSource, unpackForeign } from "./pack.ts";
import { releaseOrigin } from "./releases.ts";
import { findMiopen } from "./version.ts";

/** MIOpen's source, ready to be patched. */
export interface MiopenSource {
  /** The packed tree, as `packSource` makes it */
  packed: string;
  /** Every file of the tree */
  files: ReadonlySet<string>;
  /** `3.5.0` */
  version: string;
  /** Digest of contents, whatever form they came in */
  digest: string;
  /** Where it came from, in one line without paths of this machine; a git origin with its commit */
  origin: string;
}

/** Raise when the packed form changes. */
const SOURCE_SCHEMA = "1";

/** An origin whose content is fixed: what it is known by, and how to get it. */
interface Fixed {
  key: string;
  title: string;
  /** Brings it into `folder`, or resolves with the folder where it lies already and with what was read there */
  bring(folder: string): Promise<{ folder: string; listing: Listing } | null>;
  /** Called when the source is in the cache */
  done?: () => Promise<void>;
}

/** The source that was asked for; without one, that of the ROCm release. Nothing is fetched when it is in the cache. */
export function sourceStage(context: Context, origin: Origin | null): Promise<MiopenSource> {
  return context.record.during("miopen-source", () => sourceFrom(context, origin));
}

async function sourceFrom(context: Context, origin: Origin | null): Promise<MiopenSource> {
  const { rocmVersion, command } = context.inputs;
  const wanted = origin ?? releaseOrigin(rocmVersion, sourceOption(command));
  const started = performance.now();
  const fixed = await fix(context, wanted);
  const outcome = await context.stages.run({
    name: "miopen-source",
    parts: { origin: wanted.kind, content: fixed.key, schema: SOURCE_SCHEMA },
    run: async (folder) => {
      const raw = await emptyFolder(folder, "raw");
      const there = await fixed.bring(raw);
      const result = await keep(context, there ?? { folder: raw, listing: null }, folder, wanted);
      await rm(raw, { recursive: true });
      return result;
    },
  });
  await fixed.done?.();
  context.timings.source = outcome.hit ? 0 : (performance.now() - started) / 1000;
  const { version, digest } = outcome.result;
  context.log.info(`source: MIOpen ${version} from ${fixed.title}`);
  const lines = (await readFile(join(outcome.folder, "files.txt"), "utf8")).split("\n");
  const files = new Set(lines.map(pathOf).filter((name) => name !== ""));
  const local = wanted.kind === "tarball" || wanted.kind === "path";
  const said = local ? `${wanted.kind === "path" ? "folder" : "tarball"}, content ${digest}` : fixed.title;
  return { packed: join(outcome.folder, "source.tar.zst"), files, version, digest, origin: said };
}

/** Finds MIOpen in what was brought and packs it. */
async function keep(
  { exec, inputs }: Context,
  brought: { folder: string; listing: Listing | null },
  folder: string,
  origin: Origin,
): Promise<{ version: string; digest: string }> {
  const found = await findMiopen(brought.folder);
  if (found === null) {
    throw foreign(describeOrigin(origin), sourceOption(inputs.command));
  }
  const { lines, digest, changed } = brought.listing ?? (await listSource(found.folder));
  await packSource(found.folder, join(folder, "source.tar.zst"), exec);
  if ((await lastChange(found.folder)) !== changed) {
    throw machineError(`${found.folder} was changed while it was read`, "start again when nothing writes there");
  }
  await writeFile(join(folder, "files.txt"), `${lines.join("\n")}\n`);
  return { version: found.version, digest };
}

async function fix(context: Context, origin: Origin): Promise<Fixed> {
  const { inputs, exec, log, env } = context;
  const option = sourceOption(inputs.command);
  const kept = { folder: join(context.cacheRoot, "sources"), offline: inputs.offline, option };
  const title = describeOrigin(origin);
  switch (origin.kind) {
    case "archive": {
      const archive: KnownArchive = await knownArchive(origin, kept, { log, env });
      const bring = async (folder: string) => {
        await unpackForeign(await archive.file(), folder, option, exec);
        return null;
      };
      return { key: archive.sha256, title, bring, done: archive.forget };
    }
    case "git": {
      const ports = { exec, log, env };
      const commit = await resolveCommit(origin, kept, ports);
      const bring = async (folder: string) => {
        if (inputs.offline) {
          throw machineError(
            `offline, and commit ${commit} of ${title} is not in the cache`,
            "run once without offline",
          );
        }
        await checkout(origin, commit, folder, ports);
        return null;
      };
      return { key: commit, title: `${title} (${commit})`, bring };
    }
    case "tarball":
      return tarball(context, origin.path, origin.sha256);
    case "path": {
      const entry = await stat(origin.path).catch(() => null);
      if (entry === null) throw absent(origin.path, option);
      if (!entry.isDirectory()) return tarball(context, origin.path, null);
      const found = await findMiopen(origin.path);
      if (found === null) throw foreign(origin.path, option);
      const listing = await listSource(found.folder);
      return { key: listing.digest, title, bring: async () => ({ folder: found.folder, listing }) };
    }
  }
}

async function tarball({ exec, inputs }: Context, path: string, promised: string | null): Promise<Fixed> {
  const option = sourceOption(inputs.command);
  const digest = await sha256File(path).catch(() => {
    throw absent(path, option);
  });
  if (promised !== null && digest !== promised) {
    throw userError(
      `${option}: ${path} is damaged or another file: its SHA-256 is ${digest}, not ${promised}`,
      "fetch it again, or correct the digest",
    );
  }
  const bring = async (folder: string) => {
    await unpackForeign(path, folder, option, exec);
    return null;
  };
  return { key: digest, title: `${path} (sha256 ${digest})`, bring };
}

function absent(path: string, option: SourceOption): Error {
  return userError(`${option}: ${path} does not exist or cannot be read`, "give a tarball or a folder that exists");
}

function foreign(place: string, option: SourceOption): Error {
  return userError(
    `${option}: ${place} is not MIOpen's source (no CMakeLists.txt with project(MIOpen) and its version)`,
    "give the folder or archive whose top, or whose projects/miopen, is MIOpen",
  );
}
