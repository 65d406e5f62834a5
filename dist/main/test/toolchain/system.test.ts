import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { NodeExec } from "../../src/ports/exec.ts";
import { resolveToolchain } from "../../src/toolchain/resolve.ts";
import { fitsVersion, systemToolchain } from "../../src/toolchain/system.ts";
import { programCommand } from "../../src/toolchain/toolchain.ts";
import { recordedLog, scratch } from "./helpers.ts";

/** A folder laid out as AMD's packages do it. */
async function rocm(t: TestContext, version: string): Promise<string> {
  const root = join(await scratch(t), "rocm");
  const files = {
    ".info/version": `${version}-123\n`,
    "lib/libMIOpen.so.1": "…, MIOpen version 3.5.1. …",
    "lib/libamdhip64.so.7": "HIP",
    "lib/rocblas/library/TensileLibrary_lazy_gfx1010.dat": "",
    "bin/MIOpenDriver": "",
    "lib/llvm/bin/clang": "",
    "include/hip/hip_version.h":
      "#define HIP_VERSION_MAJOR 7\n#define HIP_VERSION_MINOR 2\n#define HIP_VERSION_PATCH 53211\n",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

function options(toolchain: string, root: string) {
  const env = { ROCM_PATH: root };
  return { toolchain, rocmVersion: "7.2.4", cacheRoot: join(root, "cache"), mirror: null, offline: true, jobs: 1, env };
}

test("takes an installed ROCm of the wanted release and starts its programs directly", async (t) => {
  const root = await rocm(t, "7.2.4");
  const toolchain = await systemToolchain(root, "7.2.4");
  assert.equal(toolchain.kind, "system");
  assert.equal(toolchain.miopenVersion, "3.5.1");
  assert.equal(toolchain.paths.loader, null);
  const command = programCommand(toolchain, toolchain.paths.miopenDriver ?? "", ["conv"], { preload: ["/d.so"] });
  assert.equal(command.file, join(root, "bin/MIOpenDriver"));
  assert.equal(command.env.LD_PRELOAD, "/d.so");
});

test("another library makes another digest", async (t) => {
  const root = await rocm(t, "7.2.4");
  const { digest } = await systemToolchain(root, "7.2.4");
  assert.equal((await systemToolchain(root, "7.2.4")).digest, digest);
  await writeFile(join(root, "lib/libMIOpen.so.1"), "…, MIOpen version 3.5.2. …");
  assert.notEqual((await systemToolchain(root, "7.2.4")).digest, digest);
});

test("refuses another release and says which is there", async (t) => {
  const root = await rocm(t, "6.4.3");
  await assert.rejects(systemToolchain(root, "7.2.4"), {
    kind: "user",
    message: /has ROCm 6\.4\.3, but rocm-version is 7\.2\.4/,
  });
});

test("goes by HIP's header where .info is missing", async (t) => {
  const root = await rocm(t, "7.2.4");
  await rm(join(root, ".info"), { recursive: true });
  await assert.rejects(systemToolchain(root, "6.4.3"), { message: /has ROCm 7\.2, but/ });
});

test("refuses a folder that is not a ROCm, is not complete, or is not there", async (t) => {
  const empty = await scratch(t);
  await assert.rejects(systemToolchain(empty, "7.2.4"), { kind: "user", message: /is not a ROCm installation/ });
  await assert.rejects(systemToolchain(join(empty, "no"), "7.2.4"), { kind: "user", message: /does not exist/ });
  const root = await rocm(t, "7.2.4");
  await rm(join(root, "lib/libamdhip64.so.7"));
  await assert.rejects(systemToolchain(root, "7.2.4"), { kind: "user", message: /not complete: no HIP runtime/ });
});

test("compares as many numbers as both tell", () => {
  const cases: [string, string, boolean][] = [
    ["7.2.4", "7.2.4", true],
    ["7.2.4", "7.2", true],
    ["7.2", "7.2.4", true],
    ["7.2.40", "7.2.4", false],
    ["6.4.3", "7.2.4", false],
  ];
  for (const [installed, wanted, fits] of cases)
    assert.equal(fitsVersion(installed, wanted), fits, `${installed} ${wanted}`);
});

test("auto takes ROCM_PATH when it fits, and says why it does not", async (t) => {
  const fitting = await rocm(t, "7.2.4");
  const ports = { exec: new NodeExec(), log: recordedLog() };
  assert.equal((await resolveToolchain(options("auto", fitting), ports)).root, fitting);
  const other = await rocm(t, "6.4.3");
  const log = recordedLog();
  await assert.rejects(resolveToolchain(options("auto", other), { ...ports, log }), { message: /offline/ });
  assert.match(log.lines[0] ?? "", /has ROCm 6\.4\.3, not 7\.2\.4, so packages are used/);
  await assert.rejects(resolveToolchain(options("amd", other), ports), { kind: "machine", message: /offline/ });
});
