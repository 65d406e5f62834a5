import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompiledMiopen } from "../../src/miopen/compile/stage.ts";
import { refuseStartedCompiler } from "../../src/miopen/stage.ts";
import { withMiopen } from "../../src/miopen/with-miopen.ts";
import { programCommand } from "../../src/toolchain/toolchain.ts";
import { sampleToolchain } from "../release/sample.ts";

const toolchain = { ...sampleToolchain("/rocm"), ensureSound: async () => {} };
const compiled = (digest: string): CompiledMiopen => ({
  ...{
    prefix: "/cache/prefix",
    library: "lib/libMIOpen.so.1",
    driver: "bin/MIOpenDriver",
    bytes: 1,
    digest,
    needed: [],
  },
  ...{ version: "3.4.0", patches: [], series: { patches: [], version: 1, folders: [], digest: "s" } },
  source: { packed: "", files: new Set(), version: "3.4.0", digest: "c", origin: "" },
});

test("runs the compiled driver with the compiled library before the toolchain's own", () => {
  const running = withMiopen(
    { ...toolchain, paths: { ...toolchain.paths, libraryPath: ["/rocm/lib"] } },
    compiled("a"),
  );
  assert.equal(running.miopenVersion, "3.4.0");
  const command = programCommand(running, running.paths.miopenDriver ?? "", ["conv"]);
  assert.equal(command.file, "/cache/prefix/bin/MIOpenDriver");
  assert.equal(command.env.LD_LIBRARY_PATH, "/cache/prefix/lib:/rocm/lib");
});

test("keeps every later result as long as library and driver are the same bytes", () => {
  assert.equal(withMiopen(toolchain, compiled("a")).digest, withMiopen(toolchain, compiled("a")).digest);
  assert.notEqual(withMiopen(toolchain, compiled("a")).digest, withMiopen(toolchain, compiled("b")).digest);
  assert.notEqual(withMiopen(toolchain, compiled("a")).digest, toolchain.digest);
});

test("refuses the one MIOpen that starts a compiler which an unpacked tree has not", () => {
  const old = { ...toolchain, kind: "debian" as const, rocmVersion: "6.4.3", miopenVersion: "3.4.0" };
  assert.throws(() => refuseStartedCompiler(old), { kind: "user", message: /ROCm 6\.4\.3 in Debian/ });
  refuseStartedCompiler({ ...old, rocmVersion: "7.2.4", miopenVersion: "3.5.1" });
  refuseStartedCompiler({ ...old, kind: "system" });
});
