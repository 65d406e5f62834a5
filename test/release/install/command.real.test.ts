import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { asOrdinaryUser } from "../../../src/ports/setpriv.ts";
import { noise, sha256 } from "../sample.ts";
import { writeArchive } from "./archives.ts";
import { ReleaseServer } from "./release-server.ts";
import { TestSigstore } from "./sigstore.ts";
import { attestRelease, PACKAGE, samplePackage } from "./support.ts";

const PROGRAM = path.join(import.meta.dirname, "../../../src/main.ts");
const PLAIN = { file: process.execPath, args: [PROGRAM] as readonly string[] };
const TOKEN = "ghp_verySecretToken";

let scratch = "";
let home = "";
let roots = "";
let files: Record<string, Buffer> = {};
let digest = "";
let sigstore: TestSigstore;
let server: ReleaseServer;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-install-"));
  files = await samplePackage(path.join(scratch, "package"));
  digest = sha256(files[PACKAGE] ?? "");
  sigstore = await TestSigstore.start();
  roots = path.join(scratch, "roots.json");
  await writeFile(roots, JSON.stringify(sigstore.root));
});
after(async () => {
  server.close();
  sigstore.close();
  await rm(scratch, { recursive: true, force: true });
});
let count = 0;
beforeEach(async () => {
  server?.close();
  server = new ReleaseServer();
  await server.listen();
  server.add("v1", files);
  await attestRelease(server, sigstore, digest);
  home = path.join(scratch, `home-${++count}`);
  await mkdir(home);
});

const RELEASE = () => ["install", "--repository", "org/kernels", "--trusted-root", roots];

/** Starts the program as a user or a runner does, with nothing of this test's own environment. */
function start(args: readonly string[], env: Record<string, string> = {}, program = PLAIN) {
  const { PATH = "" } = process.env;
  const own = {
    PATH,
    HOME: home,
    RUNNER_TOOL_CACHE: path.join(home, "tools"),
    GITHUB_API_URL: `${server.api}${server.base}`,
  };
  const child = spawn(program.file, [...program.args, ...args], { cwd: home, env: { ...own, ...env } });
  let out = "";
  let text = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const done = once(child, "close").then(([code]) => ({ code: code as number, text, out }));
  return { child, done, text: () => text };
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  return await start(args, env).done;
}

/** Folders of installed packages in the tool cache, and whatever else lies beside them. */
async function cached(): Promise<{ packages: string[]; others: string[] }> {
  const folder = path.join(home, "tools/rdna1-miopen/installed");
  const names = await readdir(folder).catch(() => []);
  const packages = names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map((name) => path.join(folder, name));
  return { packages, others: names.filter((name) => !/^[0-9a-f]{32}$|\.lock$|^downloads$/.test(name)) };
}

async function nothingInstalled(): Promise<void> {
  assert.deepEqual(await cached(), { packages: [], others: [] });
}

/** What a package's environment makes MIOpen use. */
async function usable(folder: string): Promise<void> {
  const child = spawn("sh", [path.join(folder, "bin/rdna1-miopen-env"), "sh", "-c", "echo $MIOPEN_SYSTEM_DB_PATH"], {
    env: { PATH: process.env.PATH ?? "", HOME: home },
  });
  let out = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  await once(child, "close");
  assert.equal(out, `${folder}/share/miopen/db\n`);
  assert.deepEqual(await readFile(path.join(folder, "share/miopen/db/gfx1010.kdb")), noise("gfx1010", 60_000));
}

test("installs the release of a repository, attested, and says how to use it; again it only looks", async () => {
  const first = await run(RELEASE());
  assert.equal(first.code, 0, first.text);
  const { packages, others } = await cached();
  const [folder = ""] = packages;
  assert.deepEqual([packages.length, others], [1, []]);
  assert.match(first.out, new RegExp(`^  \\. ${folder}/activate$`, "m"));
  assert.match(
    first.out,
    /origin +attested by https:\/\/github\.com\/org\/kernels\/\.github\/workflows\/release\.yml@refs\/tags\/v1/,
  );
  await usable(folder);
  server.requests.length = 0;
  const second = await run(RELEASE());
  assert.equal(second.code, 0, second.text);
  assert.match(second.out, /was there already/);
  assert.equal(server.count(/tar\.zst|attestations/), 0, server.requests.join("\n"));
});

