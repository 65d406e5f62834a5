import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { generator } from "../../src/kernels/random.ts";
import { whyUnnoticed } from "./known.ts";
import { Mutations } from "./mutations.ts";

/** A few of the simulator's tests, quick ones with many operations; `npm run mutate` takes all, and every operation. */
const FILES = ["branches", "exec", "flow", "memory-lanes", "memory-pairs", "memory-scalar", "scalar", "vop2", "vop3p"];
const SAMPLE = 60;

test("tests notice operations of the simulator that are made wrong, a sample of them", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "rdna1-mutation-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const mutations = await Mutations.start(
    FILES.map((name) => `${name}.real.test.ts`),
    folder,
  );
  if (typeof mutations === "string") return t.skip(mutations);
  // What vectors, scalars and memory are tested for in these files, not what they happen to use besides
  const own = /^(sop|vop2\/|vop3p\/|smem\/(?!.*_atomic_)|ds\/ds_(read|write)2)/;
  const mutants = mutations.operations
    .filter(({ name }) => own.test(name) && mutations.reaches(name))
    .flatMap(({ name, ways }) => ways.map((way) => ({ operation: name, way })));
  assert.ok(mutants.length > 5 * SAMPLE, `only ${mutants.length} ways to be wrong`);
  const random = generator(11);
  const sample = Array.from({ length: SAMPLE }, () => mutants[random(0, mutants.length - 1)] ?? assert.fail());
  for (const mutant of sample) {
    const { noticed } = await mutations.judge(mutant);
    if (noticed === null) assert.ok(whyUnnoticed(mutant), `nobody notices ${mutant.operation}/${mutant.way}`);
  }
  t.diagnostic(`${SAMPLE} of ${mutants.length} ways to be wrong in ${mutations.tests.length} tests`);
});
