import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { machineFacts } from "../../src/doctor/machine.ts";
import { NodeExec } from "../../src/ports/exec.ts";
import { standInRoot } from "../card/stand-in.ts";
import { sampleManifest } from "../release/sample.ts";
import { scratch } from "../toolchain/helpers.ts";

const exec = new NodeExec();

async function machine(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = standInRoot(await scratch(t), ["gfx1012", "gfx1030"], { preload: [], environment: {} });
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  for (const [file, text] of Object.entries(files)) put(file, text);
  return {
    root,
    put,
    facts: (env: NodeJS.ProcessEnv = {}) => machineFacts({ HOME: "/home/a", PATH: "/none", ...env }, exec, root),
  };
}

test("finds start-up files that make sessions pose as another card, not comments, nor what asks for it", async (t) => {
  const { root, facts } = await machine(t, {
    "etc/environment": "PATH=/bin\nHSA_OVERRIDE_GFX_VERSION=10.3.0\n",
    "home/a/.bashrc": "# export HSA_OVERRIDE_GFX_VERSION=10.3.0\n[ -z $HSA_OVERRIDE_GFX_VERSION ] || echo no\n",
    "home/a/.profile": "true\n\nexport HSA_OVERRIDE_GFX_VERSION=10.3.0 # needed for torch\n",
    "home/a/.config/fish/config.fish": "set -gx HSA_OVERRIDE_GFX_VERSION 10.3.0\n",
  });
  const { overrides } = await facts();
  const expected = ["etc/environment:2", "home/a/.profile:3", "home/a/.config/fish/config.fish:1"];
  assert.deepEqual(
    overrides,
    expected.map((file) => join(root, file)),
  );
});

test("finds ROCm, its MIOpen, and the cards that rocBLAS serves, in AMD's and in Debian's layout", async (t) => {
  const library = `${"x".repeat(1000)}, MIOpen version 3.5.1. more`;
  const amd = await machine(t, {
    "opt/rocm/.info/version": "7.2.4-80\n",
    "opt/rocm/lib/libMIOpen.so.1": library,
    "opt/rocm/lib/rocblas/library/TensileLibrary_Type_SS_gfx1030.dat": "",
  });
  const found = { version: "7.2.4", miopen: "3.5.1" };
  assert.deepEqual((await amd.facts()).rocm, { folder: join(amd.root, "opt/rocm"), ...found, rocblas: ["gfx1030"] });
  const debian = await machine(t, {
    "usr/include/hip/hip_version.h": "#define HIP_VERSION_MAJOR 7\n#define HIP_VERSION_MINOR 2\n",
    "usr/lib/x86_64-linux-gnu/libMIOpen.so.1": library,
    "usr/lib/x86_64-linux-gnu/rocblas/5.2.0/library/TensileLibrary_lazy_gfx1010.dat": "",
  });
  assert.deepEqual((await debian.facts()).rocm, {
    folder: debian.root,
    ...found,
    version: "7.2",
    rocblas: ["gfx1010"],
  });
});

test("knows the prefix that is activated, and one that is not ours or gone", async (t) => {
  const { root, put, facts } = await machine(t, { "opt/p/share/miopen/db/gfx1012.kdb": "", "opt/other/db/x": "" });
  put("opt/p/share/rdna1-miopen/manifest.json", JSON.stringify(sampleManifest()));
  const { activated } = await facts({ MIOPEN_SYSTEM_DB_PATH: "/opt/p/share/miopen/db" });
  assert.ok(activated !== null && typeof activated === "object");
  assert.equal(activated.folder, join(root, "opt/p"));
  assert.equal(activated.match.kind, "unknown");
  put("opt/rocm/lib/libMIOpen.so.1", "another, MIOpen version 3.4.0");
  const { activated: other } = await facts({ MIOPEN_SYSTEM_DB_PATH: "/opt/p/share/miopen/db" });
  assert.ok(other !== null && typeof other === "object" && other.match.kind === "other");
  assert.match(String((await facts({ MIOPEN_SYSTEM_DB_PATH: "/gone" })).activated), /does not exist/);
  assert.match(
    String((await facts({ MIOPEN_SYSTEM_DB_PATH: "/opt/other/db" })).activated),
    /no package of rdna1-miopen/,
  );
});

test("finds caches of a process that posed as gfx1030, where no card is one", async (t) => {
  const names = {
    "home/a/.cache/miopen/3.5.1/gfx1030_20.ukdb": "",
    "home/a/.config/miopen/gfx1030_40.HIP.ufdb.txt": "",
  };
  assert.deepEqual((await (await machine(t, names)).facts()).spoofedCaches, [], "a real gfx1030 is there");
  const root = standInRoot(await scratch(t), ["gfx1010"], { preload: [], environment: {} });
  for (const name of Object.keys(names)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), "");
  }
  const { spoofedCaches } = await machineFacts({ HOME: "/home/a", PATH: "/none" }, exec, root);
  assert.deepEqual(spoofedCaches, [join(root, "home/a/.cache/miopen/3.5.1/gfx1030_20.ukdb")]);
});

test("finds the driver of a card on the bus", async (t) => {
  const device = "sys/bus/pci/devices/0000:03:00.0";
  const { root, facts } = await machine(t, { [`${device}/vendor`]: "0x1002\n", [`${device}/device`]: "0x7340\n" });
  assert.deepEqual((await facts()).bus, [{ address: "0000:03:00.0", architecture: "gfx1012", driver: null }]);
  symlinkSync("../../../../bus/pci/drivers/vfio-pci", join(root, device, "driver"));
  assert.equal((await facts()).bus[0]?.driver, "vfio-pci");
});

test("asks Python for PyTorch without importing it", async (t) => {
  const { root, put } = await machine(t, {
    "site/torch/__init__.py": "raise SystemExit('imported')\n",
    "site/torch/lib/libMIOpen.so": "",
    "site/torch/lib/rocblas/library/TensileLibrary_lazy_gfx1030.dat": "",
  });
  const { PATH = "" } = process.env;
  const ask = async () => (await machineFacts({ PATH, PYTHONPATH: join(root, "site") }, exec, root)).torch;
  if ((await exec.run({ file: "python3", args: ["-V"], env: { PATH } }).catch(() => null)) === null) {
    t.skip("there is no python3");
    return;
  }
  assert.deepEqual(await ask(), { folder: join(root, "site/torch"), architectures: ["gfx1030"] });
  put("empty/x", "");
  assert.equal((await machineFacts({ PATH, PYTHONPATH: join(root, "empty") }, exec, root)).torch, null);
});

test("names what this user may not open", {
  skip: process.getuid?.() === 0 && "root may open everything",
}, async (t) => {
  const { root, facts } = await machine(t, {});
  assert.deepEqual((await facts()).closed, []);
  chmodSync(join(root, "dev/kfd"), 0o000);
  assert.deepEqual((await facts()).closed, [join(root, "dev/kfd")]);
});
