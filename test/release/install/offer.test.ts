import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { type CRuntime, NO_RUNTIME } from "../../../src/c-runtime.ts";
import { NodeHttp } from "../../../src/ports/http.ts";
import { ANY_MACHINE } from "../../../src/release/install/machine.ts";
import { miopenHere } from "../../../src/release/install/machine-miopen.ts";
import { fittingPackages, overlayOf, parsePackageName, type Wish } from "../../../src/release/install/names.ts";
import { findOffer, NothingFits, type OfferWish } from "../../../src/release/install/offer.ts";
import { GitHubPackages } from "../../../src/release/install/release-place.ts";
import { FastClock, MemoryLog } from "../publish/support.ts";
import { sha256 } from "../sample.ts";
import { ReleaseServer } from "./release-server.ts";
import { PACKAGE, PATCHED, samplePackage } from "./support.ts";

const name = (miopen: string, kind: string, rocm: string) =>
  `rdna1-miopen-${miopen}-${kind}-rocm${rocm}-linux-x86_64.tar.zst`;

test("reads the names that build gives, and no others", () => {
  assert.deepEqual(parsePackageName(name("3.5.1", "patched.2", "7.2.4")), {
    file: name("3.5.1", "patched.2", "7.2.4"),
    miopen: "3.5.1",
    series: 2,
    rocm: "7.2.4",
  });
  assert.equal(parsePackageName(PACKAGE)?.series, null);
  for (const other of [
    `x${PACKAGE}`,
    `${PACKAGE}.part`,
    `../${PACKAGE}`,
    PACKAGE.replace("x86_64", "aarch64"),
    "a.tar.zst",
  ]) {
    assert.equal(parsePackageName(other), null, other);
  }
});

test("the newest ROCm, then the newest MIOpen, then patched before the distribution's", () => {
  const all = [
    name("3.4.0", "patched.1", "7.0.2"),
    name("3.5.1", "distribution", "7.2.4"),
    name("3.5.1", "patched.2", "7.2.4"),
    name("3.5.1", "patched.10", "7.2.4"),
    name("3.5.10", "distribution", "7.2.10"),
  ];
  const order = (wish: Wish) => fittingPackages(all, wish).map(({ file }) => all.indexOf(file));
  assert.deepEqual(order({ rocm: null, miopen: null }), [4, 3, 2, 1, 0]);
  assert.deepEqual(order({ rocm: "7.2.4", miopen: null }), [3, 2, 1]);
  assert.deepEqual(order({ rocm: "7.2.4", miopen: "distribution" }), [1]);
  assert.deepEqual(order({ rocm: "7.2", miopen: "distribution" }), [4, 1]);
  assert.deepEqual(order({ rocm: null, miopen: "patched" }), [3, 2, 0]);
  assert.deepEqual(order({ rocm: "6.4.3", miopen: null }), []);
});

test("an overlay belongs to its target and its ROCm", () => {
  const names = ["rdna1-rocblas-gfx1011-rocm7.2.4.tar.zst", "rdna1-rocblas-gfx1012-rocm7.0.2.tar.zst"];
  assert.equal(overlayOf(names, "gfx1011", "7.2.4"), names[0]);
  assert.equal(overlayOf(names, "gfx1012", "7.2.4"), null);
  assert.equal(overlayOf(names, "gfx1010", "7.2.4"), null);
});

let scratch = "";
let files: Record<string, Buffer> = {};
let server: ReleaseServer;
let log: MemoryLog;
let clock: FastClock;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-offer-"));
  files = await samplePackage(scratch, ["gfx1010", "gfx1012"]);
});
after(async () => {
  server.close();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  server?.close();
  server = new ReleaseServer();
  await server.listen();
  log = new MemoryLog();
  clock = new FastClock();
});

const ANY: OfferWish = { rocm: null, miopen: null, targets: [], file: null, machine: ANY_MACHINE };

async function offered(wish: Partial<OfferWish> = {}, tag: string | null = null) {
  const place = { api: `${server.api}${server.base}`, repository: "org/kernels", token: null, version: "0" };
  const places = await new GitHubPackages(place, { http: new NodeHttp({}), clock, log }, {}).places(tag);
  const ports = { log, folder: path.join(scratch, "fetched"), signal: new AbortController().signal };
  return await findOffer(places, { ...ANY, ...wish }, ports);
}

test("the newest release with a package that fits, whatever is newer and does not", async () => {
  server.add("v1", files);
  server.add("v2", files);
  server.add("v3", { [PACKAGE.replace("7.2.4", "7.0.2")]: Buffer.from("x"), SHA256SUMS: Buffer.from("") });
  server.add("v4", files, { draft: true });
  server.add("v5", files, { prerelease: true });
  const offer = await offered({ rocm: "7.2.4", targets: ["gfx1012"] });
  assert.equal(offer.place.tag, "v2");
  assert.equal(offer.tarball.sha256, sha256(files[PACKAGE] ?? ""));
  assert.equal(offer.tarball.bytes, files[PACKAGE]?.length);
  assert.equal((await offered({}, "v5")).place.tag, "v5", "a tag that is named may be preliminary");
});

