import assert from "node:assert/strict";
import { test } from "node:test";
import { RdnaError } from "../../../src/errors.ts";
import { parseOrigin } from "../../../src/miopen/source/origin.ts";
import { releaseOrigin } from "../../../src/miopen/source/releases.ts";
import { sourceVersion } from "../../../src/miopen/source/version.ts";

const SHA = "ab".repeat(32);

for (const [text, origin] of [
  ["https://h/m.tar.gz", { kind: "archive", url: "https://h/m.tar.gz", sha256: null }],
  [`https://h/m.tar.gz#sha256=${SHA}`, { kind: "archive", url: "https://h/m.tar.gz", sha256: SHA }],
  [`https://h/download?id=1#sha256=${SHA}`, { kind: "archive", url: "https://h/download?id=1", sha256: SHA }],
  ["https://h/MIOpen.git#rocm-7.0.2", { kind: "git", url: "https://h/MIOpen.git", ref: "rocm-7.0.2" }],
  ["https://h/ROCm/MIOpen#develop", { kind: "git", url: "https://h/ROCm/MIOpen", ref: "develop" }],
  ["git+https://h/x#v1", { kind: "git", url: "https://h/x", ref: "v1" }],
  ["git@h:ROCm/MIOpen.git#v1", { kind: "git", url: "git@h:ROCm/MIOpen.git", ref: "v1" }],
  ["file:///srv/m.git#v1", { kind: "git", url: "file:///srv/m.git", ref: "v1" }],
  ["./m.tar.xz", { kind: "tarball", path: "/here/m.tar.xz", sha256: null }],
  [`m.tgz#sha256=${SHA.toUpperCase()}`, { kind: "tarball", path: "/here/m.tgz", sha256: SHA }],
  ["../MIOpen", { kind: "path", path: "/MIOpen" }],
] as const) {
  test(`reads ${text}`, () => assert.deepEqual(parseOrigin(text, "/here"), origin));
}

for (const [text, pattern] of [
  ["https://h/MIOpen.git", /without a ref.*#<tag/],
  ["https://h/MIOpen.git#--upload-pack=x", /not a tag/],
  ["https://h/m.tar.gz#sha256=12", /not a SHA-256/],
  ["ftp://h/m.tar.gz", /not understood/],
] as const) {
  test(`refuses ${text}`, () => {
    const isUserError = (error: unknown) =>
      error instanceof RdnaError && error.kind === "user" && pattern.test(`${error.message} ${error.remedy}`);
    assert.throws(() => parseOrigin(text, "/here"), isUserError);
  });
}

test("knows where each ROCm's MIOpen is published, and what is known of it", () => {
  const url = (version: string) => {
    const origin = releaseOrigin(version);
    return origin.kind === "archive" ? origin.url : origin.kind;
  };
  assert.match(url("6.4.3"), /ROCm\/MIOpen\/archive\/rocm-6\.4\.3\.tar\.gz$/);
  assert.match(url("7.0.2"), /ROCm\/MIOpen\/archive\/rocm-7\.0\.2\.tar\.gz$/);
  assert.match(url("7.2.4"), /rocm-libraries\/releases\/download\/rocm-7\.2\.4\/miopen\.tar\.gz$/);
  const { published, sha256 } = releaseOrigin("7.0.2") as { published?: { bytes: number }; sha256: string | null };
  assert.equal(published?.bytes, 110_490_323);
  assert.equal(sha256, null);
  assert.throws(() => releaseOrigin("5.7.1"), /no place of MIOpen's source is known for ROCm 5\.7\.1/);
});

test("reads MIOpen's version, and that of nothing else", () => {
  assert.equal(sourceVersion("project ( MIOpen C CXX )\nrocm_setup_version(VERSION 3.4.0)\n"), "3.4.0");
  assert.equal(
    sourceVersion("project(MIOpen)\n# rocm_setup_version(VERSION 9.9.9)\nrocm_setup_version( VERSION 3.5.1 )"),
    "3.5.1",
  );
  assert.equal(sourceVersion("project(rocBLAS)\nrocm_setup_version(VERSION 4.0.0)"), null);
});