test("a job gets outputs, environment and path, and a summary", async () => {
  const names = ["output", "env", "path", "summary", "state"];
  const place = (name: string) => path.join(home, name);
  for (const name of names) await writeFile(place(name), "");
  const { code, text } = await run([], {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: place("output"),
    GITHUB_ENV: place("env"),
    GITHUB_PATH: place("path"),
    GITHUB_STEP_SUMMARY: place("summary"),
    GITHUB_STATE: place("state"),
    GITHUB_ACTION_REPOSITORY: "org/kernels",
    GITHUB_REPOSITORY: "somebody/app",
    RUNNER_ENVIRONMENT: "self-hosted",
    INPUT_COMMAND: "install",
    INPUT_TOKEN: TOKEN,
    "INPUT_TRUSTED-ROOT": roots,
    "INPUT_ROCM-VERSION": "7.2.4",
  });
  assert.equal(code, 0, text);
  assert.equal(text.includes(TOKEN), false);
  const [folder = ""] = (await cached()).packages;
  const written = async (name: string) => await readFile(place(name), "utf8");
  for (const [name, value] of Object.entries({
    prefix: folder,
    activate: `${folder}/activate`,
    sha256: digest,
    targets: "gfx1010",
    "miopen-version": "3.5.1",
    "rocm-version": "7.2.4",
    attested: "true",
    "cache-hit": "false",
    tag: "v1",
    release: `${server.api}/org/kernels/releases/tag/v1`,
  })) {
    assert.match(await written("output"), new RegExp(`^${name}<<(.*)\n${value.replaceAll(".", "\\.")}\n\\1$`, "m"));
  }
  assert.match(await written("output"), /^kernels<<.*\n[1-9]\d*\n/m);
  assert.match(await written("env"), new RegExp(`^MIOPEN_SYSTEM_DB_PATH<<.*\n${folder}/share/miopen/db\n`, "m"));
  assert.match(await written("env"), /^MIOPEN_FIND_MODE<<.*\n2\n/m);
  assert.equal(await written("path"), `${folder}/bin\n`);
  assert.match(await written("summary"), /attested by/);
  assert.deepEqual([...server.leaked], [], "the token does not go to the storage");
});

test("four jobs at once on one tool cache: all right, fetched and unpacked once", async () => {
  server.faults.push({ on: /tar\.zst/, fault: { kind: "late", milliseconds: 1500 } });
  const results = await Promise.all([1, 2, 3, 4].map(() => run(RELEASE())));
  for (const { code, text } of results) assert.equal(code, 0, text);
  const { packages, others } = await cached();
  assert.deepEqual([packages.length, others], [1, []]);
  await usable(packages[0] ?? "");
  assert.equal(server.count(/tar\.zst/), 1);
});

test("killed in the middle of a download, it goes on where it was", async () => {
  server.faults.push({ on: /tar\.zst/, fault: { kind: "stall", after: 20_000 } });
  const { child, done } = start(RELEASE());
  const part = path.join(home, `tools/rdna1-miopen/installed/downloads/${digest}.tar.zst.part`);
  const bytes = async () => (await stat(part).catch(() => null))?.size ?? 0;
  for (let tries = 0; tries < 600 && (await bytes()) < 20_000; tries++) await sleep(50);
  child.kill("SIGKILL");
  await done;
  await nothingInstalled();
  const { code, text } = await run(RELEASE());
  assert.equal(code, 0, text);
  assert.equal(server.ranges.at(-1), "bytes=20000-");
  assert.deepEqual((await cached()).others, []);
  await usable((await cached()).packages[0] ?? "");
});

