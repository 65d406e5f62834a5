import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { exec, scratch } from "../device/support.ts";
import { addedFile, bundledSeries } from "./added-kernel.ts";
import { writeTree } from "./small-miopen.ts";

/* Rdna1Revision.cmake of 0013: what the user's databases and the folder of the cache are called, by the kernels of a build. */

const CMAKE = "/usr/bin/cmake";
const MODULE = "cmake/Rdna1Revision.cmake";
const KERNELS = {
  "src/kernels/one.cpp": "one",
  "src/kernels/deep/two.s": "two",
  "src/composable_kernel/include/three.hpp": "three",
  "src/kernels/gfx1010.fdb.txt": "",
  "src/solver.cpp": "solver",
};
const PRINTS = `set(MIOPEN_USER_DB_SUFFIX HIP.1_rdna1)\ninclude(\${CMAKE_CURRENT_LIST_DIR}/${MODULE})\nmessage("\${MIOPEN_USER_DB_SUFFIX}")\n`;

test("databases of a user go by the kernel sources of the build, wherever they lie", async (t) => {
  const isThere = await access(CMAKE).then(
    () => true,
    () => false,
  );
  if (!isThere) return t.skip("no cmake");
  for (const series of await bundledSeries()) {
    const module = await addedFile(series, MODULE);
    assert.ok(module !== null, `patches/${series} does not add ${MODULE}`);
    const suffix = async (changed: Record<string, string>) => {
      const folder = await scratch(t);
      writeTree(folder, { ...KERNELS, ...changed, [MODULE]: module, "print.cmake": PRINTS }, {});
      const { code, stderr } = await exec.run({ file: CMAKE, args: ["-P", join(folder, "print.cmake")], env: {} }, {});
      assert.equal(code, 0, stderr);
      return stderr.trim();
    };
    const before = await suffix({});
    assert.match(before, /^HIP\.1_rdna1_[0-9a-f]{8}$/);
    assert.equal(await suffix({ "src/solver.cpp": "other", "src/kernels/gfx1010.fdb.txt": "other" }), before);
    for (const name of Object.keys(KERNELS).slice(0, 3)) assert.notEqual(await suffix({ [name]: "x" }), before, name);
    assert.notEqual(await suffix({ "src/kernels/new.cl": "" }), before);
  }
});
