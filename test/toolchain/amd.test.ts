import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dearmored, keyFingerprints } from "../../src/toolchain/amd/key.ts";
import { AMD_PACKAGES, BASE_PACKAGES } from "../../src/toolchain/amd/packages.ts";
import {
  AMD_FINGERPRINTS,
  amdDigits,
  amdRelease,
  baseFor,
  releaseAddress,
} from "../../src/toolchain/amd/repository.ts";
import { type AmdOptions, amdTree, checkReleases, wantedPackages } from "../../src/toolchain/amd.ts";
import { parseArchive } from "../../src/toolchain/archive-address.ts";
import { scratch } from "./helpers.ts";

test("reads the release in AMD's package versions", () => {
  const cases: [string, string | null][] = [
    ["3.5.0.70002-56~22.04", "7.0.2"],
    ["7.0.51831.70002-56~24.04", "7.0.2"],
    ["3.4.0.60402-120~24.04", "6.4.2"],
    ["3.5.1.70200-43~24.04", "7.2.0"],
    ["4.0.0.100001-1~24.04", "10.0.1"],
    ["1.0.0-56~24.04", null], // rocprofiler-sdk
    ["2.36-9+deb12u10", null],
  ];
  for (const [version, release] of cases) assert.equal(amdRelease(version), release, version);
  for (const [release, digits] of [
    ["7.0.2", "70002"],
    ["6.4.3", "60403"],
    ["10.0.1", "100001"],
  ] as const)
    assert.equal(amdDigits(release), digits);
});

test("knows the folder of a release", () => {
  assert.equal(releaseAddress("https://a/rocm", "7.0.2"), "https://a/rocm/apt/7.0.2");
  assert.equal(releaseAddress("https://a/rocm", "7.1.0"), "https://a/rocm/apt/7.1");
  assert.equal(releaseAddress("https://a/rocm", "6.4.0"), "https://a/rocm/apt/6.4");
});

test("pairs AMD's suite with the distribution that AMD documents it for", () => {
  const cases: ["debian" | "ubuntu", string | null, string, string][] = [
    ["debian", "bookworm", "bookworm", "jammy"],
    ["debian", "sid", "bookworm", "jammy"],
    ["debian", null, "bookworm", "jammy"],
    ["ubuntu", "jammy", "jammy", "jammy"],
    ["ubuntu", "noble", "noble", "noble"],
    ["ubuntu", "questing", "noble", "noble"],
  ];
  for (const [distribution, release, suite, amdSuite] of cases) {
    const base = baseFor(distribution, release);
    assert.deepEqual([base.distribution, base.suite, base.amdSuite], [distribution, suite, amdSuite]);
  }
});

test("has a list of packages for every series that it offers, each once", () => {
  assert.deepEqual(Object.keys(AMD_PACKAGES), ["6.4", "7.0", "7.1", "7.2"]);
  for (const version of ["6.4.3", "7.0.2", "7.1.0", "7.2.4"]) {
    const names = wantedPackages(version);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes("miopen-hip") && names.includes("rocm-llvm") && names.includes("g++"));
  }
  assert.equal(
    BASE_PACKAGES.every(({ why }) => why !== ""),
    true,
  );
  assert.throws(() => wantedPackages("5.7.1"), { kind: "user", message: /ROCm 5\.7/ });
});

const OPTIONS = { rocmVersion: "7.0.2", cacheRoot: "/c", mirror: null, offline: false, jobs: 1, env: {} };

/** The name of the tree on a host that follows a release of a distribution. */
async function treeName(changes: Partial<AmdOptions> = {}, follows = "http://m/debian\tbookworm\tmain\n") {
  const ended = { code: 0, signal: null, timedOut: false, stderr: "", seconds: 0 };
  const exec = { run: () => Promise.resolve({ ...ended, stdout: follows }) };
  return (await amdTree({ ...OPTIONS, ...changes }, exec)).name;
}

test("another release makes another tree", async () => {
  assert.match(await treeName(), /^amd-7\.0\.2-bookworm-amd64-[0-9a-f]{8}$/);
  assert.notEqual(await treeName(), await treeName({ rocmVersion: "7.0.1" }));
  await assert.rejects(treeName({ rocmVersion: "7.0" }), { kind: "user" });
});

