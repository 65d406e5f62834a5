import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { asOrdinaryUser } from "../../../src/ports/setpriv.ts";
import { noise } from "../sample.ts";
import { PROGRAM, Sandbox } from "./sandbox.ts";
import { RELEASE_WORKFLOW } from "./sigstore.ts";

const TOKEN = "ghp_verySecretToken";
const box = Sandbox.use();

test("installs the release of a repository, attested, and says how to use it; again it only looks", async () => {
  const first = await box.run(box.release);
  assert.equal(first.code, 0, first.text);
  const { packages, others } = await box.cached();
  const [folder = ""] = packages;
  assert.deepEqual([packages.length, others], [1, []]);
  assert.match(first.out, new RegExp(`^  \\. ${folder}/activate$`, "m"));
  assert.match(first.out, /^ {2}origin +attested by https/m);
  assert.ok(first.out.includes(`attested by https://github.com/${RELEASE_WORKFLOW}\n`), first.out);
  await box.usable(folder);
  box.server.requests.length = 0;
  const second = await box.run(box.release);
  assert.equal(second.code, 0, second.text);
  assert.match(second.out, /was there already/);
  assert.equal(box.server.count(/tar\.zst|attestations/), 0, box.server.requests.join("\n"));
});

test("a job gets outputs, environment and path, and a summary", async () => {
  const names = ["output", "env", "path", "summary", "state"];
  const place = (name: string) => path.join(box.home, name);
  for (const name of names) await writeFile(place(name), "");
  const { code, text } = await box.run([], {
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
    "INPUT_TRUSTED-ROOT": box.roots,
    "INPUT_ROCM-VERSION": "7.2.4",
  });
  assert.equal(code, 0, text);
  assert.equal(text.replaceAll(`::add-mask::${TOKEN}\n`, "").includes(TOKEN), false, "the token is only masked");
  const [folder = ""] = (await box.cached()).packages;
  const written = async (name: string) => await readFile(place(name), "utf8");
  for (const [name, value] of Object.entries({
    prefix: folder,
    activate: `${folder}/activate`,
    sha256: box.digest,
    targets: "gfx1010",
    "miopen-version": "3.5.1",
    "rocm-version": "7.2.4",
    attested: "true",
    "cache-hit": "false",
    tag: "v1",
    release: `${box.server.api}/org/kernels/releases/tag/v1`,
  })) {
    assert.match(await written("output"), new RegExp(`^${name}<<(.*)\n${value.replaceAll(".", "\\.")}\n\\1$`, "m"));
  }
  assert.match(await written("output"), /^kernels<<.*\n[1-9]\d*\n/m);
  assert.match(await written("env"), new RegExp(`^MIOPEN_SYSTEM_DB_PATH<<.*\n${folder}/share/miopen/db\n`, "m"));
  assert.match(await written("env"), /^MIOPEN_FIND_MODE<<.*\n2\n/m);
  assert.equal(await written("path"), `${folder}/bin\n`);
  assert.match(await written("summary"), /attested by/);
  assert.deepEqual(box.server.leaked, [], "the token does not go to the storage");
});

test("four jobs at once on one tool cache: all right, fetched and unpacked once", async () => {
  box.server.faults.push({ on: /tar\.zst/, fault: { kind: "late", milliseconds: 1500 } });
  const results = await Promise.all([1, 2, 3, 4].map(() => box.run(box.release)));
  for (const { code, text } of results) assert.equal(code, 0, text);
  const { packages, others } = await box.cached();
  assert.deepEqual([packages.length, others], [1, []]);
  await box.usable(packages[0] ?? "");
  assert.equal(box.server.count(/tar\.zst/), 1);
});

