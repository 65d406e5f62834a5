import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { deviceEnvironment, virtualDevice } from "../../src/device/device.ts";
import { type DeviceEvent, parseEvents } from "../../src/device/events.ts";
import { bunzipFor } from "../../src/kernels/bunzip.ts";
import { checkRows, readRows } from "../../src/kernels/database.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { im2d2colKey, im2d2colShape } from "../../src/kernels/im2col.ts";
import { columnsToImageKey, setTensorKey } from "../../src/kernels/keys.ts";
import { driverCommand, driverPlaces, makeDriverPlaces } from "../../src/miopen/driver.ts";
import { programCommand, type Toolchain } from "../../src/toolchain/toolchain.ts";
import { im2colCase, type ProverCase, planText, volumeValues } from "../../src/verify/prover-plan.ts";
import { readProblems } from "../../src/verify/read-problem.ts";
import { cachedDevice, cachedProver } from "../device/sim/builds.ts";
import { exec, toolchainUnderTest } from "../device/support.ts";

type Launch = Extract<DeviceEvent, { event: "launch" }>;

const toolchain = await toolchainUnderTest();
const skip =
  typeof toolchain === "string"
    ? toolchain
    : toolchain.paths.miopenDriver === null
      ? "the toolchain has no MIOpenDriver"
      : false;

/** Commands whose only kernel of MIOpen's own is the one that the prover runs too. */
const COMMANDS = {
  Im2d2Col_v2: [
    "conv -n 2 -c 4 -H 8 -W 8 -k 5 -y 3 -x 3 -p 1 -q 1 -F 1 -S GemmFwdRest",
    "convfp16 -n 1 -c 3 -H 40 -W 71 -k 2 -y 5 -x 2 -p 2 -q 0 -u 2 -v 3 -l 2 -j 2 -F 1 -S GemmFwdRest",
    "convbfp16 -n 1 -c 6 -H 90 -W 90 -k 2 -y 13 -x 13 -u 4 -v 4 -l 4 -j 4 -F 1 -S GemmFwdRest",
    "conv -n 1 -c 8 -H 9 -W 7 -k 2 -y 4 -x 2 -F 1 -S GemmFwdRest",
  ],
  Col2Im3dU: [
    "conv -n 1 -c 3 -_ 3 -! 5 -H 9 -W 8 -k 2 -@ 2 -y 3 -x 1 -# 2 -u 1 -v 1 -$ 0 -p 1 -q 0 -F 2 -S GemmBwdRest",
  ],
  SubTensorOpWithScalar1d: [
    "conv -n 1 -c 300 -H 2 -W 3 -k 300 -y 1 -x 1 -F 4 -S GemmWrw1x1_stride1",
    "convfp16 -n 1 -c 3 -H 2 -W 3 -k 3 -y 1 -x 1 -F 4 -S GemmWrw1x1_stride1",
  ],
} as const;

