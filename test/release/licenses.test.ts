import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { kernelLicenses } from "../../src/release/licenses.ts";
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
    const texts = await kernelLicenses(root);
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
