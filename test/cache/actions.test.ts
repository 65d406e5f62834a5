import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { actionsTier } from "../../src/cache/actions.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";

test("says why it has not saved what cannot be read, and fails nothing", async (t) => {
  const folder = join(await scratch(t), "file");
  writeFileSync(folder, "not a folder");
  const { saved, why } = await actionsTier({}, recordedLog()).save({ key: "k", folder });
  assert.equal(saved, false);
  assert.match(why, /^not saved: ENOTDIR/);
});
