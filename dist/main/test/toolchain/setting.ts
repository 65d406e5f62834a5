import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import type { DebianOptions } from "../../src/toolchain/debian.ts";
import { ArchiveServer } from "./archive-server.ts";
import { scratch } from "./helpers.ts";
import { SmallArchive, type SmallPackage, smallRocm } from "./small-archive.ts";

const LINKS: SmallPackage["files"] = {
  "usr/share/absolute": { link: "/usr/include" },
  "usr/share/escape": { link: "../../../../etc/passwd" },
};
export interface Setting {
  archive: SmallArchive;
  server: ArchiveServer;
  options: DebianOptions;
  cacheRoot: string;
}

/** Made once: most tests only read it. */
let shared: { archive: SmallArchive; folder: string } | undefined;
after(() => shared && rm(shared.folder, { recursive: true, force: true }));

async function sharedArchive(): Promise<SmallArchive> {
  if (shared === undefined) {
    const folder = await mkdtemp(join(tmpdir(), "rdna1-test-"));
    const archive = new SmallArchive(folder);
    archive.publish("sid", smallRocm("7.1.0"));
    archive.publish("experimental", smallRocm("7.2.4", LINKS));
    shared = { archive, folder };
  }
  return shared.archive;
}

/** An archive that the test may damage. */
export async function ownArchive(t: TestContext): Promise<SmallArchive> {
  const archive = new SmallArchive(await scratch(t));
  archive.publish("sid", smallRocm("7.1.0"));
  archive.publish("experimental", smallRocm("7.2.4"));
  return archive;
}

export async function setting(t: TestContext, own?: SmallArchive): Promise<Setting> {
  const archive = own ?? (await sharedArchive());
  const server = new ArchiveServer(archive.folder);
  t.after(() => server.close());
  const cacheRoot = join(await scratch(t), "cache");
  const mirror = await server.listen();
  const options = {
    rocmVersion: "7.2.4",
    cacheRoot,
    mirror,
    offline: false,
    jobs: 2,
    env: {},
    keyring: archive.keyring,
  };
  return { archive, server, options, cacheRoot };
}
