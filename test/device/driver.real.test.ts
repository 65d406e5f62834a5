import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CompileMode, deviceEnvironment } from "../../src/device/device.ts";
import { type DeviceEvent, parseEvents } from "../../src/device/events.ts";
import { makeRocblasOverlay } from "../../src/device/rocblas-overlay.ts";
import { TARGETS, type Target } from "../../src/rdna1/targets.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { cachedDevice } from "./sim/builds.ts";
import { exec, toolchainUnderTest } from "./support.ts";

const CONVOLUTION = "conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3 -p 1 -q 1 -V 0 -t 1 -i 1 -F 1".split(" ");

interface Run {
  code: number | null;
  output: string;
  events: DeviceEvent[];
}

const toolchain = await toolchainUnderTest();
const skip =
  typeof toolchain === "string"
    ? toolchain
    : toolchain.paths.miopenDriver === null
      ? "the toolchain has no MIOpenDriver"
      : false;

describe("MIOpenDriver on the virtual device", { skip }, () => {
  const rocm = toolchain as Toolchain;
  let folder = "";
  let library = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "rdna1-driver-test-"));
    library = await cachedDevice(rocm);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** One MIOpenDriver command; `home` holds its user database and cache. */
  async function drive(
    home: string,
    compile: CompileMode,
    more: Record<string, string> = {},
    target: Target = "gfx1010",
  ): Promise<Run> {
    await mkdir(join(folder, home), { recursive: true });
    const eventLog = join(folder, home, `events-${(await readdir(join(folder, home))).length}.jsonl`);
    const env = {
      HOME: join(folder, home),
      MIOPEN_USER_DB_PATH: join(folder, home),
      MIOPEN_CUSTOM_CACHE_DIR: join(folder, home),
      MIOPEN_SYSTEM_DB_PATH: join(folder, "none"),
      ROCBLAS_TENSILE_LIBPATH: rocm.paths.rocblasLibrary ?? "",
      MIOPEN_FIND_MODE: "1",
      MIOPEN_DEBUG_CONV_WINOGRAD: "0",
      ...deviceEnvironment({ target, compile, execute: false, eventLog }),
      ...more,
    };
    const command = programCommand(rocm, rocm.paths.miopenDriver ?? "", CONVOLUTION, { preload: [library], env });
    const result = await exec.run(command, { timeoutMs: 120_000 });
    const events = parseEvents(await readFile(eventLog, "utf8").catch(() => ""));
    return { code: result.code, output: result.stdout + result.stderr, events };
  }
  const compilations = (run: Run) => run.events.filter((event) => event.event === "compile");
  const launched = (run: Run) => run.events.filter((event) => event.event === "launch").map(({ kernel }) => kernel);

  test("finds, compiles and launches naive and GEMM kernels with the real HIPRTC and rocBLAS, then from its cache", async () => {
    const first = await drive("cached", "count");
    assert.equal(first.code, 0, first.output);
    assert.deepEqual(
      compilations(first).map(({ program, result }) => [program, result]),
      [
        ["naive_conv.cpp", "success"],
        ["MIOpenIm2d2Col.cpp", "success"],
      ],
    );
    assert.ok(compilations(first).every(({ options }) => options.includes("--offload-arch=gfx1010:xnack-")));
    const kernels = launched(first);
    assert.ok(
      kernels.some((name) => name.startsWith("naive_conv_")) && kernels.some((name) => name.startsWith("Cijk_")),
    );
    assert.deepEqual(
      first.events.filter(({ event }) => event === "error" || event === "unsupported"),
      [],
    );
    const second = await drive("cached", "refuse");
    assert.equal(second.code, 0, second.output);
    assert.deepEqual(compilations(second), []);
  });

  test("compilation is refused with a line that names it, and the convolution fails", async () => {
    const run = await drive("refused", "refuse");
    assert.notEqual(run.code, 0);
    assert.match(run.output, /rdna1-device: hiprtc: compilation of naive_conv\.cpp is refused/);
    assert.ok(compilations(run).length > 0 && compilations(run).every(({ result }) => result === "refused"));
  });

  test("rocBLAS finds its kernels as gfx1011 and gfx1012 in a relabelled library folder, and not without", async () => {
    for (const target of ["gfx1011", "gfx1012"] as const) {
      const overlay = join(folder, `rocblas-${target}`);
      const { files } = await makeRocblasOverlay(rocm.paths.rocblasLibrary ?? "", TARGETS[target], overlay);
      assert.equal((await readdir(overlay)).length, files);
      const only = { MIOPEN_DEBUG_CONV_DIRECT: "0" }; // GEMM is what is left
      const run = await drive(target, "allow", { ...only, ROCBLAS_TENSILE_LIBPATH: overlay }, target);
      assert.equal(run.code, 0, run.output);
      assert.ok(launched(run).some((name) => name.startsWith("Cijk_")));
      assert.deepEqual(
        run.events.filter((event) => event.event === "module" && !event.accepted),
        [],
      );
      const without = await drive(`${target}-without`, "allow", only, target);
      assert.ok(!launched(without).some((name) => name.startsWith("Cijk_")));
      assert.match(without.output, /TensileLibrary/);
    }
  });

  test("a wrong environment ends the process before anything runs", async () => {
    for (const [name, value] of [
      ["RDNA1_DEVICE_TRAGET", "gfx1010"],
      ["RDNA1_DEVICE_COMPILE", "never"],
      ["HSA_OVERRIDE_GFX_VERSION", "10.3.0"],
    ]) {
      const run = await drive("wrong", "allow", { [name as string]: value as string });
      assert.equal(run.code, 2);
      assert.match(run.output, new RegExp(`^rdna1-device: ${name}`));
      assert.deepEqual(run.events, []);
    }
  });
});