test("a prefix gets a copy that can be replaced, and nothing of somebody else's", async () => {
  const prefix = path.join(home, "apps/rdna1");
  const args = [...RELEASE(), "--prefix", prefix];
  assert.equal((await run(args)).code, 0);
  await usable(prefix);
  const again = await run(args);
  assert.match(again.out, /was there already/);
  await writeFile(path.join(prefix, "share/miopen/db/gfx1010.kdb"), noise("other", 60_000));
  const repaired = await run(args);
  assert.equal(repaired.code, 0, repaired.text);
  await usable(prefix);
  assert.deepEqual(await readdir(path.dirname(prefix)), ["rdna1"]);

  const foreign = path.join(home, "foreign");
  await mkdir(foreign);
  await writeFile(path.join(foreign, "thesis.tex"), "years of work");
  const refused = await run([...RELEASE(), "--prefix", foreign]);
  assert.equal(refused.code, 2);
  assert.match(refused.text, /foreign holds something else \(thesis\.tex\)/);
  assert.deepEqual(await readdir(foreign), ["thesis.tex"]);
});

test("offline takes what is in the cache, and nothing else", async () => {
  const without = await run([...RELEASE(), "--offline"]);
  assert.equal(without.code, 1);
  assert.match(without.text, /offline, and no package in the cache fits/);
  assert.equal((await run(RELEASE())).code, 0);
  server.requests.length = 0;
  const { code, text, out } = await run([...RELEASE(), "--offline", "--tag", "v1"]);
  assert.equal(code, 0, text);
  assert.match(out, /attested by/);
  assert.equal(server.requests.length, 0);
  assert.equal((await run([...RELEASE(), "--offline", "--rocm-version", "7.0.2"])).code, 1);
  assert.equal((await run([...RELEASE(), "--offline", "--tag", "v2"])).code, 1);
  const stranger = await run([...RELEASE(), "--offline", "--repository", "evil/kernels"]);
  assert.match(stranger.text, /its origin is not proven/);
  assert.equal(stranger.code, 1);
});

test("a damaged file in the cache is noticed, and the package installed anew", async () => {
  assert.equal((await run(RELEASE())).code, 0);
  const file = path.join((await cached()).packages[0] ?? "", "share/miopen/db/gfx1010.kdb");
  await writeFile(file, noise("other", 60_000));
  const { code, text } = await run(RELEASE());
  assert.equal(code, 0, text);
  assert.match(text, /is damaged \(share\/miopen\/db\/gfx1010\.kdb was changed\)/);
  assert.deepEqual(await readFile(file), noise("gfx1010", 60_000));
});

/** Puts the package's files into a folder of this test. */
async function mirror(changes: Record<string, Buffer | string | null> = {}): Promise<string> {
  const folder = path.join(home, "mirror");
  await mkdir(folder);
  for (const [name, content] of Object.entries({ ...files, ...changes })) {
    if (content !== null) await writeFile(path.join(folder, name), content);
  }
  return folder;
}

test("a folder with SHA256SUMS, and a single tarball with its digest beside it, need no network", async () => {
  const folder = await mirror();
  const whole = await run(["install", "--offline", "--source", folder]);
  assert.equal(whole.code, 0, whole.text);
  assert.match(whole.out, /origin +not proven/);
  const alone = path.join(home, "alone");
  await mkdir(alone);
  await cp(path.join(folder, PACKAGE), path.join(alone, PACKAGE));
  const source = path.join(alone, PACKAGE);
  const naked = await run(["install", "--source", source]);
  assert.equal(naked.code, 2);
  assert.match(naked.text, /no .*\.sha256 and no SHA256SUMS that lists/);
  await rm(path.join(home, "tools"), { recursive: true });
  await writeFile(`${source}.sha256`, `${digest}  ${PACKAGE}\n`);
  const { code, text } = await run(["install", "--source", source]);
  assert.equal(code, 0, text);
  await usable((await cached()).packages[0] ?? "");
  assert.equal(server.requests.length, 0);
});

