import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  asked,
  gemm,
  keys,
  launches,
  naive,
  PatchedMiopen,
  patchedMiopen,
  RDNA1,
  type Run,
  type RunOptions,
  SMALL,
} from "./patched.ts";

const found = await patchedMiopen();
const skip = typeof found === "string" ? found : false;

describe("the patched MIOpen on the virtual device", { skip }, () => {
  let miopen: PatchedMiopen;
  before(async () => {
    assert.ok(typeof found !== "string");
    miopen = await PatchedMiopen.start(found);
  });
  after(() => miopen?.end());

  /** Executed, compared with the CPU by MIOpenDriver, with `verdicts` agreements and no fault. */
  async function correct(command: string, verdicts: number, options: RunOptions = {}): Promise<Run> {
    const run = await miopen.succeed(command, { ...options, execute: true });
    const agreed = run.output.match(/Verifies(?: OK)? on (?:CPU|GPU)/g) ?? [];
    assert.ok(agreed.length >= verdicts, `${command}: ${agreed.length} of ${verdicts}\n${run.output.slice(-3000)}`);
    assert.doesNotMatch(run.output, /FAILED/);
    assert.deepEqual(
      run.events.filter(({ event }) => event === "fault" || event === "error"),
      [],
      command,
    );
    return run;
  }

  describe("an RDNA1 card that poses as gfx1030", () => {
    for (const [name, id, version, chip] of [
      ["an RX 5700 XT by its PCI id", "0x731f", null, "gfx1010"],
      ["a Pro V520 by its PCI id", "0x7362", null, "gfx1011"],
      ["an RX 5500 XT by its PCI id", "0x7340", null, "gfx1012"],
      ["one that only the KFD shows", null, 100102, "gfx1012"],
    ] as const) {
      test(`is refused: ${name}`, async () => {
        const env = await miopen.sysfs(`refused-${chip}-${id}`, id, version);
        const run = await miopen.drive(`conv ${SMALL}`, { card: "gfx1030", env });
        assert.match(run.output, new RegExp(`GPU 0 is RDNA1 \\(${chip}\\), but this process runs it as gfx1030`));
        assert.deepEqual([launches(run), asked(run)], [[], []]);
        assert.notEqual(run.code, 0);
      });
    }

    test("runs with one warning when MIOPEN_RDNA1_ALLOW_SPOOF=1", async () => {
      const env = { ...(await miopen.sysfs("allowed", "0x731f", null)), MIOPEN_RDNA1_ALLOW_SPOOF: "1" };
      const run = await miopen.drive(`conv ${SMALL}`, { card: "gfx1030", env });
      assert.equal(run.output.match(/Warning.*is RDNA1 \(gfx1010\)/g)?.length, 1);
      assert.ok(asked(run).length > 0);
    });

    test("is not suspected in another card, in its own name, or where sysfs is missing", async () => {
      const other = await miopen.sysfs("other", "0x73bf", 100300);
      for (const env of [other, {}]) {
        const run = await miopen.drive(`conv ${SMALL}`, { card: "gfx1030", env });
        assert.ok(asked(run).length > 0 && !/is RDNA1/.test(run.output));
      }
      await miopen.succeed(`conv ${SMALL}`, { env: await miopen.sysfs("own", "0x731f", 100100) });
    });
  });

  test("host memory is non-coherent on RDNA1 and goes back with hipHostFree", async () => {
    // MIOpen allocates a little for each check of numerics, on the host when the device is full
    const env = { MIOPEN_CHECK_NUMERICS: "1", MIOPEN_DEBUG_CONV_GEMM: "0", RDNA1_TEST_FILL: "1" };
    for (const [card, flags] of [...RDNA1.map((name) => [name, 0x80000000] as const), ["gfx1030", 0]] as const) {
      const run = await miopen.find("1 8 14 14 8 3 1 1 1 1", "asked", "-", { card, env, memoryBytes: 2 ** 28 });
      assert.match(run.output, /^ran 0\nagain 0$/m, run.output.replaceAll(/^.*Info2?.*$/gm, "").slice(-6000));
      const host = run.events.flatMap((event) => (event.event === "alloc" && event.kind === "host" ? [event] : []));
      assert.ok(host.length > 0, run.output.slice(-2000));
      assert.deepEqual([...new Set(host.map((event) => event.flags >>> 0))], [flags], card);
      const freed = run.events.filter((event) => event.event === "free" && event.api === "hipHostFree");
      assert.equal(freed.length, host.length);
    }
  });

  describe("batch norm in training", () => {
    const sizes = [
      "-n 7 -c 5 -H 9 -W 7",
      "-n 2 -c 3 -H 40 -W 33",
      "-n 3 -c 33 -H 4 -W 4 -L NHWC",
      "-n 2 -c 3 -D 2 -H 5 -W 6",
    ];

    test("agrees with the CPU, forward and backward, with one kernel for all shapes", async () => {
      for (const card of [...RDNA1]) {
        const asked = new Set<string>();
        for (const [index, size] of sizes.entries()) {
          const compile = index === 0 ? "count" : "refuse";
          const options = { card, home: `bnorm-${card}`, compile, ownCache: true } as const;
          for (const more of ["-F 1 -s 1 -r 1", "-F 1", "-b 1 -s 1", "-b 1"]) {
            const run = await correct(`bnorm ${size} -m 1 ${more} -V 1 -t 0 -i 1`, 1, options);
            for (const key of keys(run, "MIOpenBatchNormRdna1.cpp")) asked.add(key);
          }
        }
        assert.equal(asked.size, 1, [...asked].join("\n"));
      }
    });

    test("agrees with the CPU in the stock solvers too", async () => {
      const env = { MIOPEN_RDNA1_BATCHNORM: "0" };
      for (const more of ["-F 1 -s 1 -r 1", "-b 1 -s 1"]) {
        const run = await correct(`bnorm -n 4 -c 3 -H 9 -W 7 -m 1 ${more} -V 1 -t 0 -i 1`, 1, { env });
        assert.deepEqual(keys(run, "MIOpenBatchNormRdna1.cpp"), []);
      }
    });
  });

  test("batch norm per activation, backward, agrees with the CPU", async () => {
    for (const saved of ["-s 1", "-s 0"]) {
      await correct(`bnorm -n 2 -c 6 -H 10 -W 9 -m 0 -F 0 -b 1 ${saved} -V 1 -t 0 -i 1`, 1);
    }
  });

  test("tensor reduction agrees with the CPU", async () => {
    for (const card of ["gfx1010", "gfx1012"] as const) {
      await correct("reduce -D 4,5,6,7 -R 0,2 -O 0 -V 1 -t 0 -i 1", 1, { card });
    }
  });

  test("Im2d2Col keeps within its LDS, and one kernel serves filters of many sizes", async () => {
    const run = await correct("conv -n 1 -c 4 -H 8 -W 14 -k 4 -y 1 -x 7 -F 1 -S GemmFwdRest -V 1 -t 0 -i 1", 1);
    assert.deepEqual(
      run.events.filter(({ event }) => event === "finding"),
      [],
    );
    const asked = new Set<string>();
    for (const filter of ["-y 3 -x 3", "-y 5 -x 5", "-y 1 -x 7", "-y 3 -x 5"]) {
      const same = await correct(`conv -n 1 -c 3 -H 40 -W 37 -k 4 ${filter} -F 1 -S GemmFwdRest -V 1 -t 0 -i 1`, 1);
      for (const key of keys(same, "MIOpenIm2d2ColRdna1.cpp")) asked.add(key);
    }
    assert.equal(asked.size, 1, [...asked].join("\n"));
  });

  test("a find-db of a card with another number of work-group processors is used, and files of our own are written", async () => {
    const problem = "8-14-14-3x3-8-14-14-1-1x1-1x1-1x1-0-NCHW-FP32-F";
    const record = `${problem}=ConvDirectNaiveConvFwd:0.01,0,miopenConvolutionFwdAlgoDirect\n`;
    await writeFile(join(miopen.systemDatabases, "gfx1010_18.HIP.fdb.txt"), record);
    const run = await miopen.succeed(`conv ${SMALL}`);
    assert.ok(naive(run) > 0 && gemm(run) === 0, launches(run).join("\n"));
    const search = await miopen.succeed(`conv ${SMALL}`, { env: { MIOPEN_FIND_MODE: "1" }, ownCache: true });
    const files = await readdir(search.home, { recursive: true });
    const suffix = /\.(HIP\.\w+_rdna1_[0-9a-f]{8})\.ufdb\.txt$/m.exec(files.join("\n"))?.[1] ?? "none";
    const cache = files.filter((name) => name.endsWith(".ukdb"));
    assert.ok(cache.length > 0 && cache.every((name) => /\/miopen-rdna1\//.test(name)), files.join("\n"));
    assert.ok(
      cache.every((name) => name.includes(`/miopen-${suffix}/`)),
      files.join("\n"),
    );
  });
});
