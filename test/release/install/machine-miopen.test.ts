import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { NO_RUNTIME } from "../../../src/c-runtime.ts";
import { ANY_MACHINE, sayMiopen, whyNotHere } from "../../../src/release/install/machine.ts";
import { type MiopenFacts, matchMiopen, miopenHere } from "../../../src/release/install/machine-miopen.ts";
import { recordedLog } from "../../toolchain/helpers.ts";
import { OWN_MIOPEN, sampleManifest, sha256 } from "../sample.ts";

const AMD = "opt/rocm-7.2.4/lib/libMIOpen.so.1";
const DEBIAN = "usr/lib/x86_64-linux-gnu/libMIOpen.so.1";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "rdna1-miopen-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}

/** What a manifest says; `build: null` for a package of an earlier version. */
function facts(build: string | null = OWN_MIOPEN, toolchain = "debian"): MiopenFacts {
  const { miopen, rocm, library } = sampleManifest();
  const known = build === null ? {} : { build: { bytes: build.length, sha256: sha256(build) } };
  return { miopen: { ...miopen, ...known }, rocm: { ...rocm, toolchain }, library };
}

const match = async (manifest: MiopenFacts, env: NodeJS.ProcessEnv = {}) =>
  await matchMiopen(manifest, await miopenHere(env, root));

test("finds the MIOpen of the ROCm folder, else that of the distribution", async () => {
  const found = async (env: NodeJS.ProcessEnv = {}) => {
    const here = await miopenHere(env, root);
    return here && [path.relative(root, here.file), here.distribution];
  };
  assert.equal(await found(), null);
  await put(DEBIAN, "");
  assert.deepEqual(await found(), [DEBIAN, true]);
  await put(AMD, "");
  await symlink("rocm-7.2.4", path.join(root, "opt/rocm"));
  assert.deepEqual(await found(), [AMD, false]);
  assert.deepEqual(await found({ ROCM_PATH: path.join(root, "none") }), [DEBIAN, true]);
  assert.deepEqual(await found({ ROCM_PATH: path.join(root, "usr") }), [DEBIAN, true]);
});

test("kernels are for the MIOpen with the very bytes that the manifest tells of, wherever it lies", async () => {
  await put(DEBIAN, OWN_MIOPEN);
  assert.equal((await match(facts())).kind, "same");
  await put("mine/lib/libMIOpen.so.1", OWN_MIOPEN);
  assert.equal((await match(facts(), { ROCM_PATH: path.join(root, "mine") })).kind, "same");
  for (const other of [OWN_MIOPEN.replace("code", "edoc"), `${OWN_MIOPEN}more`]) {
    await put(DEBIAN, other);
    const { kind, why } = await match(facts());
    assert.equal(kind, "other");
    assert.match(
      why,
      /^kernels are for Debian's MIOpen 3\.5\.1 of ROCm 7\.2\.4, and .*so\.1 \(3\.5\.1\) is another build$/,
    );
  }
});

for (const [what, file, toolchain, text, kind] of [
  ["AMD's MIOpen of the same version for Debian's", AMD, "debian", OWN_MIOPEN, "other"],
  ["Debian's for AMD's", DEBIAN, "amd", OWN_MIOPEN, "other"],
  ["another version", DEBIAN, "debian", "MIOpen version 3.5.0.", "other"],
  ["the same kind and version", DEBIAN, "debian", OWN_MIOPEN, "unknown"],
  ["a folder of unknown kind", AMD, "folder", OWN_MIOPEN, "unknown"],
] as const) {
  test(`a package that does not tell the bytes: ${what} is ${kind}`, async () => {
    await put(file, text);
    await symlink("rocm-7.2.4", path.join(root, "opt/rocm")).catch(() => {});
    assert.equal((await match(facts(null, toolchain))).kind, kind);
  });
}

test("a package with a library of its own does not depend on the machine's", async () => {
  await put(DEBIAN, "MIOpen version 3.4.0.");
  const library = { file: "lib/libMIOpen.so.1", bytes: 1, sha256: sha256("l"), needs: NO_RUNTIME };
  const machine = { ...ANY_MACHINE, miopen: await miopenHere({}, root), strict: true };
  assert.equal(await whyNotHere({ ...facts(), library }, machine), null);
  const log = recordedLog();
  await sayMiopen({ ...facts(), library }, machine, log);
  assert.deepEqual(log.lines, []);
  assert.equal((await whyNotHere(facts(), machine))?.otherMiopen, true);
  assert.equal(await whyNotHere(facts(), { ...machine, strict: false }), null);
});

test("what cannot be told is said: as a warning where there is a ROCm to use the kernels with", async () => {
  const said = async (rocm: string | null) => {
    const log = recordedLog();
    await sayMiopen(facts(), { ...ANY_MACHINE, rocm }, log);
    return log.lines.join("\n");
  };
  assert.match(await said("7.2.4"), /^warning: these kernels are for Debian's .* no MIOpen is seen on this machine/);
  assert.match(await said(null), /^info: these kernels are for Debian's .* no MIOpen is seen on this machine/);
});
