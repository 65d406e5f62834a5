import assert from "node:assert/strict";
import { test } from "node:test";
import { HAZARDS, LOAD, type Rule, WAITS } from "./flow-rules.ts";
import { type Architecture, objectText, Simulator } from "./harness.ts";

/** Arguments in s[4:7], the byte offset of the lane's word in v0, ones in memory and in LDS. */
const SETUP = `
  s_load_dwordx4 s[4:7], s[0:1], 0x0
  v_lshlrev_b32 v0, 2, v0
  v_mov_b32 v30, 1
  ds_write_b32 v0, v30
  s_waitcnt lgkmcnt(0)
  s_waitcnt_depctr 0xfffe
`;

interface Options {
  architecture?: Architecture;
  waveSize?: 32 | 64;
  block?: number;
  env?: { [name: string]: string };
}

/** What is said of each body, faults first: one object, one process. */
async function runAll(
  simulator: Simulator,
  bodies: readonly string[],
  { architecture = "gfx1010", waveSize = 32, block = 32, env = {} }: Options = {},
): Promise<Said[][]> {
  const kernels = bodies.map((body, i) => {
    const own = body.replaceAll(/\b(loop|over|on)\b/g, `$1_${i}`); // labels are one name space
    return { name: `k${i}_`, body: SETUP + own, lds: 1024 };
  });
  const ones = Buffer.alloc(1024, 1);
  const launches = kernels.map(({ name }) => ({
    kernel: name,
    grid: block,
    block,
    args: [{ in: ones }, { in: ones }],
  }));
  const object = await simulator.assemble(objectText(kernels, waveSize), architecture, waveSize);
  const ran = await simulator.run(object, launches, { architecture, env });
  return kernels.map(({ name }) => [
    ...ran.faults.filter(({ kernel }) => kernel === name).map(({ problem }) => ({ kind: "fault", problem })),
    ...ran.findings.filter(({ kernel }) => kernel === name),
  ]);
}

interface Said {
  kind: string;
  problem: string;
}

const problems = (said: readonly Said[] | undefined) => said?.map(({ problem }) => problem);

function checkRules(name: string, rules: readonly Rule[], kind: "fault" | "hazard") {
  test(name, async (t) => {
    const simulator = await Simulator.start(t);
    if (typeof simulator === "string") return t.skip(simulator);
    for (const waveSize of [32, 64] as const) {
      const these = rules.filter((rule) => (rule.waveSize ?? 32) === waveSize);
      const options = { waveSize, block: waveSize };
      const broken = await runAll(
        simulator,
        these.map((rule) => rule.broken),
        options,
      );
      these.forEach(({ what, says }, i) => {
        const first = broken[i]?.find((one) => one.kind === kind);
        assert.match(first?.problem ?? `quiet: ${problems(broken[i])}`, says, what);
      });
      const sound = these.flatMap((rule) => rule.sound);
      const said = await runAll(simulator, sound, options);
      sound.forEach((body, i) => {
        assert.deepEqual(problems(said[i]), [], body);
      });
    }
  });
}

checkRules("a result is not used before it was waited for", WAITS, "fault");

checkRules("hazards of GFX10.1 are found and named", HAZARDS, "hazard");

test("gfx1030 has none of these hazards", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const broken = HAZARDS.map((rule) => rule.broken);
  const said = await runAll(simulator, broken, { architecture: "gfx1030" });
  broken.forEach((body, i) => {
    assert.deepEqual(problems(said[i]), [], body);
  });
});

test("an LDS write is waited for before a barrier, where there are other waves", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const broken = "ds_write_b32 v0, v30\n s_barrier";
  const sound = "ds_write_b32 v0, v30\n s_waitcnt lgkmcnt(0)\n s_barrier";
  const [found, none] = await runAll(simulator, [broken, sound], { block: 64 });
  assert.equal(found?.[0]?.kind, "lds-write-not-waited-before-barrier");
  assert.match(found?.[0]?.problem ?? "", /^ds_write_b32 v0, v30 at 0x[0-9a-f]+ may not have reached LDS/);
  assert.deepEqual(problems(none), []);
  assert.deepEqual(problems((await runAll(simulator, [broken]))[0]), []);
});

const STRICT = { env: { RDNA1_DEVICE_STRICT: "1" } };

test("strict mode stops at a hazard", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const [said] = await runAll(simulator, [`${LOAD} s_mov_b32 s5, 0`], STRICT);
  assert.match(said?.[0]?.problem ?? "", /^hazard: VMEMtoScalarWriteHazard/);
  assert.equal(said?.[0]?.kind, "fault");
});

test("strict mode stops where nothing but registers never written says where to read, store or go", async (t) => {
  const simulator = await Simulator.start(t);
  if (typeof simulator === "string") return t.skip(simulator);
  const cases: [broken: string, says: string][] = [
    [
      "global_load_dword v1, v9, s[4:5]",
      "v9, which says where in memory, comes from registers that nothing has written",
    ],
    ["v_lshlrev_b32 v9, 2, v8\n global_load_dword v1, v9, s[4:5]", "v9, which says where in memory"],
    ["v_mov_b32 v9, 0\n global_load_dword v1, v9, s[40:41]", "s[40:41], which says where in memory"],
    ["s_load_dword s8, s[40:41], 0x0", "s[40:41], which says where in memory"],
    ["ds_read_b32 v1, v9", "v9, which says where in memory"],
    ["global_store_dword v0, v9, s[4:5]", "v9, which is stored, comes"],
    ["s_cbranch_vccnz over\nover:", "where execution goes on comes"],
    ["s_add_u32 s41, s40, 1\n s_cbranch_scc1 over\nover:", "where execution goes on comes"],
    ["v_nop\n s_mov_b32 exec_lo, s40", "EXEC comes"],
  ];
  const broken = cases.map(([body]) => body);
  const strict = await runAll(simulator, broken, STRICT);
  const lenient = await runAll(simulator, broken);
  cases.forEach(([body, says], i) => {
    const problem = strict[i]?.[0]?.problem ?? "quiet";
    assert.ok(problem.startsWith(`uninitialised-register: ${says}`), `${body}: ${problem}`);
    assert.ok(!lenient[i]?.some(({ kind }) => kind === "uninitialised-register"));
  });
  // What compilers leave undefined: a high word, the rest of a register, a value that is not selected.
  const sound = [
    "v_mov_b32 v8, 0\n v_lshlrev_b64 v[10:11], 2, v[8:9]\n global_load_dword v1, v10, s[4:5]",
    "ds_read_u16_d16 v1, v0\n s_waitcnt lgkmcnt(0)\n global_store_short v0, v1, s[4:5]",
    "v_cndmask_b32 v1, v9, v0, exec_lo\n global_load_dword v1, v1, s[4:5]",
    "v_mov_b32 v1, v9\n v_mov_b32 v2, v1",
    "s_cmp_eq_u32 s4, s4\n s_cbranch_scc1 over\nover:",
  ];
  const said = await runAll(simulator, sound, STRICT);
  sound.forEach((body, i) => {
    assert.deepEqual(problems(said[i]), [], body);
  });
});
