import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { asked, keys, launches, PatchedMiopen, patchedMiopen, type Run, SMALL, searched } from "./patched.ts";

/**
 * gfx906, an MI50: a card that none of the patches is for, of another generation than gfx1030. What is compiled and chosen
 * for it must be what an unpatched MIOpen compiles and chooses: the toolchain's own, or, of the same version and to the
 * last option, the one in RDNA1_PLAIN_MIOPEN (control-series.ts without every patch that is not about building).
 */
const found = await patchedMiopen();
const plain = process.env.RDNA1_PLAIN_MIOPEN ?? null;
const skip = typeof found === "string" ? found : false;
const card = "gfx906";

/** `find-client.cpp`: n c h w k r stride pad dilation groups */
const PROBLEMS = {
  "3x3": "1 8 14 14 8 3 1 1 1 1",
  "3x3, strided": "2 8 14 14 8 3 2 1 1 1",
  "1x1": "1 8 14 14 8 1 1 0 1 1",
  dilated: "1 8 20 20 8 3 1 0 2 1",
  grouped: "1 8 14 14 8 3 1 1 1 4",
} as const;

/**
 * With everything; without Winograd, whose assembly LLVM 22 does not take (`-mno-xnack`), so that Find ends there; and without
 * any assembly.
 */
const LEFT_OUT: readonly Readonly<Record<string, string>>[] = [
  {},
  { MIOPEN_DEBUG_CONV_WINOGRAD: "0" },
  { MIOPEN_DEBUG_GCN_ASM_KERNELS: "0" },
];

/** What a run said, searched, asked its databases for and launched; of another version without what a version may rename. */
function trace(run: Run): unknown {
  const said = run.output.match(/^(?:query|found|ran|miopen\w+:) .*$/gm);
  const chosen = [...run.output.matchAll(/Chosen Algorithm: (\w+)/g)].map(([, solver]) => solver);
  const programs = asked(run).map((name) => name.replace(/\.\w+$/, ""));
  const kernels = plain === null ? programs : run.output.match(/\[LoadBinary\] Loading binary for: .*$/gm);
  return { code: run.code, said, searched: searched(run), chosen, kernels, launched: launches(run) };
}

describe("the patched MIOpen on gfx906", { skip }, () => {
  let miopen: PatchedMiopen;
  let stock: PatchedMiopen;
  before(async () => {
    assert.ok(typeof found !== "string");
    miopen = await PatchedMiopen.start(found);
    stock = await PatchedMiopen.start({ ...found, prefix: plain });
  });
  after(async () => {
    await miopen?.end();
    await stock?.end();
  });

  test("executes nothing: the device refuses", async () => {
    const run = await miopen.drive(`conv ${SMALL}`, { card, execute: true });
    assert.equal(run.code, 2);
    assert.match(run.output, /gfx906 is a control whose code is compiled and chosen, never executed/);
  });

  test("takes the card for what it is, and refuses an RDNA1 card that poses as it", async () => {
    const env = { MIOPEN_DEBUG_GCN_ASM_KERNELS: "0" };
    for (const sysfs of [await miopen.sysfs("mi50", "0x66a1", 90006), {}]) {
      const run = await miopen.succeed(`conv ${SMALL}`, { card, env: { ...env, ...sysfs } });
      assert.ok(launches(run).length > 0 && !/is RDNA1/.test(run.output));
    }
    const posing = await miopen.drive(`conv ${SMALL}`, { card, env: await miopen.sysfs("posing", "0x731f", null) });
    assert.match(posing.output, /GPU 0 is RDNA1 \(gfx1010\), but this process runs it as gfx906/);
    assert.deepEqual([posing.code === 0, launches(posing)], [false, []]);
  });

  for (const [name, problem] of Object.entries(PROBLEMS)) {
    test(`chooses and launches what the unpatched MIOpen does: ${name}`, async () => {
      const statuses = new Set<string>();
      for (const mode of ["-", "2", "5"]) {
        for (const workspace of ["asked", "none"] as const) {
          for (const env of LEFT_OUT) {
            const [ours, theirs] = [miopen, stock].map((one) => one.find(problem, workspace, mode, { card, env }));
            const run = (await ours) as Run;
            assert.deepEqual(
              trace(run),
              trace((await theirs) as Run),
              `mode ${mode}, ${workspace}, ${JSON.stringify(env)}`,
            );
            statuses.add(/^ran 0$/m.test(run.output) ? "ran" : "refused");
            assert.ok(!asked(run).some((source) => /rdna1/i.test(source)));
          }
        }
      }
      assert.ok(statuses.has("ran")); // else nothing was compared but errors
    });
  }

  test("searches in its default mode, and gives dilated convolutions no workspace there", async () => {
    const env = { MIOPEN_DEBUG_CONV_WINOGRAD: "0" };
    const run = await miopen.find(PROBLEMS.dilated, "asked", "-", { card, env });
    assert.ok(searched(run) && asked(run).includes("naive_conv.cpp"), run.output.slice(-2000));
    assert.match(run.output, /^query 0$/m);
  });

  test("takes host memory as the unpatched MIOpen does, and gives it back with hipHostFree", async () => {
    const env = { MIOPEN_CHECK_NUMERICS: "1", MIOPEN_DEBUG_GCN_ASM_KERNELS: "0", RDNA1_TEST_FILL: "1" };
    const host = async (one: PatchedMiopen) => {
      const run = await one.find(PROBLEMS["1x1"], "asked", "-", { card, env, memoryBytes: 2 ** 28 });
      return {
        flags: run.events.flatMap((event) => (event.event === "alloc" && event.kind === "host" ? [event.flags] : [])),
        freed: run.events.filter((event) => event.event === "free" && event.api === "hipHostFree").length,
      };
    };
    const [ours, theirs] = [await host(miopen), await host(stock)];
    assert.deepEqual(new Set(ours.flags), new Set([0]));
    assert.deepEqual(new Set(theirs.flags), new Set([0]));
    assert.equal(ours.freed, ours.flags.length);
  });

  test("builds batch norm and reduction as ever", async () => {
    const image = "-n 4 -c 3 -H 9 -W 7";
    for (const mode of ["0", "1"]) {
      for (const step of ["-F 1 -s 1 -r 1", "-F 0 -b 1 -s 1", "-F 2 -r 1"]) {
        const run = await miopen.succeed(`bnorm ${image} -m ${mode} ${step} -V 0 -i 1`, { card });
        const options = keys(run, "MIOpenBatchNorm\\w+\\.cl");
        assert.ok(options.length > 0 && options.every((key) => /MIO_BN_GFX103X=0/.test(key)), options.join("\n"));
        await sameKeys(`bnorm ${image} -m ${mode} ${step} -V 0 -i 1`, run);
      }
    }
    const reduce = "reduce -D 4,5,6,7 -R 0,2 -O 0 -V 0 -i 1";
    const run = await miopen.succeed(reduce, { card });
    assert.match(run.output, /-DCK_AMD_GPU_GFX906/);
    await sameKeys(reduce, run);
  });

  /** Of a plain library of the same version: the same kernels with the same options. */
  async function sameKeys(command: string, run: Run): Promise<void> {
    if (plain === null) return;
    assert.deepEqual(trace(run), trace(await stock.succeed(command, { card })), command);
  }
});
