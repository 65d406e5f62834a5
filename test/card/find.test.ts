import assert from "node:assert/strict";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cardOf, wantedCard } from "../../src/card/find.ts";
import { recordedLog, scratch } from "../toolchain/helpers.ts";
import { standInRoot } from "./stand-in.ts";

const NOTHING = { preload: [], environment: {} };

test("takes the first card of the target, counted as the HSA runtime counts", async (t) => {
  const RDNA1_TEST_CARD = standInRoot(await scratch(t), ["gfx1030", "gfx1012", "gfx1010", "gfx1012"], NOTHING);
  const found = await Promise.all(
    (["gfx1010", "gfx1012"] as const).map((target) => cardOf(target, { RDNA1_TEST_CARD })),
  );
  assert.deepEqual(
    found.map((card) => typeof card !== "string" && [card.index, card.renderMinor]),
    [
      [2, 130],
      [1, 129],
    ],
  );
  const [one, other] = found.map((card) => (typeof card === "string" ? card : card.id));
  assert.notEqual(one, other);
});

test("says what is missing, and refuses only who asked for a card", async (t) => {
  const RDNA1_TEST_CARD = standInRoot(await scratch(t), ["gfx1030"], NOTHING);
  assert.equal(
    await cardOf("gfx1010", { RDNA1_TEST_CARD }),
    "there is no gfx1010 among the cards of this machine (gfx1030)",
  );
  const context = { env: { RDNA1_TEST_CARD }, log: recordedLog() };
  assert.equal(await wantedCard(context, "verify", "auto", "gfx1010"), null);
  await assert.rejects(wantedCard(context, "verify", "gpu", "gfx1010"), /^RdnaError: verify: there is no gfx1010/);
  rmSync(join(RDNA1_TEST_CARD, "dev/kfd"));
  assert.match(String(await cardOf("gfx1010", { RDNA1_TEST_CARD })), /no \/dev\/kfd/);
});

test("a card that this user may not open is no card, and the group is named", {
  skip: process.getuid?.() === 0 && "root may open everything",
}, async (t) => {
  const RDNA1_TEST_CARD = standInRoot(await scratch(t), ["gfx1010"], NOTHING);
  chmodSync(join(RDNA1_TEST_CARD, "dev/dri/renderD128"), 0);
  assert.match(String(await cardOf("gfx1010", { RDNA1_TEST_CARD })), /may not open .*renderD128.*group/);
});
