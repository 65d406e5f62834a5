import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach } from "node:test";
import type { Target } from "../../../src/rdna1/targets.ts";
import { noise, sha256 } from "../sample.ts";
import { ReleaseServer } from "./release-server.ts";
import { TestSigstore } from "./sigstore.ts";
import { attestRelease, PACKAGE, samplePackage } from "./support.ts";

export const PROGRAM = path.join(import.meta.dirname, "../../../src/main.ts");
const PLAIN = { file: process.execPath, args: [PROGRAM] as readonly string[] };

/**
 * A machine for the program to install on: a home and a tool cache that are empty for each test, a GitHub with the attested
 * release v1, and a Sigstore.
 */
export class Sandbox {
  home = "";
  /** File for `trusted-root` */
  roots = "";
  /** What `build` has left: the files of the release */
  files: Record<string, Buffer> = {};
  /** Of the tarball */
  digest = "";
  server = new ReleaseServer();
  #sigstore: TestSigstore | null = null;

  /** Registers the hooks of a test file. */
  static use(targets: readonly Target[] = ["gfx1010"]): Sandbox {
    const sandbox = new Sandbox();
    let scratch = "";
    let count = 0;
    before(async () => {
      scratch = await mkdtemp(path.join(tmpdir(), "rdna1-install-"));
      sandbox.files = await samplePackage(path.join(scratch, "package"), targets);
      sandbox.digest = sha256(sandbox.files[PACKAGE] ?? "");
      sandbox.#sigstore = await TestSigstore.start();
      sandbox.roots = path.join(scratch, "roots.json");
      await writeFile(sandbox.roots, JSON.stringify(sandbox.sigstore.root));
    });
    after(async () => {
      sandbox.server.close();
      sandbox.sigstore.close();
      await rm(scratch, { recursive: true, force: true });
    });
    beforeEach(async () => {
      sandbox.server.close();
      sandbox.server = new ReleaseServer();
      await sandbox.server.listen();
      sandbox.server.add("v1", sandbox.files);
      for (const [name, content] of Object.entries(sandbox.files)) {
        if (name.endsWith(".tar.zst")) await attestRelease(sandbox.server, sandbox.sigstore, sha256(content));
      }
      sandbox.home = path.join(scratch, `home-${++count}`);
      await mkdir(sandbox.home);
    });
    return sandbox;
  }

  get sigstore(): TestSigstore {
    assert.ok(this.#sigstore !== null);
    return this.#sigstore;
  }

  /** The command line that installs the release. */
  get release(): string[] {
    return ["install", "--repository", "org/kernels", "--trusted-root", this.roots];
  }

  /** Starts the program as a user or a runner does, with nothing of this test's own environment. */
  start(args: readonly string[], env: Record<string, string> = {}, program = PLAIN) {
    const { PATH = "" } = process.env;
    const api = `${this.server.api}${this.server.base}`;
    const own = { PATH, HOME: this.home, RUNNER_TOOL_CACHE: path.join(this.home, "tools"), GITHUB_API_URL: api };
    const child = spawn(program.file, [...program.args, ...args], { cwd: this.home, env: { ...own, ...env } });
    let out = "";
    let text = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    const done = once(child, "close").then(([code]) => ({ code: code as number, text, out }));
    return { child, done };
  }

  async run(args: readonly string[], env: Record<string, string> = {}) {
    return await this.start(args, env).done;
  }

  /** Folder of everything that `install` keeps. */
  get installed(): string {
    return path.join(this.home, "tools/rdna1-miopen/installed");
  }

  /** Folders of installed packages, and names of what else lies beside them. */
  async cached(): Promise<{ packages: string[]; others: string[] }> {
    const names = await readdir(this.installed).catch(() => []);
    const isPackage = (name: string) => /^[0-9a-f]{32}$/.test(name);
    return {
      packages: names.filter(isPackage).map((name) => path.join(this.installed, name)),
      others: names.filter((name) => !isPackage(name) && !/\.lock$|^downloads$/.test(name)),
    };
  }

  /** The one installed package. */
  async onlyPackage(): Promise<string> {
    const { packages, others } = await this.cached();
    assert.deepEqual([packages.length, others], [1, []]);
    return packages[0] ?? "";
  }

  async nothingInstalled(): Promise<void> {
    assert.deepEqual(await this.cached(), { packages: [], others: [] });
  }

  /** Whether MIOpen finds the kernels of a folder with the folder's own environment. */
  async usable(folder: string): Promise<void> {
    const child = spawn("sh", [path.join(folder, "bin/rdna1-miopen-env"), "sh", "-c", "echo $MIOPEN_SYSTEM_DB_PATH"], {
      env: { PATH: process.env.PATH ?? "", HOME: this.home },
    });
    let out = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    await once(child, "close");
    assert.equal(out, `${folder}/share/miopen/db\n`);
    assert.deepEqual(await readFile(path.join(folder, "share/miopen/db/gfx1010.kdb")), noise("gfx1010", 60_000));
  }

  /** Puts the package's files into a folder of this test; null leaves one out. */
  async mirror(changes: Record<string, Buffer | string | null> = {}): Promise<string> {
    const folder = path.join(this.home, "mirror");
    await mkdir(folder);
    for (const [name, content] of Object.entries({ ...this.files, ...changes })) {
      if (content !== null) await writeFile(path.join(folder, name), content);
    }
    return folder;
  }

  /** An asset of the release. */
  asset(name: string) {
    const asset = this.server.releases[0]?.assets.find((one) => one.name === name);
    assert.ok(asset !== undefined);
    return asset;
  }
}
