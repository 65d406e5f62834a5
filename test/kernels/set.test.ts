import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STOCK } from "../../src/kernels/dialect.ts";
import { loadKernelSet, readKernelSet } from "../../src/kernels/set.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

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

test("a log is taken without the lines that MIOpenDriver cannot run, each of which is named once", async (t) => {
  const file = join(await scratch(t), "log");
  const logged = (text: string) => `MIOpen(HIP): Command [Log] ./bin/MIOpenDriver ${text}`;
  const kth = logged("kthvaluefp32 -n 2 -T {2,8} -Si {8,1} -F 1");
  const text = [kth, kth, logged("reducefp -A 1 -B 0"), logged("conv -n 1 -c 4 -F 1")];
  writeFileSync(file, text.join("\n"));
  const log = recordedLog();
  const lines = await readKernelSet(file, log);
  assert.equal(lines?.length, 1);
  assert.equal(log.lines.length, 2);
  assert.match(
    log.lines.join(" "),
    /log:\d is left out, .*kthvalue has no option -n.*log:3 is left out, .*no operation reducefp/,
  );
  writeFileSync(file, kth);
  await assert.rejects(readKernelSet(file, log), /has no command/);
  writeFileSync(file, `${text.join("\n")}\nMIOpenDriver reducefp -A 1\n`);
  await assert.rejects(
    readKernelSet(file, log),
    /1 lines of .*are not understood\n.*:5: MIOpenDriver has no operation reducefp/,
  );
});
