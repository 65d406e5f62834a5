import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { STOCK } from "../../src/kernels/dialect.ts";
import { loadKernelSet, readKernelSet } from "../../src/kernels/set.ts";
import { scratch } from "../toolchain/helpers.ts";

test("a kernel set may come through a pipe, which can be read once", async (t) => {
  const pipe = join(await scratch(t), "lines");
  await once(spawn("mkfifo", [pipe]), "close");
  spawn("sh", ["-c", `echo MIOpenDriver pool -W 1x4x8x8 -F 1 > ${pipe}`]);
  const lines = await readKernelSet(pipe);
  const { commands } = await loadKernelSet(pipe, STOCK, lines);
  assert.deepEqual(
    commands.map(({ args }) => args[0]),
    ["pool"],
  );
});

test("a set of ours is no file", async () => assert.equal(await readKernelSet("conv"), null));
