import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { parseEvents } from "../../src/device/events.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { cachedWitness } from "../device/sim/builds.ts";
import { exec, hostCompiler, must, scratch, toolchainUnderTest } from "../device/support.ts";

const toolchain = await toolchainUnderTest();
const compiler = await hostCompiler();
const skip =
  typeof toolchain === "string" ? toolchain : compiler === null ? "there is no C++ compiler for the fixtures" : false;

describe("the witness before a HIP runtime", { skip }, () => {
  const rocm = toolchain as Toolchain;
  let witness = "";
  before(async () => {
    witness = await cachedWitness(rocm);
  });

  const start = (program: string, env: Record<string, string>, libraryPath: readonly string[] = []) =>
    exec.run(programCommand(rocm, program, [], { preload: [witness], env, libraryPath }), { timeoutMs: 60_000 });

  test("refuses to compile, but for the runtime, which makes kernels of its own when it starts", async (t) => {
    const folder = await scratch(t);
    const source = join(import.meta.dirname, "compilers.cpp");
    const build = (out: string, ...flags: string[]) =>
      must(compiler ?? "", [
        "-std=c++20",
        "-O2",
        "-fno-optimize-sibling-calls",
        source,
        "-o",
        join(folder, out),
        ...flags,
      ]);
    const shared = ["-shared", "-fPIC", `-L${folder}`];
    await build("libfakecomgr.so", "-DCOMGR", ...shared);
    await build(
      "libamdhip64.so.7",
      "-DOWNER=compileAsRuntime",
      ...shared,
      "-Wl,-soname,libamdhip64.so.7",
      "-lfakecomgr",
    );
    await build("libprogram.so", "-DOWNER=compileAsProgram", ...shared, "-lfakecomgr");
    await build("program", `-L${folder}`, "-l:libamdhip64.so.7", "-lprogram", "-lfakecomgr");
    const log = join(folder, "log.jsonl");
    const env = { RDNA1_WITNESS_TARGET: "gfx1010", RDNA1_WITNESS_LOG: log };
    const { code, stdout, stderr } = await start(join(folder, "program"), env, [folder]);
    assert.deepEqual([code, stdout], [0, "0 1 0\n"], stderr);
    assert.match(stderr, /^rdna1-witness: comgr: compilation of .* is refused$/m);
    const events = parseEvents(await readFile(log, "utf8"));
    assert.deepEqual(
      events.map((event) => (event.event === "compile" ? event.result : event.event)),
      ["start", "refused"],
    );
  });

  for (const [name, value, message] of [
    ["HSA_OVERRIDE_GFX_VERSION", "10.3.0", /makes an RDNA1 card pose as another one/],
    ["RDNA1_WITNESS_TARGET", "gfx1030", /allowed: gfx1010, gfx1011, gfx1012/],
    ["RDNA1_WITNESS_EXECUTE", "maybe", /allowed: on, off/],
    ["RDNA1_WITNESS_LOG", "/no/such/folder/log", /event log: cannot open/],
  ] as const) {
    test(`ends a process under ${name}=${value} before anything runs`, async (t) => {
      const program = join(await scratch(t), "true");
      await copyFile("/bin/true", program);
      const { code, stderr } = await start(program, { RDNA1_WITNESS_TARGET: "gfx1010", [name]: value });
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});