test("an attestation in a file beside the tarball is checked, also offline", async () => {
  const bundle = JSON.stringify(await sigstore.attest({ sha256: digest }));
  const folder = await mirror({ [`${PACKAGE}.sigstore.json`]: bundle });
  const args = ["install", "--source", folder, "--trusted-root", roots, "--offline"];
  const good = await run([...args, "--repository", "org/kernels"]);
  assert.equal(good.code, 0, good.text);
  assert.match(good.out, /origin +attested by/);
  await rm(path.join(home, "tools"), { recursive: true });
  const stranger = await run([...args, "--repository", "org/other"]);
  assert.equal(stranger.code, 1);
  assert.match(
    stranger.text,
    /made for https:\/\/github\.com\/org\/kernels, not for https:\/\/github\.com\/org\/other/,
  );
  await nothingInstalled();
});

test("attestations from a file of one's own, as gh downloads them", async () => {
  server.attestations.clear();
  const file = path.join(home, "attestations.jsonl");
  const other = JSON.stringify(await sigstore.attest({ sha256: sha256("other") }));
  await writeFile(file, `${other}\n${JSON.stringify(await sigstore.attest({ sha256: digest }))}\n`);
  const { code, text, out } = await run([...RELEASE(), "--attestation", file]);
  assert.equal(code, 0, text);
  assert.match(out, /attested by/);
});

