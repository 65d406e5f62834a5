import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
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
    "there is no gfx1010 among the cards that programs can use here (gfx1030)",
  );
  const context = { env: { RDNA1_TEST_CARD }, log: recordedLog() };
  assert.equal(await wantedCard(context, "verify", "auto", "gfx1010"), null);
  await assert.rejects(wantedCard(context, "verify", "gpu", "gfx1010"), {
    message: /^verify: there is no gfx1010/,
    remedy: "use verify 'virtual', which needs no card",
  });
  const other = { env: { RDNA1_TEST_CARD: standInRoot(await scratch(t), ["gfx1012"], NOTHING) }, log: recordedLog() };
  await assert.rejects(wantedCard(other, "device", "gpu", "gfx1010"), {
    remedy: /^use targets gfx1012, or use device/,
  });
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

test("does not count a card whose node is not here, as the HSA runtime does not", async (t) => {
  const RDNA1_TEST_CARD = standInRoot(await scratch(t), ["gfx1030", "gfx1010"], NOTHING);
  rmSync(join(RDNA1_TEST_CARD, "dev/dri/renderD128"));
  const card = await cardOf("gfx1010", { RDNA1_TEST_CARD });
  assert.deepEqual(typeof card !== "string" && [card.index, card.renderMinor], [0, 129]);
});

test("`auto` leaves a card alone that drives a display, `gpu` does not", async (t) => {
  const RDNA1_TEST_CARD = standInRoot(await scratch(t), ["gfx1010"], NOTHING);
  const connector = (name: string, status: string) => {
    const folder = join(RDNA1_TEST_CARD, "sys/class/drm/renderD128/device/drm/card0", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "status"), `${status}\n`);
  };
  const log = recordedLog();
  const context = { env: { RDNA1_TEST_CARD }, log };
  connector("card0-DP-1", "disconnected");
  assert.notEqual(await wantedCard(context, "device", "auto", "gfx1010"), null);
  connector("card0-HDMI-A-1", "connected");
  assert.equal(await wantedCard(context, "device", "auto", "gfx1010"), null);
  assert.match(log.lines.join("\n"), /drives a display.*device 'gpu' asks it all the same/);
  assert.notEqual(await wantedCard(context, "device", "gpu", "gfx1010"), null);
});