describe("the prover launches kernels as MIOpen does", { skip }, () => {
  const rocm = toolchain as Toolchain;
  let folder = "";
  let device = "";
  let prover = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "rdna1-prover-test-"));
    [device, prover] = [await cachedDevice(rocm), await cachedProver(rocm)];
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The first launch of a kernel in a MIOpenDriver run, which compiles it, and the kernel's object. */
  async function driven(command: string, kernel: string): Promise<Launch> {
    await makeDriverPlaces(folder);
    const setup = {
      ...({
        toolchain: rocm,
        device: virtualDevice(device),
        target: "gfx1010",
        compile: "allow",
        execute: false,
        folder,
      } as const),
      ...{ systemDatabases: join(folder, "none"), events: true, rocblasLibrary: rocm.paths.rocblasLibrary ?? "" },
    };
    const { events } = driverPlaces(folder);
    await rm(events, { force: true });
    const result = await exec.run(driverCommand(setup, [...command.split(" "), "-V", "0", "-i", "1"]));
    const launch = (await launches(events)).find((one) => one.kernel === kernel);
    assert.ok(launch, `${result.stdout}${result.stderr}`);
    return launch;
  }

  async function launches(file: string): Promise<Launch[]> {
    return parseEvents(await readFile(file, "utf8")).filter((event) => event.event === "launch");
  }

  /** The prover's launch of one case, with any object that has the kernel: nothing is executed. */
  async function proved(one: ProverCase, object: Buffer): Promise<Launch> {
    const [plan, objects, log] = ["plan.txt", "objects.bin", "prover.jsonl"].map((name) => join(folder, name));
    assert.ok(plan && objects && log);
    await writeFile(objects, object);
    const places = new Map([["x", { offset: 0, bytes: object.length }]]);
    await writeFile(plan, planText([{ name: "", hash: "x", keys: [], cases: [one] }], places));
    await rm(log, { force: true });
    const env = deviceEnvironment({ target: "gfx1010", compile: "refuse", execute: false, eventLog: log });
    const result = await exec.run(programCommand(rocm, prover, [plan, objects], { preload: [device], env }));
    const [launch] = await launches(log);
    assert.ok(launch, result.stdout + result.stderr);
    return launch;
  }

  /** Arguments without the addresses, which differ from run to run. */
  function shown({ kernel, grid, block, arguments: bytes = "" }: Launch, addresses: readonly number[], size: number) {
    const text = addresses.reduce(
      (all, at) => `${all.slice(0, at * 2)}${"p".repeat(16)}${all.slice(at * 2 + 16)}`,
      bytes,
    );
    return { kernel, grid, block, arguments: text.slice(0, size * 2) };
  }

  for (const command of COMMANDS.Im2d2Col_v2) {
    test(`Im2d2Col of ${command}`, async () => {
      const [problem] = readProblems(command.split(" ")) ?? [];
      assert.ok(problem);
      const miopen = await driven(command, "Im2d2Col_v2");
      const key = im2d2colKey(problem.type, im2d2colShape(problem));
      const ours = await proved(im2colCase(key, problem, { turn: 0, dialect: STOCK }), await objectOf("Im2d2Col_v2"));
      assert.deepEqual(shown(ours, [8, 72], 100), shown(miopen, [8, 72], 100));
    });
  }

  for (const command of COMMANDS.Col2Im3dU) {
    test(`Col2Im3d of ${command}`, async () => {
      const [problem] = readProblems(command.split(" ")) ?? [];
      assert.ok(problem);
      const miopen = await driven(command, "Col2Im3dU");
      const key = columnsToImageKey(problem.type, 3, 1);
      const values = { ...volumeValues(problem, STOCK), which: 0 };
      const one: ProverCase = { key, kind: "col2im3d", type: problem.type, values, text: "" };
      const ours = await proved(one, await objectOf("Col2Im3dU"));
      assert.deepEqual(shown(ours, [0, 88], 104), shown(miopen, [0, 88], 104));
    });
  }

  for (const command of COMMANDS.SubTensorOpWithScalar1d) {
    test(`SetTensor of ${command}`, async () => {
      const [problem] = readProblems(command.split(" ")) ?? [];
      assert.ok(problem);
      const miopen = await driven(command, "SubTensorOpWithScalar1d");
      const length = problem.c * problem.k;
      const threads = Math.min(65536, 2 ** Math.ceil(Math.log2(length)));
      const values = { length, offset: 0, stride: 1, value: 0, threads };
      const key = setTensorKey(problem.type, length);
      const one: ProverCase = { key, kind: "setTensor", type: problem.type, values, text: "" };
      const ours = await proved(one, await objectOf("SubTensorOpWithScalar1d"));
      assert.deepEqual(shown(ours, [0], 24), shown(miopen, [0], 24));
    });
  }

  /** The object that the last MIOpenDriver run loaded for a kernel, from the user database that it was stored in. */
  async function objectOf(kernel: string): Promise<Buffer> {
    const { userCache, events } = driverPlaces(folder);
    const names = await readdir(userCache, { recursive: true });
    const file = join(userCache, names.find((name) => name.endsWith(".ukdb")) ?? "none");
    const rows = await checkRows(file, readRows(file), bunzipFor(rocm));
    const hash = (await launches(events)).find((one) => one.kernel === kernel)?.module;
    return rows.find((row) => row.hash === hash)?.object ?? assert.fail(`no object for ${kernel}`);
  }
});
