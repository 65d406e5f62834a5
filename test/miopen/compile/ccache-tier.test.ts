import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CacheTier, Tiers } from "../../../src/cache/tiers.ts";
import { withCarriedCcache } from "../../../src/miopen/compile/ccache-tier.ts";
import type { BuildEnvironment } from "../../../src/miopen/compile/environment.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { RunRecord } from "../../../src/record.ts";
import { recordedLog, scratch } from "../../toolchain/helpers.ts";

const tier: CacheTier = {
  name: "tier",
  restore: async () => ({ found: false, why: "nothing there" }),
  save: async () => ({ saved: true, why: "saved" }),
};

/** A compilation whose ccache folder is gone at its end, so that nothing can be saved of it. */
async function withoutFolder(t: TestContext, end: () => Promise<string>) {
  const folder = join(await scratch(t), "ccache");
  mkdirSync(folder);
  const log = recordedLog();
  const states: string[] = [];
  const context = {
    ...{ tiers: new Tiers([tier], log, new RunRecord()), env: {}, exec: new NodeExec(), log },
    saveState: (name: string, value: string) => void states.push(`${name}=${value}`),
  };
  const environment = { host: { ccache: folder } } as BuildEnvironment;
  const work = async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "no folder any more");
    return await end();
  };
  const outcome = withCarriedCcache(context, environment, { compiler: "c", content: "d" }, work);
  return { outcome, log, states };
}

test("a compilation succeeds and fails as it does, whether or not its ccache can be saved", async (t) => {
  const good = await withoutFolder(t, async () => "compiled");
  assert.equal(await good.outcome, "compiled");
  assert.match(good.log.lines.join("\n"), /^warning: ccache: not saved: ENOTDIR/m);
  assert.equal(good.states.at(-1), "ccache=");
  const bad = await withoutFolder(t, () => Promise.reject(new Error("broken")));
  await assert.rejects(bad.outcome, /broken/);
});
