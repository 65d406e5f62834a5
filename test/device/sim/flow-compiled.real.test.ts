import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { programCommand, type Toolchain } from "../../../src/toolchain/toolchain.ts";
import { exec, toolchainUnderTest } from "../support.ts";
import { deviceProgram } from "./builds.ts";

const toolchain = await toolchainUnderTest();
const library = typeof toolchain === "string" ? null : toolchain.paths.rocblasLibrary;
const objects = library === null ? [] : (await readdir(library)).filter((name) => /gfx1010.*\.hsaco$/.test(name));
const skip =
  process.env.RDNA1_TEST_FULL !== "1"
    ? "compiles the whole device once more; set RDNA1_TEST_FULL=1"
    : typeof toolchain === "string"
      ? toolchain
      : objects.length === 0
        ? "there are no gfx1010 objects of rocBLAS"
        : false;

describe("the checks of paths on compiled kernels", { skip }, () => {
  async function walk(flags: readonly string[], names: readonly string[]): Promise<string[]> {
    const rocm = toolchain as Toolchain;
    const program = await deviceProgram(rocm, join(import.meta.dirname, "walk-paths.cpp"));
    const files = names.map((name) => join(rocm.paths.rocblasLibrary ?? "", name));
    const result = await exec.run(
      programCommand(rocm, program, [...flags, ...files], { env: { RDNA1_DEVICE_TARGET: "gfx1010" } }),
      { timeoutMs: 300_000 },
    );
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trimEnd().split("\n");
  }

  test("say nothing of any path through rocBLAS' kernels, strict or not", async (t) => {
    for (const flags of [[], ["--strict"]]) {
      const lines = await walk(flags, objects);
      t.diagnostic(`${flags.join("")} ${lines.at(-1)} in ${objects.length} objects`);
      assert.match(lines.at(-1) ?? "", /^walked \d{3,} \d{4,}$/);
      assert.deepEqual(lines.slice(0, -1), []);
    }
  });

  test("notice each wait that is taken out of a kernel", async (t) => {
    const names = objects.filter((name) => /_Type_SS_|Kernels/.test(name)).slice(0, 2);
    const [, waits, missed] = (await walk(["--drop-waits"], names)).at(-1)?.split(" ").map(Number) ?? [];
    t.diagnostic(`${waits} waits taken out one at a time, ${missed} not noticed`);
    assert.ok(waits !== undefined && missed !== undefined && waits >= 100);
    assert.ok(missed <= waits / 50);
  });
});
