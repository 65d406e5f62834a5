import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { STOCK } from "../../src/kernels/dialect.ts";
import { planFull } from "../../src/kernels/full.ts";
import { planProbes, randomProblems } from "../../src/kernels/probes.ts";
import { loadKernelSet, readKernelSet } from "../../src/kernels/set.ts";
import { trainingProbes, trainingSteps } from "../../src/kernels/training.ts";
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

const PATCHED = { release: "3.4", patched: true } as const;

async function digestOf(t: TestContext, text: string): Promise<string> {
  const file = join(await scratch(t), "mine.txt");
  await writeFile(file, text);
  return (await loadKernelSet(file, STOCK, await readKernelSet(file))).digest;
}

test("the digest of a set made from a file changes with each command and its variables, and with nothing else", async (t) => {
  const line = "MIOpenDriver conv -n 1 -c 4 -H 8 -W 8 -k 4 -F 1";
  const same = await digestOf(t, line);
  assert.equal(await digestOf(t, `# a comment\n${line}\n`), same);
  assert.notEqual(await digestOf(t, line.replace("-F 1", "-F 2")), same);
  assert.notEqual(await digestOf(t, `MIOPEN_FIND_MODE=2 ${line}`), same);
});

test("the digest of conv changes with the dialect, and that of a patched full set covers the steps of a training", async () => {
  const [stock, patched] = [await loadKernelSet("conv", STOCK, null), await loadKernelSet("conv", PATCHED, null)];
  assert.notEqual(stock.digest, patched.digest);
  assert.ok(stock.derived.length > 10_000 && stock.probes.length === 200);
  assert.equal((await loadKernelSet("full", STOCK, null)).probes.length, 200);
  assert.equal((await loadKernelSet("full", PATCHED, null)).probes.length, 200 + trainingProbes(PATCHED).length);
});

/** How many commands each operation has, types taken together. */
function countsOf(commands: ReturnType<typeof planFull>) {
  const counts = new Map<string, number>();
  for (const { args, family } of commands) {
    const name = /^conv/.test(args[0] ?? "") ? "convolution" : family;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

test("the full set has each of its operations", () => {
  const others = {
    ...{ pooling: 64, activation: 60, softmax: 18, lrn: 8, dropout: 2, layernorm: 12, groupnorm: 3 },
    ...{ "batchnorm inference": 12, "batchnorm per activation": 142, "tensor operation": 46 },
  };
  assert.deepEqual(countsOf(planFull(STOCK)), { convolution: 211, ...others });
  assert.deepEqual(countsOf(planFull(PATCHED)), { convolution: 186, ...others, "batchnorm training": 24 });
});

test("a training has every step in every batch, and its probes are of all batches and types", () => {
  const batchOf = ({ args }: { args: readonly string[] }) => {
    const option = args.includes("-n") ? "-n" : "-W";
    return (args[args.indexOf(option) + 1] ?? "").split("x")[0] ?? "";
  };
  const batches = (commands: ReturnType<typeof trainingSteps>) =>
    Map.groupBy(commands, ({ args }) => (args[0] ?? "").replace("fp16", ""));
  for (const [name, commands] of batches(trainingSteps(PATCHED))) {
    const counts = Map.groupBy(commands, batchOf);
    assert.deepEqual([...counts.keys()].sort(), ["1", "2", "32", "7"], name);
    assert.equal(new Set([...counts.values()].map((list) => list.length)).size, 1, name);
  }
  const probes = trainingProbes(PATCHED);
  assert.equal(trainingSteps(PATCHED).length, 3480);
  assert.equal(probes.length, 387);
  const convolutions = probes.filter(({ args }) => /^conv/.test(args[0] ?? ""));
  const cells = new Set(convolutions.map((probe) => `${probe.args[0]} ${batchOf(probe)}`));
  assert.equal(cells.size, 8);
});

test("every eighth probe names the naive solver, and no channels-last probe leaves its layout open", () => {
  const named = planProbes(200, 1).map(({ args }) => args.some((one) => one.startsWith("ConvDirectNaiveConv")));
  assert.ok(named.every((is, index) => index % 8 !== 7 || is));
  const last = randomProblems(3000, 9).filter(({ layout }) => layout.endsWith("C"));
  assert.ok(last.length > 100 && last.every(({ c, input }) => c > 1 || input.at(-1) !== 1));
});
