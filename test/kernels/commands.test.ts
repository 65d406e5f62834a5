import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RdnaError } from "../../src/errors.ts";
import { checkArguments, harvestArguments, parseCommands } from "../../src/kernels/commands.ts";
import { describeCommand } from "../../src/kernels/describe.ts";

const args = (line: string) => line.split(" ");
const only = (text: string) => {
  const { commands, problems } = parseCommands(text, "list.txt");
  assert.deepEqual(problems, []);
  assert.equal(commands.length, 1);
  return commands[0];
};

describe("a list of MIOpenDriver command lines", () => {
  for (const [what, line] of [
    ["a plain line", "MIOpenDriver conv -n 1 -c 3 -H 8 -W 8"],
    ["a path before the program", "/opt/rocm/bin/MIOpenDriver conv -n 1 -c 3 -H 8 -W 8"],
    ["a logged command", "MIOpen(HIP): Command [LogCmdConvolution] ./bin/MIOpenDriver conv -n 1 -c 3 -H 8 -W 8"],
    ["more blanks than needed", "  MIOpenDriver   conv -n 1\t-c 3 -H 8 -W 8  "],
    ["a comment behind the line", "MIOpenDriver conv -n 1 -c 3 -H 8 -W 8 # first layer"],
  ] as const) {
    test(`takes ${what}`, () => {
      assert.deepEqual(only(line)?.args, args("conv -n 1 -c 3 -H 8 -W 8"));
    });
  }

  test("keeps MIOPEN_ variables before the command", () => {
    const command = only("MIOPEN_FIND_MODE=2 MIOPEN_DEBUG_CONV_GEMM=0 ./bin/MIOpenDriver convfp16 -n 2");
    assert.deepEqual(command?.env, { MIOPEN_FIND_MODE: "2", MIOPEN_DEBUG_CONV_GEMM: "0" });
    assert.deepEqual(command?.args, ["convfp16", "-n", "2"]);
  });

  test("drops variables that only change the log, which harvest and proofs read", () => {
    const text = [
      "MIOPEN_LOG_LEVEL=1 MIOPEN_FIND_MODE=2 MIOpenDriver conv -n 1",
      "MIOPEN_ENABLE_LOGGING_MPMT=1 MIOPEN_ENABLE_LOGGING_ELAPSED_TIME=1 MIOPEN_FIND_MODE=2 MIOpenDriver conv -n 1",
    ].join("\n");
    assert.deepEqual(only(text)?.env, { MIOPEN_FIND_MODE: "2" });
    assert.equal(only("MIOPEN_ENABLE_LOGGING_CMD=1 MIOpenDriver conv -n 1")?.env, undefined);
  });

  test("takes long option names, and the letters that are punctuation", () => {
    only("MIOpenDriver conv --spatial_dim 3 --in_d 4 --fil_d 3 --pad_d 1 --conv_stride_d 1 --dilation_d 1");
    only("MIOpenDriver convbfp16 -_ 3 -! 4 -@ 3 -$ 1 -# 1 -^ 1 -% 0");
  });

  test("skips blank lines, comments and log lines without a command, in any line ending", () => {
    const text =
      "# my layers\r\n\r\nMIOpen(HIP): Info [get_device_name] Raw device name: gfx1010\r\nMIOpenDriver conv -n 1\r\n";
    const command = only(text);
    assert.equal(command?.line, 4);
    assert.equal(command?.family, "list.txt");
  });

  test("takes what MIOpenDriver itself prints with logging on", () => {
    const text = [
      "MIOpenDriver convfp16 -n 1 -c 8 -F 1",
      "PRNG seed: 12345678",
      "Timestamp: 2026-11-22 15:51:20 UTC; Host Name: vm; ROCm: 7.2.53211",
      "MIOpen(HIP): Command [LogCmdFindConvolution] ./bin/MIOpenDriver convfp16 -n 1 -c 8 -H 12 -W 40 -m conv -g 2 -F 1 -t 1",
      "MIOpen Error: vm:src/include/miopen/find_solution.hpp:482: No solver found.",
      "MIOpen Forward Conv. Algorithm: 1, Solution: 85/ConvDirectNaiveConvFwd",
      "GPU Kernel Time Forward Conv. Elapsed: 0.010000 ms (average)",
      "stats: name, n, c, ho, wo, y, x, k, flopCnt, bytesRead, bytesWritten, GFLOPs, GB/s, timeMs",
      "Forward Convolution Verifies OK on CPU reference (1.2e-08 < 1.5e-06)",
    ].join("\n");
    const { commands, problems } = parseCommands(text, "x");
    assert.deepEqual([commands.length, problems], [2, []]);
  });

  test("reads the names that MIOpen logs and its driver does not know", () => {
    assert.equal(
      only("MIOpen(HIP): Command [LogCmdLayerNorm] ./bin/MIOpenDriver layernormfp32 -N 2")?.args[0],
      "layernorm",
    );
  });

  test("tells lines that MIOpen logged and MIOpenDriver would not take from lines that somebody wrote", () => {
    const logged =
      "MIOpen(HIP): Command [LogCmdLayerNorm] ./bin/MIOpenDriver layernormfp32 -n 4 -c 16 -H 1 -W 1 -F 1 -m 0";
    const { problems } = parseCommands(`${logged}\nMIOpenDriver layernorm -n 4\n`, "x");
    const reason = "layernorm has no option -n";
    assert.deepEqual(problems, [
      { line: 1, text: logged, reason, logged: true },
      { line: 2, text: "MIOpenDriver layernorm -n 4", reason },
    ]);
  });

  test("keeps equal commands once", () => {
    assert.equal(parseCommands("MIOpenDriver conv -n 1\n./MIOpenDriver conv  -n 1\n", "x").commands.length, 1);
  });

  for (const [line, reason] of [
    ["Epoch 1 of 90", "not a MIOpenDriver command line"],
    ["MIOpenDriver convolution -n 1", "MIOpenDriver has no operation convolution"],
    ["MIOpenDriver conv -n 1 -Q 2", "conv has no option -Q"],
    ["MIOpenDriver conv -n 1 --in_hight 2", "conv has no option --in_hight"],
    ["MIOpenDriver conv -n", "-n has no value"],
    ["MIOpenDriver conv -n one", "-n takes a number, not one"],
    ["MIOpenDriver conv 1 -n", "expected an option, found 1"],
    ["MIOpenDriver", "no operation after MIOpenDriver"],
    [
      "HSA_OVERRIDE_GFX_VERSION=10.3.0 MIOpenDriver conv -n 1",
      "only MIOPEN_ variables may stand before the command, not HSA_OVERRIDE_GFX_VERSION",
    ],
    [
      "LD_PRELOAD=/tmp/x.so MIOpenDriver conv -n 1",
      "only MIOPEN_ variables may stand before the command, not LD_PRELOAD",
    ],
    ["MIOPEN_SYSTEM_DB_PATH=/tmp MIOpenDriver conv -n 1", "MIOPEN_SYSTEM_DB_PATH is set by the harvest itself"],
  ] as const) {
    test(`names the line and what is wrong with: ${line}`, () => {
      const { commands, problems } = parseCommands(`MIOpenDriver conv -n 7\n${line}\n`, "list.txt");
      assert.equal(commands.length, 1);
      assert.deepEqual(problems, [{ line: 2, text: line, reason }]);
    });
  }

  for (const [what, text] of [
    ["an empty file", "\n  \n"],
    ["a binary file", "MIOpenDriver conv\0\u0001"],
    ["a file that is not UTF-8", "MIOpenDriver conv \ufffd"],
  ] as const) {
    test(`refuses ${what} and names it`, () => {
      assert.throws(
        () => parseCommands(text, "layers.txt"),
        (error) => error instanceof RdnaError && error.kind === "user" && error.message.startsWith("layers.txt"),
      );
    });
  }
});