test("what AMD's packages stand on, another address and another key make another tree", async (t) => {
  assert.match(await treeName({}, "http://m/ubuntu\tjammy\tuniverse\n"), /^amd-7\.0\.2-jammy-amd64-[0-9a-f]{8}$/);
  assert.match(await treeName({}, "http://m/ubuntu\tquesting\tuniverse\n"), /^amd-7\.0\.2-noble-amd64-/);
  assert.equal(await treeName({ mirror: "http://other/debian" }, ""), await treeName());
  const keyring = join(await scratch(t), "key");
  const names = [await treeName()];
  for (const amdMirror of [null, "https://a/rocm", "https://b/rocm"]) {
    for (const key of [null, "one", "two"].slice(amdMirror === null ? 1 : 0)) {
      if (key !== null) await writeFile(keyring, key);
      names.push(await treeName({ amdMirror, amdKeyring: key && keyring }));
    }
  }
  assert.equal(new Set(names).size, 9);
  for (const name of names.slice(1)) assert.match(name, /^amd-7\.0\.2-bookworm-amd64-[0-9a-f]{8}-[0-9a-f]{8}$/);
  const amdMirror = "https://user:secret@a/rocm/";
  assert.equal(await treeName({ amdMirror }), await treeName({ amdMirror: "https://a/rocm" }));
});

test("has one tree to run MIOpen and to compile it", async () => {
  assert.equal(await treeName({ profile: "build" }), await treeName());
});

test("refuses a mixture of AMD's releases, whatever else there is", () => {
  const base = { name: "libfoo", version: "1.2.34567-1" };
  checkReleases([base, { name: "comgr", version: "3.0.0.70002-56~22.04" }], "7.0.2");
  const other = { name: "rocblas", version: "5.0.2.70001-42~22.04" };
  assert.throws(() => checkReleases([base, other], "7.0.2"), {
    message: /pairs ROCm 7\.0\.2 with rocblas 5\.0\.2\.70001/,
  });
});

test("computes a key's fingerprint from its packets, in both forms of a length", () => {
  // A version 4 key of made-up numbers: time 0, algorithm 1, two integers of one byte.
  const body = Buffer.from("04000000000100080f000803", "hex");
  const old = Buffer.concat([Buffer.from([0x98, body.length]), body]);
  const modern = Buffer.concat([Buffer.from([0xc6, body.length]), body]);
  const [fingerprint = ""] = keyFingerprints(old);
  assert.match(fingerprint, /^[0-9A-F]{40}$/);
  assert.deepEqual(keyFingerprints(modern), [fingerprint]);
  const armored = `-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n${old.toString("base64")}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  assert.deepEqual(keyFingerprints(dearmored(Buffer.from(armored))), [fingerprint]);
  assert.throws(() => keyFingerprints(old.subarray(0, 9)), /cut off/);
  assert.throws(() => keyFingerprints(Buffer.from([0x9b, 1])), /without length/);
  assert.throws(() => dearmored(Buffer.from("<html>")), /no OpenPGP key/);
  assert.match(AMD_FINGERPRINTS[0], /^[0-9A-F]{40}$/);
});

test("reads an archive with its digest, and takes a folder for a folder", () => {
  const sha256 = "ab".repeat(32);
  assert.deepEqual(parseArchive(`https://h/a.tar.gz?x=1#sha256=${sha256.toUpperCase()}`), {
    address: "https://h/a.tar.gz?x=1",
    sha256,
  });
  assert.deepEqual(parseArchive(`/a/b.tar.zst#sha256=${sha256}`), { address: "/a/b.tar.zst", sha256 });
  for (const folder of ["auto", "amd", "/opt/rocm", "./rocm", "/opt/rocm#2"]) assert.equal(parseArchive(folder), null);
  for (const bad of ["https://h/a.tar.gz", "https://h/a.tar.gz#md5=1", "/a.tar.gz#sha256=12", "/a.tar.gz#sha256"])
    assert.throws(() => parseArchive(bad), { kind: "user", message: /needs a SHA-256 digest/ }, bad);
});