test("only the small files of the release that is taken are fetched", async () => {
  server.add("v0", files);
  for (let number = 1; number <= 120; number++) server.add(`v${number}`, { "notes.txt": Buffer.from("x") });
  const offer = await offered();
  assert.equal(offer.place.tag, "v0", "also on the second page");
  assert.deepEqual(
    server.requests.filter((line) => !line.includes("/repos/")),
    ["GET SHA256SUMS", "GET manifest.json"],
  );
});

test("nothing fits: what there is instead is named", async () => {
  server.add("v1", files);
  const error = await offered({ rocm: "6.4.3", targets: ["gfx1010"] }).catch((caught: unknown) => caught);
  assert.ok(error instanceof NothingFits);
  assert.match(
    error.message,
    /ROCm 6\.4\.3, gfx1010; there is: rdna1-miopen-3\.5\.1.* in the release v1 of org\/kernels/,
  );
  await assert.rejects(offered({ targets: ["gfx1011"] }), /has no kernels for gfx1011/);
  await assert.rejects(offered({ miopen: "patched" }), /any target, a patched MIOpen; there is: .*-distribution-/);
});

test("a MIOpen that does not start on this machine is passed over, and named with what it needs", async () => {
  const needs = { glibc: "2.43", glibcxx: "3.4.32" };
  const patched = await samplePackage(path.join(scratch, "patched"), ["gfx1010"], needs);
  const old = { glibc: "2.36", glibcxx: "3.4.30" };
  const on = (runtime: CRuntime) => ({ machine: { ...ANY_MACHINE, runtime } });
  server.add("v1", files);
  server.add("v2", patched);
  assert.equal((await offered(on(needs))).tarball.file, PATCHED);
  assert.equal((await offered(on(NO_RUNTIME))).tarball.file, PATCHED, "it is not known what is here");
  assert.equal((await offered(on(old))).tarball.file, PACKAGE);
  await assert.rejects(offered(on(old), "v2"), (error: Error) => {
    assert.ok(error instanceof NothingFits);
    assert.match(
      error.message,
      /patched.* needs glibc 2\.43 \(here is 2\.36\), and libstdc.* 3\.4\.32 \(here is 3\.4\.30\)/,
    );
    return true;
  });
});

test("kernels for another MIOpen than this machine's are passed over, and named with what they are for", async () => {
  const lib = path.join(scratch, "rocm/lib");
  await mkdir(lib, { recursive: true });
  await writeFile(path.join(lib, "libMIOpen.so.1"), "another, MIOpen version 3.5.1.");
  const miopen = await miopenHere({ ROCM_PATH: path.join(scratch, "rocm") });
  const patched = await samplePackage(path.join(scratch, "own-library"), ["gfx1010"], NO_RUNTIME);
  server.add("v1", patched);
  server.add("v2", files);
  const strict = { machine: { ...ANY_MACHINE, miopen, strict: true } };
  assert.equal((await offered(strict)).tarball.file, PATCHED, "which brings its own");
  assert.equal((await offered({ machine: { ...ANY_MACHINE, miopen } })).tarball.file, PACKAGE);
  await assert.rejects(offered(strict, "v2"), (error: Error) => {
    assert.ok(error instanceof NothingFits && error.otherMiopen);
    assert.match(
      error.message,
      /in the release v2 .*, whose kernels are for Debian's MIOpen 3\.5\.1 .* is another build/,
    );
    return true;
  });
  const none = await offered({ ...strict, rocm: "6.4.3" }).catch((error: unknown) => error);
  assert.ok(none instanceof NothingFits && !none.otherMiopen);
});

test("an answer that was cut, garbled or refused for the moment is asked for again", async () => {
  server.add("v1", files);
  server.faults.push(
    { on: /releases$/, fault: { kind: "answer", status: 503 } },
    { on: /releases$/, fault: { kind: "answer", status: 403, headers: { "retry-after": "7" } } },
    { on: /SHA256SUMS/, fault: { kind: "cut", after: 10 } },
    { on: /manifest/, fault: { kind: "garble" } },
  );
  assert.equal((await offered()).place.tag, "v1");
  assert.equal(clock.waits.length, 2);
  assert.ok((clock.waits[1] ?? 0) >= 7000);
});

test("a rate limit that lasts says when to come back", async () => {
  server.add("v1", files);
  const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(clock.time / 1000 + 3000) };
  server.faults.push({ on: /releases$/, fault: { kind: "answer", status: 403, headers } });
  await assert.rejects(offered(), { kind: "machine", remedy: /after 2026-01-01 00:50 UTC/ });
});

for (const [what, change, why] of [
  ["SHA256SUMS and manifest.json", { "manifest.json": "size" }, /bytes, but manifest\.json tells of/],
  ["SHA256SUMS and the file itself", { "manifest.json": "other" }, /manifest\.json.* is not the file/],
] as const) {
  test(`${what} that do not agree are refused`, async () => {
    const manifest = JSON.parse(String(files["manifest.json"])) as { tarball: { bytes: number } };
    manifest.tarball.bytes += 1;
    const content = Buffer.from(JSON.stringify(manifest));
    let sums = String(files.SHA256SUMS);
    if (change["manifest.json"] === "size") sums = sums.replace(sha256(files["manifest.json"] ?? ""), sha256(content));
    server.add("v1", { ...files, "manifest.json": content, SHA256SUMS: Buffer.from(sums) });
    await assert.rejects(offered(), { kind: "machine", message: why });
  });
}
