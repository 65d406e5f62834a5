import assert from "node:assert/strict";
import { test } from "node:test";
import { checkArguments } from "../../src/kernels/commands.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { commandFor, planConv, planIm2col, wantedIm2col } from "../../src/kernels/families.ts";
import { planFull } from "../../src/kernels/full.ts";
import { im2d2colKey } from "../../src/kernels/im2col.ts";
import { databaseKey, keysOf, keysOfRun } from "../../src/kernels/keys.ts";
import { planProbes, randomProblems } from "../../src/kernels/probes.ts";
import { outputOf } from "../../src/kernels/problem.ts";
import { im2colCases, shapeId } from "../../src/kernels/ranges.ts";
import { problemOf } from "./conv-problems.ts";

const id = (key: { file: string; options: string }) => `${key.file}${key.options}`;
const plan = planConv();
const planned = new Set(
  plan
    .filter(({ args }) => !args.includes("-b"))
    .flatMap(({ args }) => {
      const { problem, solver } = problemOf(args);
      return keysOfRun(problem, solver).map(id);
    }),
);
const wanted = new Set(wantedIm2col().map(({ type, shape }) => id(im2d2colKey(type, shape))));

test("every command of the plans is one that MIOpenDriver takes, and none is there twice", () => {
  const lines = planFull().map(({ args }) => args.join(" "));
  for (const line of lines) assert.equal(checkArguments(line.split(" ")), null, line);
  assert.equal(new Set(lines).size, lines.length);
});

test("the plan stays small: at most 250 commands", () => assert.ok(plan.length <= 250, String(plan.length)));

test("a command says the problem it was made from", () => {
  for (const problem of randomProblems(200, 3))
    assert.deepEqual(problemOf(commandFor(problem, "x", STOCK).args).problem, problem);
});

test("5,000 random convolutions of the ranges ask for nothing that is not planned or derived", () => {
  for (const problem of randomProblems(5000, 4)) {
    for (const call of ["find", "immediate"] as const) {
      for (const key of keysOf(problem, call)) {
        assert.ok(
          planned.has(id(key)) || wanted.has(id(key)),
          `${id(key)} of ${commandFor(problem, "x", STOCK).args.join(" ")}`,
        );
      }
    }
  }
});

test("only im2col keys are left to be derived", () => {
  const kinds = [...wanted].filter((key) => !planned.has(key)).map((key) => key.split(" ")[0]);
  assert.deepEqual([...new Set(kinds)], ["MIOpenIm2d2Col.cpp"]);
});

test("every im2col row can also be harvested by a command of its own", () => {
  const rows = wantedIm2col().filter((_, index) => index % 97 === 0);
  for (const [index, { args }] of planIm2col(rows).entries()) {
    const { problem, solver } = problemOf(args);
    const row = rows[index];
    assert.ok(row !== undefined);
    const asked = keysOfRun(problem, solver).map((key) => databaseKey(key, "gfx1010").args);
    assert.ok(asked.includes(databaseKey(im2d2colKey(row.type, row.shape), "gfx1010").args), args.join(" "));
  }
});

test("with the patches every problem of the ranges finds its key among a few that are all harvested", () => {
  const dialect = { release: "3.4", patched: true } as const;
  const harvested = new Set(
    planConv(dialect)
      .filter(({ args }) => !args.includes("-b"))
      .flatMap(({ args }) => {
        const { problem, solver } = problemOf(args);
        return keysOfRun(problem, solver, dialect).map(id);
      }),
  );
  const columns = [...harvested].filter((key) => key.startsWith("MIOpenIm2d2ColRdna1.cpp"));
  assert.equal(columns.length, 57); // five sizes, strided or not, one block or more, three types; no problem needs the largest for many blocks without stride
  for (const problem of randomProblems(3000, 77)) {
    if (problem.type === "int8") continue;
    for (const call of ["find", "immediate"] as const) {
      for (const key of keysOf(problem, call, dialect)) assert.ok(harvested.has(id(key)), id(key));
    }
  }
  assert.deepEqual(
    wantedIm2col(dialect).filter(({ type, shape }) => !harvested.has(id(im2d2colKey(type, shape, dialect)))),
    [],
  );
});

test("im2col cases differ from one another", () => {
  const cases = im2colCases();
  assert.equal(new Set(cases.map(({ shape }) => shapeId(shape))).size, cases.length);
});

test("probes are the same for the same seed, others for another, and all valid", () => {
  assert.deepEqual(planProbes(50, 1), planProbes(50, 1));
  assert.notDeepEqual(planProbes(50, 1), planProbes(50, 2));
  for (const problem of randomProblems(500, 9)) {
    assert.ok(outputOf(problem).every((size) => size >= 1));
    assert.equal(problem.c % problem.groups, 0);
    assert.equal(problem.k % problem.groups, 0);
  }
});
