import assert from "node:assert/strict";
import { test } from "node:test";
import { commandId } from "../../src/kernels/harvest.ts";
import { keysOfRun } from "../../src/kernels/keys.ts";
import { loadKernelSet } from "../../src/kernels/set.ts";
import { isIn, parseShard, shardText, shareDigest, shareOf } from "../../src/kernels/shard.ts";
import { problemOf } from "./conv-problems.ts";

const DIALECTS = [
  { release: "3.5", patched: false },
  { release: "3.4", patched: true },
] as const;

for (const dialect of DIALECTS) {
  for (const name of ["conv", "full"]) {
    const { commands } = await loadKernelSet(name, dialect);
    const ids = commands.map(commandId);
    test(`shards of ${name} for ${dialect.release} have every command once, and as many as each other but one`, () => {
      for (let of = 1; of <= 8; of++) {
        const shares = Array.from({ length: of }, (_, index) => shareOf(commands, { number: index + 1, of }));
        assert.deepEqual(shares.flat().map(commandId).sort(), [...ids].sort());
        const sizes = shares.map((share) => share.length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${of}: ${sizes}`);
      }
    });

    test(`a shard of ${name} for ${dialect.release} is the same whatever the order of the list`, () => {
      const shard = { number: 2, of: 3 };
      assert.equal(shareDigest(shareOf([...commands].reverse(), shard)), shareDigest(shareOf(commands, shard)));
      assert.notEqual(shareDigest(shareOf(commands, { number: 3, of: 3 })), shareDigest(shareOf(commands, shard)));
    });
  }

  test(`of ${dialect.release}'s convolutions no shard compiles much more than its part, by the model of the keys`, async () => {
    const { commands } = await loadKernelSet("conv", dialect);
    const kernels = (share: typeof commands) =>
      new Set(
        share
          .filter(({ args }) => !args.includes("-b"))
          .flatMap(({ args }) => {
            const { problem, solver } = problemOf(args);
            return keysOfRun(problem, solver, dialect).map((key) => `${key.file}${key.options}`);
          }),
      ).size;
    for (let of = 2; of <= 8; of++) {
      for (let number = 1; number <= of; number++) {
        const [part, most] = [kernels(shareOf(commands, { number, of })), (1.75 * kernels(commands)) / of];
        assert.ok(part <= most, `${number}/${of}: ${part} of ${kernels(commands)}`);
      }
    }
  });
}

test("more shards than commands leave some with nothing to do", async () => {
  const commands = [{ args: ["conv", "-F", "1"], family: "test" }];
  const sizes = [1, 2, 3].map((number) => shareOf(commands, { number, of: 3 }).length);
  assert.deepEqual(sizes.sort(), [0, 0, 1]);
});

test("reads which shard of how many", () => {
  assert.equal(parseShard(""), null);
  for (const text of ["1/1", "2/4", "256/256"]) assert.equal(shardText(parseShard(text) ?? { number: 0, of: 0 }), text);
});

for (const [text, why] of [
  ["2", /shard: '2' is not a shard/],
  ["2/", /'2\/' is not a shard/],
  ["-1/4", /'-1\/4' is not a shard/],
  ["1.5/4", /'1.5\/4' is not a shard/],
  ["02/4", /'02\/4' is not a shard/],
  ["2 / 4", /'2 \/ 4' is not a shard/],
  ["0/4", /counted from 1/],
  ["5/4", /of 4 the last one is 4\/4/],
  ["0/0", /divides by 0/],
  ["1/257", /more than the 256 shards/],
] as const) {
  test(`refuses ${text} as a shard, and shows how it is written`, () => {
    assert.throws(() => parseShard(text), { kind: "user", message: why, remedy: /2\/4/ });
  });
}

test("of numbered work every piece is in exactly one shard, and without shards in this one", () => {
  for (let index = 0; index < 20; index++) {
    assert.equal([1, 2, 3].filter((number) => isIn({ number, of: 3 }, index)).length, 1);
    assert.equal(isIn(undefined, index), true);
  }
});
