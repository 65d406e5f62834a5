import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { NodeExec } from "../../src/ports/exec.ts";
import { debianPackages } from "../../src/toolchain/debian/packages.ts";
import { type DebianOptions, debianToolchain } from "../../src/toolchain/debian.ts";
import { verifiedToolchain } from "../../src/toolchain/resolve.ts";
import { recordedLog, scratch } from "./helpers.ts";
import { ownArchive, setting } from "./setting.ts";
import { cannotMakeArchive, SmallArchive, smallRocm } from "./small-archive.ts";

const skip = cannotMakeArchive();
const exec = new NodeExec();

async function make(options: DebianOptions) {
  const log = recordedLog();
  const toolchain = await debianToolchain(options, { exec, log });
  return { toolchain, log };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

test("makes a tree of its own to compile MIOpen in, with places for a build", { skip }, async (t) => {
  const archive = new SmallArchive(await scratch(t));
  const known = ["libmiopen1-tests", "hipcc", "librocrand-dev", "bzip2"];
  const provides = debianPackages("build").filter((name) => !known.includes(name));
  const tools = { name: "tools", version: "1-1", provides: provides.join(", "), files: { "usr/bin/cmake": "cmake" } };
  archive.publish("sid", smallRocm("7.1.0"));
  archive.publish("experimental", [...smallRocm("7.2.4"), tools]);
  const { options } = await setting(t, archive);
  const runs = await make(options);
  const builds = await make({ ...options, profile: "build" });
  assert.notEqual(builds.toolchain.root, runs.toolchain.root);
  assert.notEqual(builds.toolchain.digest, runs.toolchain.digest);
  assert.ok(builds.toolchain.packages.some(({ name }) => name === "tools"));
  for (const name of ["src", "out", "ccache", "dev", "proc", "tmp"]) {
    assert.deepEqual(
      [await exists(join(builds.toolchain.root, name)), await exists(join(runs.toolchain.root, name))],
      [true, false],
    );
  }
});

test("makes a tree from a signed archive, and uses it again without network", { skip }, async (t) => {
  const { server, options, cacheRoot } = await setting(t);
  const { toolchain } = await make(options);
  assert.equal(toolchain.miopenVersion, "3.5.1");
  assert.deepEqual(
    toolchain.packages.map(({ name, version }) => `${name} ${version}`),
    ["hipcc 7.2.4-2", "libamdhip64-7 7.2.4-1", "libmiopen1-tests 7.2.4+dfsg-1"],
  );
  assert.ok(toolchain.paths.rocblasLibrary?.endsWith("/rocblas/5/library"));
  assert.deepEqual(await readdir(toolchain.paths.rocblasLibrary ?? ""), ["TensileLibrary_lazy_gfx1010.dat"]);
  assert.equal(await exists(join(toolchain.root, "usr/share/man")), false);
  assert.equal(await exists(join(toolchain.root, "bin/python3")), false);
  assert.equal(await exists(join(toolchain.root, "lib/x86_64-linux-gnu/libMIOpen.so.1")), true);
  assert.deepEqual((await readdir(join(cacheRoot, "toolchain"))).length, 2, "the tree and its lock, no leftovers");

  server.close();
  const again = await make({ ...options, offline: true });
  assert.deepEqual(again.toolchain, toolchain);

  await rename(cacheRoot, `${cacheRoot}-moved`);
  const moved = await make({ ...options, offline: true, cacheRoot: `${cacheRoot}-moved` });
  assert.equal(moved.toolchain.digest, toolchain.digest);
  assert.ok(moved.toolchain.paths.llvmBin.startsWith(`${cacheRoot}-moved/`));
});

test("makes a tree in a folder with a blank", { skip }, async (t) => {
  const { options, cacheRoot } = await setting(t);
  const { toolchain } = await make({ ...options, cacheRoot: join(cacheRoot, "a b") });
  assert.equal(toolchain.kind, "debian");
});

test("notices a flipped byte, a shortened and a missing file, and replaces the tree", { skip }, async (t) => {
  const { options } = await setting(t);
  const { toolchain } = await make(options);
  const miopen = join(toolchain.root, "usr/lib/x86_64-linux-gnu/libMIOpen.so.1.0");
  const log = recordedLog();
  assert.equal(await verifiedToolchain(toolchain, options, { exec, log }), toolchain);
  assert.deepEqual(log.lines, []);

  const damages: [string, () => Promise<unknown>][] = [
    ["changed: usr/lib/x86_64-linux-gnu/libMIOpen.so.1.0", () => writeFile(miopen, "…, MIOpen version 3.5.2. …")],
    ["changed: usr/include/hip/hip_runtime.h", () => truncate(join(toolchain.paths.include, "hip/hip_runtime.h"), 3)],
    ["missing: usr/lib/x86_64-linux-gnu/libamdhip64.so.7", () => rm(join(toolchain.paths.hip, "libamdhip64.so.7"))],
    ["missing: bin", () => rm(join(toolchain.root, "bin"))],
    ["missing: files.b2sum or links.json", () => rm(join(dirname(toolchain.root), "files.b2sum"))],
  ];
  for (const [what, damage] of damages) {
    await damage();
    const repair = recordedLog();
    const sound = await verifiedToolchain(toolchain, options, { exec, log: repair });
    assert.deepEqual(sound, toolchain);
    assert.ok(repair.lines[0]?.startsWith("warning: ") && repair.lines[0].includes(what), repair.lines[0]);
    assert.equal(await readFile(miopen, "utf8"), "…, MIOpen version 3.5.1. …");
  }
});

test("says that a damaged tree cannot be replaced offline", { skip }, async (t) => {
  const { options } = await setting(t);
  const { toolchain } = await make(options);
  await writeFile(join(toolchain.paths.hip, "libMIOpen.so.1.0"), "something else");
  const ports = { exec, log: recordedLog() };
  await assert.rejects(verifiedToolchain(toolchain, { ...options, offline: true }, ports), {
    kind: "machine",
    message: /offline, and no sound toolchain for ROCm 7.2.4/,
  });
});

test("goes on with a download that was cut, from the byte where it was cut", { skip }, async (t) => {
  const { server, options } = await setting(t);
  server.cutAfter = 500_000;
  const { toolchain } = await make(options);
  const starts = server.requests.filter(({ path }) => path.includes("libamdhip64-7")).map(({ start }) => start);
  assert.deepEqual(starts.slice(0, 2), [0, 500_000]);
  assert.deepEqual(await verifiedToolchain(toolchain, options, { exec, log: recordedLog() }), toolchain);
});

test("finishes what a killed run began", { skip }, async (t) => {
  const { server, options, cacheRoot } = await setting(t);
  server.delay = 300;
  const killed = worker(options);
  while (!server.fetched().includes("hipcc")) await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 150));
  killed.kill("SIGKILL");
  await once(killed, "exit");
  server.delay = 0;
  const { toolchain, log } = await make(options);
  assert.ok(log.lines.includes("info: going on with what an earlier run began to fetch"));
  assert.equal(toolchain.packages.length, 3);
  assert.deepEqual((await readdir(join(cacheRoot, "toolchain"))).length, 2);
});

