import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Manifest } from "../../src/release/manifest.ts";
import type { Proofs } from "../../src/verify/proofs.ts";
import { mainJob, realToolchain, Sandbox } from "./sandbox.ts";
import { shareBuilds } from "./shared-builds.ts";

const toolchain = await realToolchain();
const skip = typeof toolchain === "string" ? toolchain : false;
const sandbox = new Sandbox();
before(async () => {
  if (typeof toolchain !== "string") await shareBuilds(toolchain);
});
after(() => sandbox.remove());

const small = sandbox.file(
  "small.txt",
  [
    "# a convolution and what a log prints of another",
    "MIOpenDriver conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3 -p 1 -q 1 -F 1",
    "MIOpen(HIP): Command [LogCmdConvolution] ./bin/MIOpenDriver conv -n 2 -c 4 -H 9 -W 9 -k 4 -y 1 -x 1 -F 4 -t 1",
  ].join("\n"),
);
const out = sandbox.path("out");
const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;

test("builds, proves and packages a kernel set with the committed dist", { skip }, async () => {
  const { code, stderr, stdout } = await sandbox.run(mainJob(small));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /proofs +(\d+) of \1 passed/);
  execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: out });
  const manifest = manifestOf(out);
  const listing = execFileSync("tar", ["--zstd", "-tf", join(out, manifest.tarball.file)], { encoding: "utf8" });
  assert.ok(listing.split("\n").includes("share/miopen/db/gfx1010.kdb"));
  const miopen = readFileSync((typeof toolchain === "string" ? null : toolchain.paths.miopen) ?? "");
  const sha256 = createHash("sha256").update(miopen).digest("hex");
  assert.deepEqual(manifest.miopen.build, { bytes: miopen.length, sha256 });
  const proofs = JSON.parse(readFileSync(join(out, "proofs.json"), "utf8")) as Proofs;
  const { completeness, numerical, "negative-control": controls } = Object.groupBy(proofs.rows, ({ kind }) => kind);
  // Both once more in the find mode of `activate`, and the naive solver alone
  assert.equal(completeness?.length, 5);
  assert.ok((controls?.length ?? 0) >= 3);
  assert.ok(proofs.rows.every(({ result }) => result === "passed"));
  assert.ok(numerical?.some(({ reference }) => reference === "miopen-cpu"));
  assert.ok(numerical?.every(({ reference, instructions }) => reference !== undefined && (instructions ?? 0) > 0));
  assert.deepEqual(proofs.unproven, []);
  assert.ok(proofs.files?.every(({ keys, proven }) => keys === proven));
});

test("an int8 line of a file is proven as it stands, by the prover", { skip }, async () => {
  const line = "convint8 -n 2 -c 8 -H 11 -W 13 -k 6 -y 5 -x 3 -p 2 -q 1 -F 1";
  const { code, stderr } = await sandbox.run(
    mainJob(sandbox.file("int8.txt", `MIOpenDriver ${line}`), "--output", "int8"),
  );
  assert.equal(code, 0, stderr);
  const { rows } = JSON.parse(readFileSync(sandbox.path("int8/proofs.json"), "utf8")) as Proofs;
  const [row, ...more] = rows.filter(({ kind, command }) => kind === "numerical" && command.startsWith(line));
  assert.deepEqual([row?.result, row?.reference, more.length], ["passed", "ours", 0]);
});

test("skips everything in a second run, and says so", { skip }, async () => {
  const { code, stderr } = await sandbox.run(mainJob(small));
  assert.equal(code, 0);
  for (const stage of ["device", "prover", "kernels gfx1010", "verify gfx1010", "completeness gfx1010", "package"]) {
    assert.match(stderr, new RegExp(`${stage}: skipped, nothing changed`));
  }
  assert.match(stderr, /is up to date/);
});

test("works without network when everything is cached", { skip }, async () => {
  const proxy = "http://127.0.0.1:9";
  const { code, stderr } = await sandbox.run(mainJob(small, "--offline"), { http_proxy: proxy, https_proxy: proxy });
  assert.equal(code, 0, stderr);
});