test("every operation of MIOpenDriver is known with its options", () => {
  assert.equal(checkArguments(args("pool -W 1x3x32x32 -y 2 -x 2 -m max")), null);
  assert.equal(checkArguments(args("bnormbfp16fp32 -n 2 -c 4 -H 8 -W 8 -m 1 --layout NHWC")), null);
  assert.equal(checkArguments(args("softmax -n 1 -c 10 -a 2")), null);
  assert.equal(checkArguments(args("softmax -k 1")), "softmax has no option -k");
});

test("a harvest runs once, timed, without CPU reference and without tuning, whatever the line says", () => {
  assert.deepEqual(
    harvestArguments(args("conv -n 1 -V 1 --iter 100 -c 3 -s 1")),
    args("conv -n 1 -c 3 -V 0 -i 1 -t 1 -s 0"),
  );
  assert.deepEqual(harvestArguments(args("bnorm -n 1 -s 1")), args("bnorm -n 1 -s 1 -V 0 -i 1 -t 1"));
});

describe("what a command does, in the words of the proof table", () => {
  for (const [line, expected] of [
    [
      "convbfp16 -n 2 -c 8 -H 14 -W 14 -k 16 -y 3 -x 3 -p 1 -q 1 -g 2 -F 4",
      ["conv", "bf16", "backward-weights", "NCHW", "2x8x14x14 16x3x3 s1x1 p1x1 d1x1 g2"],
    ],
    [
      "conv -_ 3 -n 1 -c 2 -! 4 -H 6 -W 6 -k 2 -@ 3 -y 3 -x 3 -m trans -F 2",
      ["conv", "fp32", "backward-data", "NCDHW", "1x2x4x6x6 2x3x3x3 s1x1x1 p0x0x0 d1x1x1 g1 trans"],
    ],
    ["convint8 --in_layout NHWC -n 1 -F 1", ["conv", "int8", "forward", "NHWC", undefined]],
    ["conv -n 1", ["conv", "fp32", "all", "NCHW", undefined]],
    ["bnormfp16fp32 -n 1 -F 0 -b 1 -L NHWC", ["bnorm", "fp16", "backward", "NHWC", undefined]],
    ["poolfp16 -W 1x3x32x32 -F 1 -t 1", ["pool", "fp16", "forward", "NCHW", "-W 1x3x32x32"]],
    ["activ -n 1 --forw 2", ["activ", "fp32", "backward", "NCHW", undefined]],
    ["dropout -d 4 -F 2", ["dropout", "fp32", "backward", "NCHW", undefined]],
  ] as const) {
    test(line, () => {
      const { operation, type, direction, layout, shape } = describeCommand({ args: args(line), family: "x" });
      const [, , , , wanted] = expected;
      assert.deepEqual([operation, type, direction, layout, wanted === undefined ? undefined : shape], expected);
    });
  }
});

for (const [line, reason] of [
  ["conv -n 0 -c 4", "-n is at least 1, not 0"],
  ["convfp16 -n 1 -c 4 --conv_stride_h 0", "-u is at least 1, not 0"],
  ["conv -n 1 -c 5 -k 4 -g 2", "-c 5 cannot be divided into 2 groups"],
  ["conv -n 1 -c 6 -g 6", "-k 32 cannot be divided into 6 groups"],
  ["conv -n 1 -c 6 -k 12 -g 6 -p 0", null],
  ["tensorop -n 0", null],
] as const) {
  test(`${line}: ${reason ?? "can be asked for"}`, () => assert.equal(checkArguments(args(line)), reason));
}