test("fetches a package file again that is shorter or other than the archive lists", { skip }, async (t) => {
  const { archive, server, options } = await setting(t);
  const { toolchain } = await make(options);
  // Put the work folder of an unfinished run in place: its package files, one of them cut and one changed.
  const target = dirname(toolchain.root);
  const debs = `${target}.work/debs`;
  await mkdir(debs, { recursive: true });
  await cp(join(archive.folder, "pool"), debs, { recursive: true });
  await truncate(join(debs, "hipcc_7.2.4-2_amd64.deb"), 1000);
  const changed = join(debs, "libmiopen1-tests_7.2.4+dfsg-1_amd64.deb");
  const bytes = await readFile(changed);
  bytes[700] = (bytes[700] ?? 0) ^ 1;
  await writeFile(changed, bytes);
  await rm(target, { recursive: true });
  server.requests.length = 0;
  const again = await make(options);
  assert.deepEqual(server.fetched(), ["hipcc", "libmiopen1-tests"]);
  assert.deepEqual(again.toolchain, toolchain);
});

test("four processes at once make one copy, and each package is fetched once", { skip }, async (t) => {
  const { server, options } = await setting(t);
  const workers = [1, 2, 3, 4].map(() => worker(options));
  const codes = await Promise.all(workers.map(async (child) => (await once(child, "exit"))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.deepEqual(server.fetched(), ["hipcc", "libamdhip64-7", "libmiopen1-tests"]);
});

test("says what the archive has when it does not have the wanted ROCm", { skip }, async (t) => {
  const { options } = await setting(t);
  await assert.rejects(make({ ...options, rocmVersion: "7.2.9" }), {
    kind: "user",
    message: /no ROCm 7\.2\.9 with MIOpen; it has 7\.2\.4 \(experimental\), 7\.1\.0 \(sid\)/,
  });
});

test("goes through the proxy of the environment, for lists and for packages", { skip }, async (t) => {
  const { server, options } = await setting(t);
  const env = { http_proxy: options.mirror ?? "" };
  const { toolchain } = await make({ ...options, mirror: "http://archive.invalid", env });
  assert.deepEqual(server.fetched(), ["hipcc", "libamdhip64-7", "libmiopen1-tests"]);
  assert.deepEqual(await verifiedToolchain(toolchain, options, { exec, log: recordedLog() }), toolchain);
});

test("refuses an archive that is signed by another key", { skip }, async (t) => {
  const { options } = await setting(t);
  const other = new SmallArchive(await scratch(t));
  await assert.rejects(make({ ...options, keyring: other.keyring }), {
    kind: "machine",
    message: /signature .* cannot be checked/,
  });
});

test("refuses a package file that is not the one that was signed", { skip }, async (t) => {
  const { archive, options } = await setting(t, await ownArchive(t));
  const deb = join(archive.folder, "pool/hipcc_7.2.4-2_amd64.deb");
  const bytes = await readFile(deb);
  bytes[700] = (bytes[700] ?? 0) ^ 1;
  await writeFile(deb, bytes);
  await assert.rejects(make(options), { kind: "machine", message: /is damaged: its SHA-256 is [0-9a-f]{64}, not/ });
});

test("takes an expired Release file and says so", { skip }, async (t) => {
  const { archive, options } = await setting(t, await ownArchive(t));
  archive.publish("sid", smallRocm("7.1.0"), { validUntil: new Date(Date.now() - 86_400_000) });
  const { log } = await make(options);
  assert.equal(log.lines.filter((line) => /^warning: the mirror's sid .* was valid until/.test(line)).length, 1);
});

test("says it also where the signature of the Release file is a file of its own", { skip }, async (t) => {
  const { archive, options } = await setting(t, await ownArchive(t));
  archive.publish("sid", smallRocm("7.1.0"), { validUntil: new Date(Date.now() - 86_400_000), detached: true });
  const { log } = await make(options);
  assert.equal(log.lines.filter((line) => /^warning: the mirror's sid .* was valid until/.test(line)).length, 1);
});

test("says that the mirror is not there, or not Debian's, or that the network is needed", { skip }, async (t) => {
  const { archive, options } = await setting(t, await ownArchive(t));
  await assert.rejects(make({ ...options, offline: true }), { kind: "machine", message: /offline/ });
  await assert.rejects(make({ ...options, mirror: "http://127.0.0.1:9/debian" }), {
    kind: "machine",
    message: /cannot reach/,
  });
  await rm(join(archive.folder, "dists/experimental"), { recursive: true });
  await assert.rejects(make(options), { kind: "machine", message: /is not a Debian archive with the suites/ });
});

test("keeps symbolic links inside the tree", { skip }, async (t) => {
  const { options } = await setting(t);
  const { toolchain } = await make(options);
  assert.equal(await exists(join(toolchain.root, "usr/share/absolute/hip/hip_runtime.h")), true);
  assert.equal((await readdir(join(toolchain.root, "usr/share"))).includes("escape"), false);
});

/** The same in a process of its own. */
function worker(options: DebianOptions) {
  const code = `
    const { debianToolchain } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/toolchain/debian.ts"))});
    const { NodeExec } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/ports/exec.ts"))});
    const quiet = () => {};
    const log = { debug: quiet, info: quiet, warning: quiet, error: quiet, progress: quiet, group: (_t, work) => work() };
    await debianToolchain(${JSON.stringify(options)}, { exec: new NodeExec(), log });`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "ignore", "inherit"] });
}