test("writes the output folder again when it was deleted or damaged, and keeps other people's files", {
  skip,
}, async () => {
  const before = readFileSync(join(out, "SHA256SUMS"), "utf8");
  rmSync(out, { recursive: true });
  assert.equal((await sandbox.run(mainJob(small))).code, 0);
  assert.equal(readFileSync(join(out, "SHA256SUMS"), "utf8"), before);
  writeFileSync(join(out, "report.html"), "damaged");
  writeFileSync(join(out, "notes.txt"), "mine");
  const { stderr } = await sandbox.run(mainJob(small));
  assert.match(stderr, /report\.html is not the file in SHA256SUMS/);
  execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: out });
  assert.equal(readFileSync(join(out, "notes.txt"), "utf8"), "mine");
});

test("makes a damaged kernel database in the cache again", { skip }, async () => {
  const home = sandbox.path("cache/stages/kernels-gfx1010");
  const key = readdirSync(home).find((name) => !name.includes("."));
  const database = join(home, key ?? "", "gfx1010.kdb");
  const bytes = readFileSync(database);
  bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
  writeFileSync(database, bytes);
  const { code, stderr } = await sandbox.run(mainJob(small));
  assert.equal(code, 0, stderr);
  assert.match(stderr, /kernels gfx1010: the cached result is damaged \(gfx1010\.kdb\)/);
  execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: out });
});

test("gives the same tarball from another folder and an empty cache, for three targets, after kill -9", {
  skip,
}, async () => {
  const targets = ["--targets", "gfx1010,gfx1011,gfx1012"];
  const other = new Sandbox();
  try {
    const set = other.file("elsewhere.txt", readFileSync(small, "utf8"));
    const log = await other.kill(mainJob(set, ...targets), /harvest: 1 of 5/);
    assert.doesNotMatch(log, /completeness/);
    // And a worker's database is damaged, as a disk may do it.
    const caches = readdirSync(other.path("cache/stages"), { recursive: true, encoding: "utf8" });
    const [database] = caches.filter((name) => name.endsWith(".ukdb"));
    writeFileSync(other.path("cache/stages", database ?? "none"), "damaged");
    const resumed = await other.run(mainJob(set, ...targets));
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.match(resumed.stderr, /\.ukdb: .*: this worker's commands run again/);
    assert.match(resumed.stderr, /goes on where an interrupted run was/);
    assert.equal((await sandbox.run(mainJob(small, ...targets))).code, 0);
    const [one, two] = [manifestOf(out), manifestOf(other.path("out"))];
    assert.equal(one.tarball.sha256, two.tarball.sha256);
    assert.deepEqual(Object.keys(one.kernels), ["gfx1010", "gfx1011", "gfx1012"]);
    assert.deepEqual(
      one.overlays.map(({ sha256 }) => sha256),
      two.overlays.map(({ sha256 }) => sha256),
    );
  } finally {
    other.remove();
  }
});

test("does the same through the action's door, and the post step after it", { skip }, async () => {
  const files = {
    GITHUB_OUTPUT: "output",
    GITHUB_STEP_SUMMARY: "summary.md",
    GITHUB_STATE: "state",
    GITHUB_ENV: "env",
  };
  const env: Record<string, string> = { GITHUB_ACTIONS: "true", RUNNER_TEMP: sandbox.folder };
  for (const [name, file] of Object.entries(files)) env[name] = sandbox.file(file, "");
  const inputs = {
    MIOPEN: "distribution",
    TOOLCHAIN: "debian",
    "ROCM-VERSION": "7.2.4",
    "KERNEL-SET": small,
    CACHE: "local",
  };
  for (const [name, value] of Object.entries(inputs)) env[`INPUT_${name}`] = value;
  const { code, stderr, stdout } = await sandbox.run([], env);
  assert.equal(code, 0, stderr + stdout);
  const output = readFileSync(sandbox.path("output"), "utf8");
  for (const name of [
    "tarball",
    "sha256",
    "prefix",
    "library",
    "kernels",
    "proofs",
    "cache-hit",
    "cache-key",
    "report",
  ]) {
    assert.match(output, new RegExp(`^${name}<<`, "m"));
  }
  assert.match(output, /proofs<<\S+\n(\d+)\/\1\n/);
  assert.match(output, /cache-hit<<\S+\ntrue\n/);
  assert.match(readFileSync(sandbox.path("summary.md"), "utf8"), /\| proofs \| (\d+) of \1 passed[^|]*\|/);
  assert.match(readFileSync(sandbox.path("state"), "utf8"), /^main<</);
  const post = await sandbox.run([], { ...env, STATE_main: "started" });
  assert.equal(post.code, 0);
  assert.match(post.stdout, /clean/);
});