test("three jobs at once with one prefix: all right, and a whole tree", async () => {
  const prefix = path.join(box.home, "rdna1");
  const results = await Promise.all([1, 2, 3].map(() => box.run([...box.release, "--prefix", prefix])));
  for (const { code, text } of results) assert.equal(code, 0, text);
  await box.usable(prefix);
  assert.deepEqual(
    (await readdir(box.home)).filter((name) => name.startsWith("rdna1")),
    ["rdna1"],
  );
});

test("a connection that is cut and a bit that was turned on the way cost time only", async () => {
  box.server.faults.push(
    { on: /tar\.zst/, fault: { kind: "cut", after: 15_000 } },
    { on: /tar\.zst/, fault: { kind: "garble" } },
  );
  const { code, text } = await box.run(box.release);
  assert.equal(code, 0, text);
  assert.ok(box.server.ranges.includes("bytes=15000-"), JSON.stringify(box.server.ranges));
  await box.usable(await box.onlyPackage());
});

test("killed in the middle of a download, it goes on where it was; what others forgot is removed", async () => {
  box.server.faults.push({ on: /tar\.zst/, fault: { kind: "stall", after: 20_000 } });
  const { child, done } = box.start(box.release);
  const part = path.join(
    box.home,
    `tools/rdna1-miopen/installed/downloads/${box.digest.slice(0, 32)}-${box.digest.slice(0, 16)}.tar.zst.part`,
  );
  const bytes = async () => (await stat(part).catch(() => null))?.size ?? 0;
  for (let tries = 0; tries < 600 && (await bytes()) < 20_000; tries++) await sleep(50);
  child.kill("SIGKILL");
  await done;
  await box.nothingInstalled();
  const forgotten = path.join(path.dirname(part), "another.tar.zst.part");
  await writeFile(forgotten, "");
  await utimes(forgotten, new Date(0), new Date(0));
  const { code, text } = await box.run(box.release);
  assert.equal(code, 0, text);
  assert.equal(box.server.ranges.at(-1), "bytes=20000-");
  await assert.rejects(stat(forgotten), { code: "ENOENT" });
  assert.deepEqual((await box.cached()).others, []);
  await box.usable(await box.onlyPackage());
});

test("a prefix gets a copy that can be replaced, and nothing of somebody else's", async () => {
  const prefix = path.join(box.home, "apps/rdna1");
  const args = [...box.release, "--prefix", prefix];
  assert.equal((await box.run(args)).code, 0);
  await box.usable(prefix);
  const again = await box.run(args);
  assert.match(again.out, /was there already/);
  await writeFile(path.join(prefix, "share/miopen/db/gfx1010.kdb"), noise("other", 60_000));
  const repaired = await box.run(args);
  assert.equal(repaired.code, 0, repaired.text);
  await box.usable(prefix);
  assert.deepEqual(await readdir(path.dirname(prefix)), [".rdna1.rdna1-miopen.lock", "rdna1"]);

  const foreign = path.join(box.home, "foreign");
  await mkdir(foreign);
  await writeFile(path.join(foreign, "thesis.tex"), "years of work");
  const refused = await box.run([...box.release, "--prefix", foreign]);
  assert.equal(refused.code, 2);
  assert.match(refused.text, /foreign holds something else \(thesis\.tex\)/);
  assert.deepEqual(await readdir(foreign), ["thesis.tex"]);
});

test("a folder of one's own is enough, without any privilege; one that cannot be written is named", async () => {
  const ordinary = asOrdinaryUser({ file: process.execPath, args: [PROGRAM], env: {} });
  const own = await box.start([...box.release, "--prefix", path.join(box.home, "rdna1")], {}, ordinary).done;
  assert.equal(own.code, 0, own.text);
  await box.usable(path.join(box.home, "rdna1"));
  const locked = path.join(box.home, "locked");
  await mkdir(locked);
  await chmod(locked, 0o555);
  const { code, text } = await box.start([...box.release, "--prefix", path.join(locked, "rdna1")], {}, ordinary).done;
  assert.equal(code, 2, text);
  assert.match(text, /prefix: cannot put anything into .*locked/);
});
