import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { NodeExec } from "../../../src/ports/exec.ts";
import { fitOf, machineHere } from "../../../src/release/install/machine.ts";
import { MemoryLog } from "../publish/support.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "rdna1-machine-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const ANY = { rocmVersion: null, targets: null };

async function machine({ rocm, card }: { rocm?: string; card?: number }): Promise<void> {
  const files = {
    ...(rocm !== undefined && { "opt/rocm/.info/version": `${rocm}-42\n` }),
    ...(card !== undefined && { "sys/class/kfd/kfd/topology/nodes/1/properties": `gfx_target_version ${card}\n` }),
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
}

test("the machine's own ROCm and card are taken where none was asked for", async () => {
  await machine({ rocm: "7.2.4", card: 100102 });
  assert.deepEqual(await fitOf(ANY, {}, new MemoryLog(), root), { rocm: "7.2.4", targets: ["gfx1012"] });
});

test("what was asked for wins", async () => {
  await machine({ rocm: "7.2.4", card: 100102 });
  const asked = { rocmVersion: "6.4.3", targets: ["gfx1010"] as const };
  assert.deepEqual(await fitOf(asked, {}, new MemoryLog(), root), { rocm: "6.4.3", targets: ["gfx1010"] });
});

test("a machine without ROCm and without a card takes any package, and says so", async () => {
  const log = new MemoryLog();
  assert.deepEqual(await fitOf(ANY, {}, log, root), { rocm: null, targets: [] });
  assert.match(log.lines.join("\n"), /no ROCm is seen[\s\S]*no AMD card is seen/);
});

test("cards of another architecture are named in a warning", async () => {
  await machine({ card: 100300 });
  const log = new MemoryLog();
  assert.deepEqual((await fitOf(ANY, {}, log, root)).targets, []);
  assert.match(log.lines.join("\n"), /\(gfx1030\) are no RDNA1 cards/);
});

test("ROCM_PATH wins over /opt/rocm", async () => {
  await machine({ rocm: "7.2.4" });
  await mkdir(path.join(root, "mine/.info"), { recursive: true });
  await writeFile(path.join(root, "mine/.info/version"), "7.0.2\n");
  const { rocm } = await fitOf(ANY, { ROCM_PATH: path.join(root, "mine") }, new MemoryLog(), root);
  assert.equal(rocm, "7.0.2");
});

test("who names a ROCm is told what its kernels are for, and not refused, unless something that fits can be made", async () => {
  await machine({ rocm: "7.2.4" });
  const here = async (rocmVersion: string | null, fallback: "none" | "build") => {
    const { rocm, strict } = await machineHere({ rocmVersion, fallback }, {}, new NodeExec(), root);
    assert.equal(rocm, "7.2.4");
    return strict;
  };
  assert.deepEqual(
    [await here(null, "none"), await here("7.2.4", "none"), await here("7.2.4", "build")],
    [true, false, true],
  );
});
