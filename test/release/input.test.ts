import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RUNTIME } from "../../src/c-runtime.ts";
import { buildId, DEFAULT_SOURCE_DATE, overlayName, packageName, sourceDate } from "../../src/release/input.ts";
import { sampleToolchain } from "./sample.ts";

const toolchain = sampleToolchain("/nowhere");
const miopen = { version: "3.5.1", series: null, source: "distribution", patches: [] };

test("tarballs are named after MIOpen, what was done to it, and ROCm", () => {
  assert.equal(packageName({ miopen, toolchain }), "rdna1-miopen-3.5.1-distribution-rocm7.2.4-linux-x86_64");
  assert.equal(
    packageName({ miopen: { ...miopen, series: 2 }, toolchain }),
    "rdna1-miopen-3.5.1-patched.2-rocm7.2.4-linux-x86_64",
  );
  assert.equal(overlayName("gfx1012", toolchain), "rdna1-rocblas-gfx1012-rocm7.2.4");
});

test("SOURCE_DATE_EPOCH is taken when it is a time, has a fixed default, and is refused by name otherwise", () => {
  assert.equal(sourceDate("1700000000"), 1_700_000_000);
  assert.equal(sourceDate("0"), 0);
  assert.equal(sourceDate(undefined), DEFAULT_SOURCE_DATE);
  assert.equal(sourceDate(""), DEFAULT_SOURCE_DATE);
  for (const value of ["yesterday", "-1", "1.5", "1e9", " 1", "99999999999"]) {
    assert.throws(() => sourceDate(value), { kind: "user", message: /SOURCE_DATE_EPOCH/ });
  }
});

test("the build id changes with the kernels, MIOpen and its patches, not with the order of targets or the toolchain's folder", () => {
  const kernel = (sha256: string) => ({ path: "", rows: 0, bytes: 0, sha256, list: [] });
  const base = {
    miopen,
    built: null,
    toolchain,
    targets: ["gfx1010", "gfx1011"] as const,
    kernels: { gfx1010: kernel("a"), gfx1011: kernel("b") },
  };
  const id = buildId(base);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.equal(buildId({ ...base, targets: ["gfx1011", "gfx1010"], toolchain: { ...toolchain, root: "/else" } }), id);
  assert.notEqual(buildId({ ...base, kernels: { ...base.kernels, gfx1011: kernel("c") } }), id);
  assert.notEqual(buildId({ ...base, miopen: { ...miopen, version: "3.5.2" } }), id);
  assert.notEqual(buildId({ ...base, miopen: { ...miopen, patches: [{ name: "p", sha256: "d" }] } }), id);
});

test("the build id changes with MIOpen's library, whatever its version and patches say", () => {
  const packages = (sha256: string | null, other = "0") => [
    { name: "libmiopen1-tests", version: "7", sha256: other, bytes: 1, license: null },
    { name: "libmiopen1", version: "7", sha256, bytes: 1, license: null },
  ];
  const base = { miopen, built: null, toolchain: { ...toolchain, packages: packages("a") }, targets: [], kernels: {} };
  const id = buildId(base);
  assert.notEqual(buildId({ ...base, toolchain: { ...toolchain, packages: packages("b") } }), id);
  assert.equal(buildId({ ...base, toolchain: { ...toolchain, packages: packages("a", "1"), digest: "d" } }), id);
  const unknown = (digest: string) =>
    buildId({ ...base, toolchain: { ...toolchain, packages: packages(null), digest } });
  assert.notEqual(unknown("d"), unknown("e"));
  const built = (digest: string) => buildId({ ...base, built: { prefix: "", library: "", digest, needs: NO_RUNTIME } });
  assert.notEqual(built("d"), built("e"));
  assert.notEqual(built("d"), id);
});
