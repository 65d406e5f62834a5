import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  asked,
  gemm,
  launches,
  naive,
  PatchedMiopen,
  patchedMiopen,
  QUICK,
  RDNA1,
  SMALL,
  searched,
} from "./patched.ts";

const found = await patchedMiopen();
const skip = typeof found === "string" ? found : false;

describe("the choice of solvers by the patched MIOpen", { skip }, () => {
  let miopen: PatchedMiopen;
  before(async () => {
    assert.ok(typeof found !== "string");
    miopen = await PatchedMiopen.start(found);
  });
  after(() => miopen?.end());

  describe("Find", () => {
    test("launches nothing but the chosen solver on RDNA1, and searches elsewhere", async () => {
      for (const card of RDNA1) {
        const run = await miopen.succeed(`conv ${SMALL}`, { card });
        assert.ok(!searched(run) && naive(run) === 0 && gemm(run) > 0, `${card}\n${launches(run).join("\n")}`);
      }
      const other = await miopen.drive(`conv ${SMALL}`, { card: "gfx1030" });
      assert.ok(asked(other).includes("naive_conv.cpp")); // which only a search asks for
    });

    test("searches on RDNA1 when it is asked to", async () => {
      for (const env of [
        { MIOPEN_FIND_MODE: "1" },
        { MIOPEN_FIND_MODE: "3" },
        { MIOPEN_FIND_MODE: "5" },
        { MIOPEN_RDNA1_ALLOW_FIND: "1" },
      ]) {
        const run = await miopen.succeed(`conv ${SMALL}`, { env: { ...env } as Record<string, string> });
        assert.ok(searched(run) && naive(run) > 0 && gemm(run) > 0, JSON.stringify(env));
      }
      const fast = await miopen.succeed(`conv ${SMALL}`, { env: { MIOPEN_FIND_MODE: "2" } });
      assert.ok(!searched(fast) && naive(fast) === 0);
    });

    test("agrees with the workspace query, and takes what the workspace allows", async () => {
      const [gemmAlgorithm, direct] = ["0", "1"];
      for (const [problem, needs] of [
        ["1 8 14 14 8 3 1 1 1 1", true],
        ["2 8 14 14 8 3 2 1 1 1", true],
        ["1 8 20 20 8 3 1 0 2 1", true],
        ["1 8 14 14 8 3 1 1 1 4", true],
        ["1 8 14 14 8 1 1 0 1 1", false],
      ] as const) {
        for (const workspace of ["asked", "none"] as const) {
          const run = await miopen.find(problem, workspace);
          const label = `${problem} ${workspace}\n${run.output.slice(-3000)}`;
          const asked = /^query (\d+)$/m.exec(run.output)?.[1] ?? "";
          const [, algorithm, bytes] = /^found (\d) (\d+)$/m.exec(run.output) ?? [];
          assert.equal(Number(asked) > 0, needs, label);
          const byNaive = needs && workspace === "none";
          assert.deepEqual([algorithm, bytes], byNaive ? [direct, "0"] : [gemmAlgorithm, asked], label);
          assert.match(run.output, /^ran 0$/m, label);
          assert.ok(!searched(run) && (byNaive ? gemm(run) : naive(run)) === 0, label);
        }
      }
    });

    test("computes the right result in every mode, with workspace and without", async () => {
      for (const mode of [null, "1", "2", "3", "5"]) {
        for (const problem of [
          "2 4 9 8 6 3 1 1 1 1",
          "1 4 9 9 6 3 2 1 1 2",
          "1 4 12 11 4 3 1 0 2 1",
          "3 4 7 6 6 1 1 0 1 1",
        ]) {
          for (const workspace of ["asked", "none"] as const) {
            const env = { RDNA1_TEST_COMPARE: "1", ...(mode === null ? {} : { MIOPEN_FIND_MODE: mode }) };
            const run = await miopen.find(problem, workspace, "-", { env, execute: true });
            const label = `${mode} ${problem} ${workspace}\n${run.output.slice(-2000)}`;
            assert.match(run.output, /^ran 0\nwrong 0$/m, label);
            if (mode === null || mode === "2") assert.ok(!searched(run), label);
          }
        }
      }
    });

    test("searches when a mode is set through the API, but for the default, which a program may have asked for and sets back", async () => {
      for (const [mode, env, searches] of [
        ["1", {}, true],
        ["3", {}, true],
        ["5", {}, false],
        ["5", { MIOPEN_FIND_MODE: "5" }, true],
      ] as const) {
        const run = await miopen.find("1 8 14 14 8 3 1 1 1 1", "asked", mode, { env });
        const label = `${mode} ${JSON.stringify(env)}\n${run.output.slice(-3000)}`;
        assert.deepEqual([searched(run), /^ran 0$/m.test(run.output)], [searches, true], label);
      }
    });

    test("honours a forced solver", async () => {
      const env = { MIOPEN_DEBUG_FIND_ONLY_SOLVER: "ConvDirectNaiveConvFwd" };
      const run = await miopen.succeed(`conv ${SMALL}`, { env });
      assert.ok(naive(run) > 0 && gemm(run) === 0, launches(run).join("\n"));
    });

    test("gives dilated convolutions the workspace of GEMM, in a search too", async () => {
      const dilated = `conv -n 1 -c 8 -H 20 -W 20 -k 8 -y 3 -x 3 -l 2 -j 2 -F 1 ${QUICK}`;
      for (const mode of ["1", "2"]) {
        const run = await miopen.succeed(dilated, { env: { MIOPEN_FIND_MODE: mode } });
        assert.ok(gemm(run) > 0, `mode ${mode}: ${launches(run).join("\n")}`);
      }
    });

    test("asks for no Winograd kernel on RDNA1 unless MIOPEN_RDNA1_WINOGRAD=1", async () => {
      for (const card of RDNA1) {
        for (const [kind, direction] of [
          ["conv", "1"],
          ["conv", "2"],
          ["conv", "4"],
          ["convfp16", "1"],
        ] as const) {
          const command = `${kind} ${SMALL.replace("-F 1", `-F ${direction}`).replaceAll(" 8 ", " 32 ")}`;
          const env = { MIOPEN_FIND_MODE: "1", MIOPEN_DEBUG_CONV_FFT: "0" };
          const run = await miopen.succeed(command, { card, env });
          assert.doesNotMatch(run.output, /binary for: "?Conv_Winograd|Winograd\w*: Success/i, `${card} ${command}`);
        }
      }
      const env = { MIOPEN_FIND_MODE: "1", MIOPEN_RDNA1_WINOGRAD: "1" };
      const asked = await miopen.drive(`conv ${SMALL.replaceAll(" 8 ", " 32 ")}`, { env });
      assert.match(asked.output, /Conv_Winograd/);
    });
  });

  describe("GEMM", () => {
    test("is left out with one warning when rocBLAS has no kernels for the card", async () => {
      const env = { ROCBLAS_TENSILE_LIBPATH: miopen.systemDatabases };
      for (const more of [{}, { MIOPEN_FIND_MODE: "1" }]) {
        const run = await miopen.succeed(`conv ${SMALL}`, { card: "gfx1011", env: { ...env, ...more } });
        assert.ok(naive(run) > 0 && gemm(run) === 0);
        assert.equal(run.output.match(/rocBLAS has no kernels for gfx1011/g)?.length, 1);
      }
    });

    test("is left out on gfx1012 where it would be a GEMV", async () => {
      const pixel = `conv -n 1 -c 8 -H 3 -W 3 -k 8 -y 3 -x 3 -F 1 ${QUICK}`;
      const run = await miopen.succeed(pixel, { card: "gfx1012" });
      assert.doesNotMatch(run.output, /the offload bundle has no object/);
      assert.ok(naive(run) > 0);
    });
  });
});
