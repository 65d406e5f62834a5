import assert from "node:assert/strict";
import { test } from "node:test";
import { checkArguments } from "../../src/kernels/commands.ts";
import { describeCommand } from "../../src/kernels/describe.ts";
import { STOCK } from "../../src/kernels/dialect.ts";
import { naiveKey } from "../../src/kernels/keys.ts";
import { int8CaseOf, rowsOfCommand } from "../../src/verify/command-rows.ts";
import { planRows } from "../../src/verify/plan.ts";
import { readProblems } from "../../src/verify/read-problem.ts";
import { hasVector, numericalArguments, planTable, type TableRow } from "../../src/verify/table.ts";

const table = planTable(STOCK, "gfx1010");
const optionOf = ({ args }: TableRow, letter: string) => args[args.indexOf(`-${letter}`) + 1];

test("every row of the table is a command that MIOpenDriver takes, once, compared with the host", () => {
  for (const row of table) {
    assert.equal(checkArguments(row.args), null);
    assert.equal(optionOf(row, "V"), "1");
    assert.equal(optionOf(row, "i"), "1");
    assert.ok(row.solver !== null);
  }
  const ids = table.map(({ args, env }) => JSON.stringify([args, env]));
  assert.equal(new Set(ids).size, ids.length);
});

test("the table covers every direction, float type and layout with the naive solver, and the plain layouts with GEMM", () => {
  const cells = new Set(
    table.map(({ args, family, solver }) => {
      const { type, direction, layout } = describeCommand({ args, family });
      return `${type} ${direction} ${layout} ${/Naive/.test(solver ?? "") ? "naive" : "gemm"}`;
    }),
  );
  const expected = ["fp32", "fp16", "bf16"].flatMap((type) =>
    ["forward", "backward-data", "backward-weights"].flatMap((direction) => [
      ...["NCHW", "NHWC", "NCDHW", "NDHWC"].map((layout) => `${type} ${direction} ${layout} naive`),
      ...["NCHW", "NCDHW"].map((layout) => `${type} ${direction} ${layout} gemm`),
    ]),
  );
  assert.deepEqual([...cells].sort(), expected.sort());
});

test("the table reaches all eight GEMM solvers, each at least twice for a type", () => {
  const counts = new Map<string, number>();
  for (const { solver } of table) counts.set(solver ?? "", (counts.get(solver ?? "") ?? 0) + 1);
  const gemm = [...counts].filter(([solver]) => /^Gemm/.test(solver));
  assert.equal(gemm.length, 8);
  assert.ok(gemm.every(([, count]) => count >= 3));
});

test("only gfx1010 has GEMMs of a single row or column, such as depthwise ones, which rocBLAS cannot do on the others", () => {
  const vectors = (rows: readonly TableRow[]) =>
    rows.filter(({ solver, args }) => /^Gemm/.test(solver ?? "") && (readProblems(args) ?? []).some(hasVector));
  assert.deepEqual([vectors(planTable(STOCK, "gfx1011")), vectors(planTable(STOCK, "gfx1012"))], [[], []]);
  const own = vectors(table);
  assert.equal(table.length - planTable(STOCK, "gfx1012").length, own.length);
  const cells = new Set(own.map(({ args, family }) => `${family} ${args[0]} ${args[args.indexOf("-F") + 1]}`));
  for (const family of ["2d depthwise", "2d depthwise x2", "3d depthwise"]) {
    for (const type of ["conv", "convfp16", "convbfp16"]) {
      for (const direction of [1, 2, 4])
        assert.ok(cells.has(`${family} ${type} ${direction}`) || family.endsWith("x2"));
    }
  }
});

test("a user's depthwise line is proven with GEMM, too, where MIOpen takes it", () => {
  const line = "conv -n 1 -c 8 -k 8 -g 8 -H 14 -W 14 -p 1 -q 1 -F 1";
  assert.deepEqual(rows(line), [
    ["1", "ConvDirectNaiveConvFwd"],
    ["1", "GemmFwdRest"],
  ]);
  assert.deepEqual(rows(line, "gfx1012"), [["1", "ConvDirectNaiveConvFwd"]]);
});

test("a command is run once, untimed, against the host, and nothing in it can replace the comparison", () => {
  const args = "conv -n 1 -V 0 -i 100 -t 1 --verification_cache /tmp -G 1 -o 1 -w 1 -s 1 -S GemmFwdRest".split(" ");
  assert.equal(numericalArguments(args).join(" "), "conv -n 1 -S GemmFwdRest -V 1 -i 1 -t 0 -s 0");
  assert.equal(numericalArguments("tensorop -o 1 -W 4 -w 1".split(" ")).join(" "), "tensorop -o 1 -W 4 -V 1 -i 1 -t 0");
});

