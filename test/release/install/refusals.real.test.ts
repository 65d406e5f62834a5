import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { noise, OWN_MIOPEN, sha256 } from "../sample.ts";
import { writeArchive } from "./archives.ts";
import { Sandbox } from "./sandbox.ts";
import { TestSigstore } from "./sigstore.ts";
import { attestRelease, PACKAGE, samplePackage } from "./support.ts";

const box = Sandbox.use();

for (const [what, prepare, exit, pattern] of [
  [
    "a tarball that was changed after it was published",
    async () => {
      const asset = box.asset(PACKAGE);
      asset.content = noise("evil", asset.content.length);
    },
    1,
    /is not what was promised: .* SHA-256/,
  ],
  [
    "a tarball and an API digest that do not agree with SHA256SUMS",
    async () => {
      const asset = box.asset(PACKAGE);
      asset.content = noise("evil", asset.content.length);
      asset.digest = `sha256:${sha256(asset.content)}`;
    },
    1,
    /is not the file that its SHA256SUMS and manifest\.json tell of/,
  ],
  ["a release without an attestation", async () => box.server.attestations.clear(), 2, /has no attestation for/],
  [
    "an attestation by another workflow",
    async () => {
      box.server.attestations.clear();
      await attestRelease(box.server, box.sigstore, box.digest, {
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
      box.server.attestations.clear();
      await attestRelease(box.server, other, box.digest);
      other.close();
    },
    1,
    /no attestation of .* is good/,
  ],
  ["a release without SHA256SUMS", async () => drop("SHA256SUMS"), 2, /no SHA256SUMS/],
  ["a release without the tarball that it lists", async () => drop(PACKAGE), 2, /no package fits/],
  ["no release at all", async () => box.server.releases.splice(0), 2, /there is no release with a package/],
  ["a draft only", async () => Object.assign(box.server.releases[0] ?? {}, { draft: true }), 2, /there is no release/],
] as const) {
  test(`${what}: exit code ${exit}, what to do, and nothing is left`, async () => {
    await prepare();
    const { code, text } = await box.run(box.release);
    assert.match(text, pattern);
    assert.match(text, /\n {7}\S/, "a remedy follows");
    assert.equal(code, exit, text);
    await box.nothingInstalled();
  });
}

test("what is not trustworthy is no reason to build instead", async () => {
  box.server.attestations.clear();
  const { code, text } = await box.run([...box.release, "--fallback", "build"]);
  assert.match(text, /has no attestation for/);
  assert.equal(code, 2);
  assert.doesNotMatch(text, /it is built/);
});

test("what does not fit is one, if that is asked for: then the build's own errors count", async () => {
  const build = ["--fallback", "build", "--toolchain", box.home];
  const { code, text } = await box.run([...box.release, "--rocm-version", "6.4.3", ...build]);
  assert.match(text, /no package fits ROCm 6\.4\.3[^\n]*it is built/);
  assert.match(text, /error: toolchain: [^\n]*home/);
  assert.equal(code, 2);
  await box.nothingInstalled();
});

test("a machine that tells only half of its ROCm's version is asked for the rest before anything is built", async () => {
  const rocm = path.join(box.home, "rocm");
  await mkdir(path.join(rocm, "include/hip"), { recursive: true });
  await writeFile(
    path.join(rocm, "include/hip/hip_version.h"),
    "#define HIP_VERSION_MAJOR 6\n#define HIP_VERSION_MINOR 4\n",
  );
  const { code, text } = await box.run([...box.release, "--fallback", "build"], { ROCM_PATH: rocm });
  assert.match(text, /no package fits ROCm 6\.4.*this machine's ROCm only says 6\.4\n +give rocm-version/);
  assert.equal(code, 2);
});

for (const alone of [false, true]) {
  test(`a MIOpen that does not start here is not installed, ${alone ? "also where only the tarball tells" : "and the message says why"}`, async () => {
    const folder = path.join(box.home, "patched");
    await samplePackage(folder, ["gfx1010"], { glibc: "9.99", glibcxx: null });
    if (alone) await rm(path.join(folder, "out/manifest.json"));
    const { code, text } = await box.run(["install", "--source", path.join(folder, "out")]);
    assert.match(
      text,
      /its MIOpen needs glibc 9\.99 \(here is 2\.\d+\)|whose MIOpen needs glibc 9\.99 \(here is 2\.\d+\)/,
    );
    assert.match(text, /\n {7}\S/, "a remedy follows");
    assert.equal(code, 2, text);
    await box.nothingInstalled();
  });
}

for (const alone of [false, true]) {
  test(`kernels for another MIOpen are not installed${alone ? ", also where only the tarball tells" : ""}, but where the ROCm is named`, async () => {
    const rocm = path.join(box.home, "rocm");
    for (const [file, text] of Object.entries({
      ".info/version": "7.2.4-1",
      "lib/libMIOpen.so.1": `not ${OWN_MIOPEN}`,
    })) {
      await mkdir(path.dirname(path.join(rocm, file)), { recursive: true });
      await writeFile(path.join(rocm, file), text);
    }
    const args = ["install", "--source", await box.mirror(alone ? { "manifest.json": null } : {})];
    const env = { ROCM_PATH: rocm };
    const refused = await box.run(args, env);
    assert.match(
      refused.text,
      /kernels are for Debian's MIOpen 3\.5\.1 of ROCm 7\.2\.4, and .*so\.1 \(3\.5\.1\) is another build/,
    );
    assert.match(refused.text, /\n {7}let fallback 'build' make/);
    assert.equal(refused.code, 2, refused.text);
    await box.nothingInstalled();
    const named = await box.run([...args, "--rocm-version", "7.2.4"], env);
    assert.equal(named.code, 0, named.text);
    assert.match(
      named.text,
      /warning: these kernels are for Debian's MIOpen 3\.5\.1 .* is another build: MIOpen compiles what/,
    );
    const again = await box.run(args, env);
    assert.equal(again.code, 2, "nor used when they are there already");
    await box.usable(await box.onlyPackage());
    await writeFile(path.join(rocm, "lib/libMIOpen.so.1"), OWN_MIOPEN);
    const own = await box.run(args, env);
    assert.equal(own.code, 0, own.text);
    assert.match(own.text, /these kernels are for Debian's MIOpen .*, which is .*lib\/libMIOpen\.so\.1\n/);
    assert.doesNotMatch(own.text, /warning/);
  });
}

function drop(name: string): void {
  const release = box.server.releases[0];
  if (release !== undefined) release.assets = release.assets.filter((asset) => asset.name !== name);
}

for (const [what, entry] of [
  ["a path that climbs out", { path: "../../../victim", content: "x" }],
  ["an absolute link", { path: "share/evil", type: "SymbolicLink", linkpath: "/etc" }],
  ["a hard link out", { path: "share/evil", type: "Link", linkpath: "../../../victim" }],
  ["a device", { path: "share/evil", type: "CharacterDevice" }],
] as const) {
  test(`a tarball with the right digest and ${what} is not unpacked, and nothing is left`, async () => {
    const folder = await box.mirror({ "manifest.json": null });
    const archive = await writeArchive(folder, PACKAGE, [{ path: "activate", content: "#" }, entry]);
    await writeFile(path.join(folder, "SHA256SUMS"), `${archive.sha256}  ${PACKAGE}\n`);
    const { code, text } = await box.run(["install", "--source", folder]);
    assert.match(text, /is not unpacked/);
    assert.equal(code, 1);
    await box.nothingInstalled();
    assert.deepEqual((await readdir(box.home)).sort(), ["mirror", "tools"]);
  });
}

for (const [what, args, exit, pattern] of [
  [
    "a ROCm that no release is for",
    ["--rocm-version", "6.4.3"],
    2,
    /no package fits ROCm 6\.4\.3.*there is: rdna1-miopen-3\.5\.1/,
  ],
  [
    "a kind of MIOpen that no release is for",
    ["--miopen", "patched"],
    2,
    /fits .*, a patched MIOpen; there is: .*-distri/,
  ],
  ["a target that no release has", ["--targets", "gfx1012"], 2, /has no kernels for gfx1012/],
  ["a tag that is not there", ["--tag", "v9"], 2, /release v9 of org\/kernels: GitHub answers 404/],
  ["cache off without a prefix", ["--cache", "off"], 2, /no prefix is given/],
  ["a workflow that is no file", ["--signer-workflow", "release"], 2, /signer-workflow: 'release'/],
  ["an option of publish", ["--draft", "true"], 2, /draft is given, but the command is 'install'/],
] as const) {
  test(`${what}: exit code ${exit}`, async () => {
    const { code, text } = await box.run([...box.release, ...args]);
    assert.match(text, pattern);
    assert.equal(code, exit);
    await box.nothingInstalled();
  });
}

test("a job that has HSA_OVERRIDE_GFX_VERSION is stopped before anything is fetched", async () => {
  const output = path.join(box.home, "output");
  await writeFile(output, "");
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: output,
    INPUT_COMMAND: "install",
    HSA_OVERRIDE_GFX_VERSION: "10.3.0",
  };
  const { code, text } = await box.run([], env);
  assert.equal(code, 2);
  assert.match(text, /HSA_OVERRIDE_GFX_VERSION is set/);
  assert.equal(box.server.requests.length, 0);
});
