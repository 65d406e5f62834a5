import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { packageLicenses } from "../../src/release/licenses.ts";
import { scratch } from "../toolchain/helpers.ts";

for (const [what, doc] of [
  ["AMD's own layout", "share/doc"],
  ["AMD's packages on a distribution", "opt/rocm/share/doc"],
] as const) {
  test(`takes the licences of ${what}`, async (t) => {
    const root = await scratch(t);
    for (const [folder, file] of [
      ["miopen-hip", "LICENSE.md"],
      ["hip", "LICENSE.md"],
      ["ROCm-Device-Libs", "LICENSE.TXT"],
    ] as const) {
      const path = join(root, doc, folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `licence of ${folder}`);
    }
    const texts = await packageLicenses(root, null);
    assert.deepEqual(
      texts.slice(1).map(({ file, text }) => [file, text]),
      [
        ["MIOpen.txt", "licence of miopen-hip"],
        ["HIP.txt", "licence of hip"],
        ["ROCm-Device-Libs.txt", "licence of ROCm-Device-Libs"],
      ],
    );
  });
}

function put(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

const byFile = async (root: string, built: string | null) =>
  Object.fromEntries((await packageLicenses(root, built)).map(({ file, text }) => [file, text]));

test("a compiled MIOpen brings its own licence, and those of the code that is compiled into it", async (t) => {
  const root = await scratch(t);
  const built = join(root, "built");
  put(root, "usr/share/doc/libmiopen1/copyright", "of the toolchain's MIOpen");
  put(root, "usr/share/doc/nlohmann-json3-dev/copyright", "of nlohmann-json");
  put(root, "usr/share/doc/libhalf-dev/copyright", "of half");
  put(built, "share/doc/miopen-hip/LICENSE.txt", "of the compiled MIOpen");
  const texts = await byFile(root, built);
  assert.equal(texts["MIOpen.txt"], "of the compiled MIOpen");
  assert.equal(texts["nlohmann-json.txt"], "of nlohmann-json");
  assert.equal(texts["half.txt"], "of half");
  assert.deepEqual(
    Object.keys(await byFile(root, null)),
    ["rdna1-miopen.txt", "MIOpen.txt"],
    "kernels alone hold none",
  );
});

test("the notices of a compiled MIOpen are there also where neither it nor the toolchain has the texts", async (t) => {
  const root = await scratch(t);
  const texts = await byFile(root, join(root, "built"));
  assert.match(texts["MIOpen.txt"] ?? "", /Advanced Micro Devices/);
  assert.match(texts["nlohmann-json.txt"] ?? "", /Niels Lohmann[\s\S]*permission notice shall be included/);
  assert.match(texts["half.txt"] ?? "", /Christian Rau[\s\S]*permission notice shall be included/);
});
