import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { noise, sha256 } from "../sample.ts";
import { Sandbox } from "./sandbox.ts";

const OVERLAY = "rdna1-rocblas-gfx1012-rocm7.2.4.tar.zst";
const box = Sandbox.use(["gfx1010", "gfx1012"]);

test("gfx1012 gets its rocBLAS overlay into the same folder, used when it is asked for", async () => {
  const { code, text } = await box.run([...box.release, "--targets", "gfx1012"]);
  assert.equal(code, 0, text);
  const folder = await box.onlyPackage();
  const library = path.join(folder, "share/rocblas-gfx1012/library");
  assert.deepEqual(await readFile(path.join(library, "Kernels.gfx1012.co")), noise("gfx1012", 5000));
  const env = { PATH: process.env.PATH ?? "", HOME: box.home, RDNA1_MIOPEN_ROCBLAS: "gfx1012" };
  const { stdout } = spawnSync("sh", [path.join(folder, "bin/rdna1-miopen-env")], { env, encoding: "utf8" });
  assert.match(stdout, new RegExp(`^export ROCBLAS_TENSILE_LIBPATH='${library}'$`, "m"));
});

test("gfx1010 gets no overlay", async () => {
  const { code, text } = await box.run([...box.release, "--targets", "gfx1010"]);
  assert.equal(code, 0, text);
  assert.equal(box.server.count(/rocblas/), 0);
});

test("jobs that want the same package with and without an overlay do not disturb each other", async () => {
  box.server.faults.push({ on: /rdna1-miopen.*tar\.zst/, fault: { kind: "late", milliseconds: 1500 } });
  const wishes = ["gfx1010", "gfx1012", "gfx1010", "gfx1012"];
  const results = await Promise.all(wishes.map((target) => box.run([...box.release, "--targets", target])));
  for (const { code, text } of results) assert.equal(code, 0, text);
  const { packages, others } = await box.cached();
  assert.deepEqual([packages.length, others], [2, []]);
  for (const folder of packages) await box.usable(folder);
});

test("an overlay without an attestation is refused like the package itself", async () => {
  box.server.attestations.delete(sha256(box.files[OVERLAY] ?? ""));
  const { code, text } = await box.run([...box.release, "--targets", "gfx1012"]);
  assert.match(text, new RegExp(`has no attestation for ${OVERLAY}`));
  assert.equal(code, 2);
  await box.nothingInstalled();
});
