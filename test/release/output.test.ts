import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Exec, NodeExec } from "../../src/ports/exec.ts";
import type { PackageInput } from "../../src/release/input.ts";
import { makePartial, verifyOutput } from "../../src/release/output.ts";
import { packageBuild } from "../../src/release/package.ts";
import { sampleInput } from "./sample.ts";

const exec = new NodeExec();
let scratch = "";
let input: PackageInput;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-output-"));
  input = await sampleInput(path.join(scratch, "in"));
});
after(() => rm(scratch, { recursive: true, force: true }));

const TARBALL = "rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64.tar.zst";
const FILES = ["SHA256SUMS", "manifest.json", "proofs.json", TARBALL, "report.html", "sbom.spdx.json"];

async function built(name: string, changes: Partial<PackageInput> = {}): Promise<string> {
  const out = path.join(scratch, name);
  await packageBuild({ ...input, ...changes }, out, { exec });
  return out;
}

test("foreign files stay, and what an earlier build left and this one does not have goes away", async () => {
  const folder = path.join(scratch, "overlay");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "TensileLibrary_gfx1011.dat"), "x");
  const out = await built("mixed", {
    overlays: [{ target: "gfx1011", folder }],
    miopen: { ...input.miopen, version: "3.5.0" },
  });
  await writeFile(path.join(out, "notes.txt"), "mine");
  await built("mixed");
  assert.deepEqual((await readdir(out)).sort(), [...FILES, "notes.txt"].sort());
  assert.equal(await verifyOutput(out), null);
});

test("a folder that holds somebody else's manifest.json is refused before anything is written", async () => {
  const out = path.join(scratch, "foreign");
  await mkdir(out);
  await writeFile(path.join(out, "manifest.json"), '{"name":"an app"}');
  await assert.rejects(packageBuild(input, out, { exec }), {
    kind: "user",
    message: /foreign\/manifest\.json was not written/,
  });
  assert.deepEqual(await readdir(out), ["manifest.json"]);
});

test("a packaging that fails on the way leaves the earlier output whole", async () => {
  const out = await built("kept");
  const before = await readFile(path.join(out, "manifest.json"));
  const failing: Exec = {
    run: async () => ({
      code: 2,
      signal: null,
      timedOut: false,
      stdout: "",
      stderr: "tar: No space left on device",
      seconds: 0,
    }),
  };
  await assert.rejects(packageBuild({ ...input, timings: {} }, out, { exec: failing }), {
    kind: "machine",
    message: /disk is full/,
  });
  assert.deepEqual((await readdir(out)).sort(), FILES);
  assert.deepEqual(await readFile(path.join(out, "manifest.json")), before);
  assert.equal(await verifyOutput(out), null);
});

test("kill -9 while packing leaves the earlier output whole, and the next run cleans up", async () => {
  const out = await built("killed");
  const program = `
    import { packageBuild } from ${JSON.stringify(sourceUrl("src/release/package.ts"))};
    import { sampleInput } from ${JSON.stringify(sourceUrl("test/release/sample.ts"))};
    const never = { run: () => new Promise(() => setInterval(() => {}, 1000)) };
    packageBuild(await sampleInput(process.argv[1]), process.argv[2], { exec: never });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, path.join(scratch, "in2"), out], {
    stdio: "ignore",
  });
  const partial = path.join(out, `.rdna1-miopen-partial-${child.pid}`);
  const there = () =>
    stat(path.join(partial, "prefix/share/rdna1-miopen/manifest.json")).then(
      () => true,
      () => false,
    );
  for (let tries = 0; tries < 200 && !(await there()); tries += 1) await sleep(25);
  assert.ok(await there(), "the child got as far as packing");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(await verifyOutput(out), null);
  assert.ok((await readdir(out)).includes(path.basename(partial)));
  await built("killed");
  assert.deepEqual((await readdir(out)).sort(), FILES);
});

test("a run that was killed as the process number that this one has is in nobody's way, one that runs is left alone", async () => {
  const out = path.join(scratch, "numbers");
  const [own, running] = [process.pid, process.ppid].map((pid) => `.rdna1-miopen-partial-${pid}`);
  for (const name of [own, running]) {
    await mkdir(path.join(out, name ?? ""), { recursive: true });
    await writeFile(path.join(out, name ?? "", "half"), "");
  }
  const partial = await makePartial(out);
  assert.equal(path.basename(partial), own);
  assert.deepEqual(await readdir(partial), []);
  assert.deepEqual(await readdir(path.join(out, running ?? "")), ["half"]);
});

test("a run that was killed between two renames is noticed, whichever they were", async () => {
  const old = await built("old");
  const fresh = await built("fresh", { timings: { kernels: 2 }, prefix: "/opt/other" });
  // The order of publishing: everything but SHA256SUMS, then SHA256SUMS
  const order = [TARBALL, "proofs.json", "report.html", "sbom.spdx.json", "manifest.json"];
  const between = path.join(scratch, "between");
  await cp(old, between, { recursive: true });
  for (const file of order) {
    await cp(path.join(fresh, file), path.join(between, file));
    if (file !== "proofs.json") assert.notEqual(await verifyOutput(between), null, `after ${file}`);
  }
  await cp(path.join(fresh, "SHA256SUMS"), path.join(between, "SHA256SUMS"));
  assert.equal(await verifyOutput(between), null);
});

test("verifyOutput says what is wrong", async () => {
  const good = await built("good");
  const spoil = async (name: string, how: (folder: string) => Promise<unknown>, reason: RegExp) => {
    const folder = path.join(scratch, `bad ${name}`);
    await cp(good, folder, { recursive: true });
    await how(folder);
    assert.match((await verifyOutput(folder)) ?? "nothing", reason, name);
  };
  const sums = await readFile(path.join(good, "SHA256SUMS"), "utf8");
  await spoil("none", (folder) => rm(path.join(folder, "SHA256SUMS")), /there is no SHA256SUMS/);
  await spoil("gone", (folder) => rm(path.join(folder, TARBALL)), /\.tar\.zst cannot be read \(ENOENT\)/);
  await spoil("flip", (folder) => writeFile(path.join(folder, "proofs.json"), "{}"), /proofs\.json is not the file/);
  await spoil("garbage", (folder) => writeFile(path.join(folder, "SHA256SUMS"), "hello\n"), /no checksum/);
  await spoil(
    "short",
    (folder) => writeFile(path.join(folder, "SHA256SUMS"), sums.replace(/.*report\.html\n/, "")),
    /does not list report\.html/,
  );
  await spoil(
    "no tarball",
    (folder) => writeFile(path.join(folder, "SHA256SUMS"), sums.replace(/.*\.tar\.zst\n/, "")),
    /does not list rdna1-miopen/,
  );
  await spoil(
    "escape",
    (folder) => writeFile(path.join(folder, "SHA256SUMS"), `${sums}${"0".repeat(64)}  ../x\n`),
    /lists \.\.\/x/,
  );
  assert.match((await verifyOutput(path.join(scratch, "nowhere"))) ?? "", /there is no SHA256SUMS/);
});

function sourceUrl(file: string): string {
  return new URL(`../../${file}`, import.meta.url).href;
}
