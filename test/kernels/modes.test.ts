import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DriverCommand } from "../../src/kernels/commands.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { asApplications, INSTALLED_FIND_MODE } from "../../src/kernels/modes.ts";
import { loadKernelSet } from "../../src/kernels/set.ts";
import { activateScript } from "../../src/release/activate.ts";
import { planRows } from "../../src/verify/plan.ts";
import { scratch } from "../toolchain/helpers.ts";

const line = (text: string, env?: Record<string, string>): DriverCommand => ({
  ...{ args: text.split(" "), family: "mine" },
  ...(env === undefined ? {} : { env }),
});
const beside = (...lines: DriverCommand[]) => asApplications(lines, STOCK);

test("the find mode that lines are run in is the one that activate sets", () => {
  const script = activateScript({ name: "x", buildId: "y", prefix: "/z", needs: null });
  assert.match(script, new RegExp(`set MIOPEN_FIND_MODE ${INSTALLED_FIND_MODE}\n`));
});

test("a convolution is also run in the find mode of activate, with its own variables, and once with the naive solver", () => {
  const [mode, naive, ...more] = beside(line("convfp16 -n 1 -F 1", { MIOPEN_DEBUG_CONV_GEMM: "0" }));
  assert.deepEqual(mode?.env, { MIOPEN_DEBUG_CONV_GEMM: "0", MIOPEN_FIND_MODE: "2" });
  assert.deepEqual(mode?.args, ["convfp16", "-n", "1", "-F", "1"]);
  assert.deepEqual([naive?.args[0], ...(naive?.args.slice(-2) ?? [])], ["convfp16", "-S", "ConvDirectNaiveConvFwd"]);
  assert.equal(more.length, 0);
});

test("the naive solver is run once for each type that occurs, other operations are left as they are", () => {
  const all = beside(line("conv -n 1"), line("conv -n 2"), line("convint8 -n 1 -F 1"), line("pool -F 1"));
  assert.deepEqual(
    all.map(({ args, env }) => [args[0], env?.MIOPEN_FIND_MODE ?? "-S"]),
    [
      ["conv", "2"],
      ["conv", "2"],
      ["convint8", "2"],
      ["conv", "-S"],
      ["convint8", "-S"],
    ],
  );
  assert.deepEqual(beside(line("pool -F 1"), line("softmax -n 1")), []);
});

test("pooling and dropout are also run forward where a line goes back, once", () => {
  const [pool, dropout, ...more] = beside(line("pool -F 2 -y 2"), line("dropoutfp16 --forw 2"), line("softmax -F 2"));
  assert.deepEqual(pool?.args, ["pool", "-y", "2", "-F", "0"]);
  assert.deepEqual(dropout?.args, ["dropoutfp16", "-F", "0"]);
  assert.equal(more.length, 0);
});

test("nothing is run twice: lines that name their solver or mode", () => {
  const solver = line("conv -n 1 -F 1 -S GemmFwdRest");
  const mode = line("conv -n 1 -F 1", { MIOPEN_FIND_MODE: "2" });
  assert.deepEqual(
    beside(solver, mode).map(({ args }) => args.at(-1)),
    ["ConvDirectNaiveConvFwd"],
  );
});

test("a set from a file harvests and runs them, and proves the lines alone", async (t) => {
  const file = join(await scratch(t), "mine.txt");
  writeFileSync(file, "MIOpenDriver conv -n 1 -c 4 -k 4 -H 8 -W 8 -F 1\n");
  const set = await loadKernelSet(file, STOCK);
  assert.equal(set.commands.length, 3);
  assert.ok(set.commands.every(({ args }) => args.join(" ").includes("-V 0")));
  const lines = { ...set, commands: set.commands.slice(0, 1) };
  const everything = new Set<string>();
  assert.deepEqual(planRows(set, everything, "gfx1010"), planRows(lines, everything, "gfx1010"));
});