test("an Enterprise Server without attestations and digests: only where that is allowed", async () => {
  server.base = "/api/v3";
  server.token = TOKEN;
  server.attestations.clear();
  for (const asset of server.releases[0]?.assets ?? []) asset.digest = null;
  const env = { GITHUB_TOKEN: TOKEN, GITHUB_SERVER_URL: "https://github.corp.example" };
  const demanded = await run(RELEASE(), env);
  assert.equal(demanded.code, 2);
  assert.match(demanded.text, /has no attestation for .*set attestation 'off'/s);
  const { code, text, out } = await run([...RELEASE(), "--attestation", "off"], env);
  assert.equal(code, 0, text);
  assert.match(out, /origin +not proven/);
  assert.equal(text.includes(TOKEN), false);
  assert.deepEqual([...server.leaked], []);
  const stranger = await run(RELEASE());
  assert.equal(stranger.code, 2);
  assert.match(stranger.text, /404.*check the repository's name/s);
});

for (const [what, prepare, exit, pattern] of [
  [
    "a tarball that was changed after it was published",
    async () => {
      const asset = server.releases[0]?.assets.find(({ name }) => name === PACKAGE);
      if (asset !== undefined) Object.assign(asset, { content: noise("evil", asset.content.length) });
    },
    1,
    /is not what was promised: .* SHA-256/,
  ],
  [
    "a tarball and an API digest that do not agree with SHA256SUMS",
    async () => {
      const asset = server.releases[0]?.assets.find(({ name }) => name === PACKAGE);
      const content = noise("evil", asset?.content.length ?? 0);
      if (asset !== undefined) Object.assign(asset, { content, digest: `sha256:${sha256(content)}` });
    },
    1,
    /is not the file that its SHA256SUMS and manifest\.json tell of/,
  ],
  ["a release without an attestation", async () => server.attestations.clear(), 2, /has no attestation for/],
  [
    "an attestation by another workflow",
    async () => {
      server.attestations.clear();
      await attestRelease(server, sigstore, digest, {
        workflow: "org/kernels/.github/workflows/evil.yml@refs/heads/x",
      });
    },
    1,
    /made by .*evil\.yml/,
  ],
  [
    "an attestation that another Sigstore has signed",
    async () => {
      const other = await TestSigstore.start();
      server.attestations.clear();
      await attestRelease(server, other, digest);
      other.close();
    },
    1,
    /no attestation of .* is good/,
  ],
  ["a release without SHA256SUMS", async () => drop("SHA256SUMS"), 2, /no SHA256SUMS/],
  ["a release without the tarball that it lists", async () => drop(PACKAGE), 2, /no package fits/],
  ["no release at all", async () => server.releases.splice(0), 2, /there is no release with a package/],
  ["a draft only", async () => Object.assign(server.releases[0] ?? {}, { draft: true }), 2, /there is no release/],
] as const) {
  test(`${what}: exit code ${exit}, what to do, and nothing is left`, async () => {
    await prepare();
    const { code, text } = await run(RELEASE());
    assert.match(text, pattern);
    assert.match(text, /\n {7}\S/, "a remedy follows");
    assert.equal(code, exit, text);
    await nothingInstalled();
  });
}

function drop(name: string): void {
  const release = server.releases[0];
  if (release !== undefined) release.assets = release.assets.filter((asset) => asset.name !== name);
}

for (const [what, entry] of [
  ["a path that climbs out", { path: "../../../victim", content: "x" }],
  ["an absolute link", { path: "share/evil", type: "SymbolicLink", linkpath: "/etc" }],
  ["a hard link out", { path: "share/evil", type: "Link", linkpath: "../../../victim" }],
  ["a device", { path: "share/evil", type: "CharacterDevice" }],
] as const) {
  test(`an attested tarball with ${what} is not unpacked, and nothing is left`, async () => {
    const folder = await mirror({ "manifest.json": null });
    const archive = await writeArchive(folder, PACKAGE, [{ path: "activate", content: "#" }, entry]);
    await writeFile(path.join(folder, "SHA256SUMS"), `${archive.sha256}  ${PACKAGE}\n`);
    const { code, text } = await run(["install", "--source", folder]);
    assert.match(text, /is not unpacked/);
    assert.equal(code, 1);
    await nothingInstalled();
    assert.deepEqual((await readdir(home)).sort(), ["mirror", "tools"]);
  });
}

for (const [what, args, exit, pattern] of [
  [
    "a ROCm that no release is for",
    ["--rocm-version", "6.4.3"],
    2,
    /no package fits ROCm 6\.4\.3.*there is: rdna1-miopen-3\.5\.1/,
  ],
  ["a target that no release has", ["--targets", "gfx1012"], 2, /has no kernels for gfx1012/],
  ["a tag that is not there", ["--tag", "v9"], 2, /release v9 of org\/kernels: GitHub answers 404/],
  ["cache off without a prefix", ["--cache", "off"], 2, /no prefix is given/],
  ["a workflow that is no file", ["--signer-workflow", "release"], 2, /signer-workflow: 'release'/],
  ["an option of publish", ["--draft", "true"], 2, /draft is given, but the command is 'install'/],
] as const) {
  test(`${what}: exit code ${exit}`, async () => {
    const { code, text } = await run([...RELEASE(), ...args]);
    assert.match(text, pattern);
    assert.equal(code, exit);
    await nothingInstalled();
  });
}

test("a job that has HSA_OVERRIDE_GFX_VERSION is stopped before anything is fetched", async () => {
  const output = path.join(home, "output");
  await writeFile(output, "");
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: output,
    INPUT_COMMAND: "install",
    HSA_OVERRIDE_GFX_VERSION: "10.3.0",
  };
  const { code, text } = await run([], env);
  assert.equal(code, 2);
  assert.match(text, /HSA_OVERRIDE_GFX_VERSION is set/);
  assert.equal(server.requests.length, 0);
});

test("a folder of one's own is enough, without any privilege; one that cannot be written is named", async () => {
  const ordinary = asOrdinaryUser({ file: process.execPath, args: [PROGRAM], env: {} });
  const own = await start([...RELEASE(), "--prefix", path.join(home, "rdna1")], {}, ordinary).done;
  assert.equal(own.code, 0, own.text);
  await usable(path.join(home, "rdna1"));
  const locked = path.join(home, "locked");
  await mkdir(locked);
  await chmod(locked, 0o555);
  const { code, text } = await start([...RELEASE(), "--prefix", path.join(locked, "rdna1")], {}, ordinary).done;
  assert.equal(code, 2, text);
  assert.match(text, /prefix: cannot put anything into .*locked/);
});
