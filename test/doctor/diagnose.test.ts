import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, diagnose } from "../../src/doctor/diagnose.ts";
import type { MachineFacts } from "../../src/doctor/machine.ts";
import { sampleManifest } from "../release/sample.ts";

const card = (architecture: string) => ({ architecture, index: 0, renderMinor: 128, id: "x" });
const active = (change: Parameters<typeof sampleManifest>[0] = {}, kind: "same" | "other" | "own" = "same") => ({
  ...{ folder: "/opt/rocm-miopen-rdna1", manifest: sampleManifest(change) },
  match: { kind, why: "kernels are for Debian's MIOpen" },
});

const FACT = { file: "share/miopen/db/gfx1012.kdb", bytes: 1, sha256: "0", rows: 1 };

/** A machine on which everything is as it should be. */
function machine(change: Partial<MachineFacts> = {}): MachineFacts {
  return {
    ...{ env: {}, compute: [card("gfx1010")], bus: [], closed: [], hasKfd: true, inContainer: false, overrides: [] },
    rocm: { folder: "/opt/rocm", version: "7.2.4", miopen: "3.5.1", rocblas: ["gfx1010", "gfx1030"] },
    ...{ activated: active(), spoofedCaches: [], torch: null },
    ...change,
  };
}

const shown = ({ what, state, says, remedy }: Check) => `${state} ${what}: ${says} -> ${remedy}`;
const wrong = (facts: MachineFacts) =>
  diagnose(facts)
    .filter(({ state }) => state !== "good")
    .map(shown)
    .join("\n");

test("finds nothing on a machine where all is well, and says what it looked at", () => {
  assert.equal(wrong(machine()), "");
  const looked = diagnose(machine()).map(({ what }) => what);
  assert.deepEqual(looked, ["card", "rights", "spoof", "ROCm", "rocBLAS", "kernels"]);
});

const bus = (driver: string | null) => [{ address: "0000:03:00.0", architecture: "gfx1012" as const, driver }];
const none = { compute: [], hasKfd: false };
for (const [what, change, expected] of [
  ["no card", { ...none }, /^bad card: no AMD card is seen/],
  ["another card", { compute: [card("gfx1030")] }, /^bad card: no RDNA1 card is seen \(gfx1030\)/],
  [
    "a card without a driver",
    { ...none, bus: bus(null) },
    /gfx1012 at 0000:03:00\.0 .*no driver has it.*modprobe amdgpu/,
  ],
  ["a card that a virtual machine is to have", { ...none, bus: bus("vfio-pci") }, /the driver vfio-pci has it/],
  [
    "a platform without PCIe atomics",
    { ...none, hasKfd: true, bus: bus("amdgpu") },
    /offers it for no computation.*rejects atomics/,
  ],
  [
    "a container without the card",
    { ...none, bus: bus("amdgpu"), inContainer: true },
    /not in this container.*--device \/dev\/kfd/,
  ],
  ["a user who may not open it", { closed: ["/dev/kfd"] }, /^bad rights: .*\/dev\/kfd.*usermod -aG render/],
  [
    "a spoof",
    { env: { HSA_OVERRIDE_GFX_VERSION: "10.3.0" }, overrides: ["/etc/environment:2"] },
    /^bad spoof: HSA_OVERRIDE_GFX_VERSION=10\.3\.0.*remove it from \/etc\/environment:2/,
  ],
  ["a spoof of one card", { env: { HSA_OVERRIDE_GFX_VERSION_0: "10.3.0" } }, /^bad spoof: HSA_OVERRIDE_GFX_VERSION_0/],
  ["a spoof for new sessions", { overrides: ["/home/a/.bashrc:9"] }, /^bad spoof: .*new sessions.*\.bashrc:9/],
  ["hidden cards", { env: { ROCR_VISIBLE_DEVICES: "" } }, /^doubtful visible: ROCR_VISIBLE_DEVICES= hides/],
  ["no ROCm", { rocm: null }, /^doubtful ROCm: none/],
  [
    "no MIOpen",
    { rocm: { folder: "/r", version: "7.2.4", miopen: null, rocblas: null } },
    /^bad ROCm: 7\.2\.4 in \/r, without MIOpen/,
  ],
  [
    "a rocBLAS without the card",
    { compute: [card("gfx1012")], activated: active({ kernels: { gfx1012: FACT } }) },
    /^bad rocBLAS: has no kernels for gfx1012.*overlay/,
  ],
  [
    "AMD's rocBLAS",
    { rocm: { folder: "/r", version: "7.2.4", miopen: "3.5.1", rocblas: ["gfx1030"] } },
    /^bad rocBLAS: .*gfx1010.*Debian's/,
  ],
  ["no kernels", { activated: null }, /^doubtful kernels: none are precompiled/],
  [
    "a folder that is gone",
    { activated: "the folder /x does not exist" },
    /^doubtful kernels: MIOPEN_SYSTEM_DB_PATH: the folder \/x/,
  ],
  ["kernels for another card", { activated: active({ kernels: {} }) }, /^bad kernels: .* has none for gfx1010/],
  [
    "kernels for another MIOpen",
    { activated: active({}, "other") },
    /^bad kernels: these kernels are for Debian's MIOpen: MIOpen does not find most/,
  ],
  [
    "a search",
    { env: { MIOPEN_FIND_MODE: "1" } },
    /^doubtful MIOpen: MIOPEN_FIND_MODE=1 makes MIOpen try every algorithm/,
  ],
  ["a forced search", { env: { MIOPEN_FIND_ENFORCE: "SEARCH" } }, /^doubtful MIOpen: MIOPEN_FIND_ENFORCE=SEARCH/],
  ["Winograd", { env: { MIOPEN_DEBUG_CONV_WINOGRAD: "1" } }, /^doubtful MIOpen: .*not safe on RDNA1/],
  [
    "what a spoof has left",
    { spoofedCaches: ["/a/gfx1030_20.ukdb", "/b"] },
    /^doubtful caches: .*\/a\/gfx1030_20\.ukdb and 1 more/,
  ],
  [
    "an official wheel",
    { torch: { folder: "/t", architectures: ["gfx1030"] } },
    /^doubtful PyTorch: .*without code for gfx1010/,
  ],
] as const) {
  test(`tells ${what}, and what to do`, () => {
    const found = wrong(machine(change as unknown as Partial<MachineFacts>));
    assert.match(found, expected);
    assert.doesNotMatch(found, /-> null/);
    assert.equal(found.split("\n").length, 1, `one thing is wrong, and one is told:\n${found}`);
  });
}

test("lets be what is no search, and a patched package that brings its own MIOpen", () => {
  const env = { MIOPEN_FIND_MODE: "2", MIOPEN_FIND_ENFORCE: "NONE", MIOPEN_DEBUG_CONV_WINOGRAD: "0" };
  const library = { file: "lib/libMIOpen.so.1", bytes: 1, sha256: "0" };
  const rocm = { folder: "/r", version: "7.2.4", miopen: null, rocblas: ["gfx1010"] };
  assert.equal(wrong(machine({ env, activated: active({ library }, "own"), rocm })), "");
});