const rows = (line: string, target = "gfx1010") => {
  const planned = rowsOfCommand({ args: line.split(" "), family: "mine" }, STOCK, target);
  return typeof planned === "string" ? planned : planned.map((row) => [optionOf(row, "F"), row.solver]);
};

for (const [what, line, expected] of [
  [
    "each direction with each solver",
    "conv -n 1 -c 4 -k 4 -H 8 -W 8 -F 5",
    [
      ["1", "ConvDirectNaiveConvFwd"],
      ["1", "GemmFwdRest"],
      ["4", "ConvDirectNaiveConvWrw"],
      ["4", "GemmWrwUniversal"],
    ],
  ],
  [
    "the naive solver only where GEMM does not fit",
    "conv -c 4 -k 4 -F 1 -I NHWC -O NHWC -f NHWC",
    [["1", "ConvDirectNaiveConvFwd"]],
  ],
  [
    "the other direction's solver for a transposed convolution",
    "convfp16 -m trans -c 4 -k 4 -F 1",
    [
      ["1", "ConvDirectNaiveConvBwd"],
      ["1", "GemmBwdRest"],
    ],
  ],
  ["only the solver that a command names", "conv -c 4 -k 4 -F 2 --solution GemmBwdRest", [["2", "GemmBwdRest"]]],
  [
    "1x1 without padding where -z valid takes it away",
    "conv -y 1 -x 1 -p 1 -q 1 -z valid -F 1 -c 4",
    [
      ["1", "ConvDirectNaiveConvFwd"],
      ["1", "GemmFwd1x1_0_1"],
    ],
  ],
  ["another operation as it stands", "poolfp16 -F 1", [["1", null]]],
] as const) {
  test(`a user's command becomes ${what}`, () => assert.deepEqual(rows(line), expected));
}

test("a user's command that MIOpenDriver does not compare is said to be unprovable", () => {
  assert.match(String(rows("groupnorm -F 0")), /does not compare/);
  const set = { name: "/my/file.txt", commands: [{ args: ["groupnorm", "-F", "0"], family: "mine" }], dialect: STOCK };
  assert.equal(planRows(set, new Set(), "gfx1010").unprovable.length, 1);
});

test("a set of one's own gets two rows of the table for each key that it holds, and none for others", () => {
  const held = new Set(table.flatMap(({ keys }) => keys.map((key) => `${key.file}.o${key.options} -mcpu=gfx1010`)));
  const [one = ""] = [...held].filter((key) => key.startsWith("MIOpenIm3d2Col.cpp.o"));
  const plan = planRows({ name: "/my/file.txt", commands: [], dialect: STOCK }, new Set([one]), "gfx1010");
  assert.equal(plan.rows.length, 2);
  assert.ok(plan.rows.every(({ solver }) => solver === "GemmFwdRest"));
});

test("an int8 command is proven with the kernel that it runs: Find's, or that of the solver it names", () => {
  const keyFor = (more: string) => {
    const args = `convint8 -n 1 -c 4 -k 4 -H 8 -W 8 -F 1${more}`.split(" ");
    return int8CaseOf({ args, family: "mine" }, STOCK)?.key;
  };
  const [found, immediate] = [naiveKey("int8", "find"), naiveKey("int8", "immediate")];
  assert.notDeepEqual(found, immediate);
  for (const more of ["", " -S -1"]) assert.deepEqual(keyFor(more), found, more);
  for (const more of [" -S ConvDirectNaiveConvFwd", " --solution 85"]) assert.deepEqual(keyFor(more), immediate, more);
  assert.equal(keyFor(" -S GemmFwdRest"), undefined);
});

test("a command without a direction is said to be unprovable, and one whose filter is larger than the image has no keys", () => {
  assert.match(String(rows("conv -n 1 -c 4 -k 4 -H 8 -W 8 -F 8")), /none of the directions/);
  const line = { args: "conv -n 1 -c 4 -k 4 -H 2 -W 2 -F 1".split(" "), family: "mine" };
  const planned = rowsOfCommand(line, STOCK, "gfx1010");
  assert.ok(typeof planned !== "string" && planned.length === 2 && planned.every(({ keys }) => keys.length === 0));
});
