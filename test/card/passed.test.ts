import assert from "node:assert/strict";
import { test } from "node:test";
import { passedPlans, passedRows } from "../../src/card/passed.ts";
import type { ObjectPlan } from "../../src/verify/prover-plan.ts";
import type { TableRow } from "../../src/verify/table.ts";
import { sampleRow } from "../release/sample.ts";

const rows = ["0", "1"].map(
  (mode): TableRow => ({
    ...{ args: ["conv", "-n", "1"], env: { MIOPEN_FIND_MODE: mode }, family: "2d", solver: null, keys: [] },
  }),
);
const plans = ["a", "b"].map((hash) => ({ name: "x.o", hash, keys: [], cases: [] }) as ObjectPlan);

test("a card is given the rows that passed before, told apart by their variables too", () => {
  const command = (mode: string) => `MIOPEN_FIND_MODE=${mode} conv -n 1`;
  const before = [
    sampleRow({ kind: "numerical", command: command("0"), result: "failed", reason: "wrong" }),
    sampleRow({ kind: "numerical", command: command("1") }),
    sampleRow({ kind: "completeness", command: command("0") }),
  ];
  assert.deepEqual(passedRows(rows, before), [rows[1]]);
  assert.deepEqual(passedRows(rows, []), []);
});

test("a card is given the objects that the prover has proven, whatever used them besides", () => {
  const uses = (hash: string) => [{ name: "x.o", hash, functions: [] }];
  const before = [
    sampleRow({ kind: "numerical", reference: "ours", kernels: uses("a") }),
    sampleRow({ kind: "numerical", reference: "ours", kernels: uses("b"), result: "failed", reason: "wrong" }),
    sampleRow({ kind: "numerical", reference: "miopen-cpu", kernels: uses("b") }),
  ];
  assert.deepEqual(passedPlans(plans, before), [plans[0]]);
});
