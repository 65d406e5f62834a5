import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceEnvironment } from "../../src/device/device.ts";
import { parseEvents } from "../../src/device/events.ts";
import { hipOperations, stubAssembly } from "../../src/device/stubs.ts";

test("the environment names every property of the card", () => {
  const plain = { target: "gfx1012", compile: "refuse", execute: false, eventLog: "/tmp/e" } as const;
  assert.deepEqual(deviceEnvironment(plain), {
    RDNA1_DEVICE_TARGET: "gfx1012",
    RDNA1_DEVICE_WGPS: "12",
    RDNA1_DEVICE_MEMORY: "8589934592",
    RDNA1_DEVICE_COMPILE: "refuse",
    RDNA1_DEVICE_EXECUTE: "off",
    RDNA1_DEVICE_LOG: "/tmp/e",
  });
  const small = deviceEnvironment({
    ...{ target: "gfx1010", wgps: 18, memoryBytes: 4096, compile: "count", eventLog: null },
    ...{ execute: true, jobs: 2, strict: true, waves: "descending" },
  });
  assert.equal(small.RDNA1_DEVICE_WAVES, "descending");
  assert.deepEqual([small.RDNA1_DEVICE_EXECUTE, small.RDNA1_DEVICE_JOBS, small.RDNA1_DEVICE_STRICT], ["on", "2", "1"]);
  assert.equal(small.RDNA1_DEVICE_WGPS, "18");
  assert.equal(small.RDNA1_DEVICE_MEMORY, "4096");
  assert.equal("RDNA1_DEVICE_LOG" in small, false);
});

test("a line that its writer did not finish is left out, anything else that is no event is an error", () => {
  const line = '{"event":"unload","pid":1,"ms":2.5,"md5":"x"}\n';
  assert.deepEqual(parseEvents(`${line}{"event":"unl`), [{ event: "unload", pid: 1, ms: 2.5, md5: "x" }]);
  assert.deepEqual(parseEvents(""), []);
  assert.throws(() => parseEvents(`${line}\n${line}`), /line 2 /);
  assert.throws(() => parseEvents('{"pid":1}\n'), /line 1 /);
});

test("HIP operations are told from other symbols, versions dropped", () => {
  const names = [
    "hipMalloc@@hip_4.2",
    "__hipRegisterVar",
    "hiprtcCompileProgram",
    "hip_4.2",
    "_Z3fooP3hip",
    "amd_dbgapi_get_git_hash",
  ];
  const mangled = "_Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_t";
  assert.deepEqual(hipOperations([...names, mangled, "hipMalloc"].join("\n")), [
    mangled,
    "__hipRegisterVar",
    "hipMalloc",
  ]);
});

test("every operation gets a weak entry point that names it; those without an error code end the process", () => {
  const assembly = stubAssembly(["hipApiName", "hipGraphCreate"]);
  assert.match(
    assembly,
    /\.weak hipGraphCreate\n[^.]*\.type hipGraphCreate,@function\nhipGraphCreate:\n {2}leaq \.Lname1.*\n {2}jmp rdna1Unsupported@PLT/,
  );
  assert.match(assembly, /hipApiName:\n.*\n {2}jmp rdna1UnsupportedFatal@PLT/);
  assert.match(assembly, /\.Lname1: \.asciz "hipGraphCreate"/);
});
