import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { findCards, targetsOf } from "../../src/rdna1/cards.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "rdna1-cards-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}

const node = (number: number, version: number) =>
  put(
    `sys/class/kfd/kfd/topology/nodes/${number}/properties`,
    `cpu_cores_count ${version === 0 ? 16 : 0}\nsimd_count ${version === 0 ? 0 : 80}\ngfx_target_version ${version}\nvendor_id 4098\n`,
  );

async function pci(address: string, vendor: string, device: string): Promise<void> {
  await put(`sys/bus/pci/devices/${address}/vendor`, `${vendor}\n`);
  await put(`sys/bus/pci/devices/${address}/device`, `${device}\n`);
}

for (const [version, name] of [
  [100100, "gfx1010"],
  [100101, "gfx1011"],
  [100102, "gfx1012"],
  [100103, "gfx1013"],
  [100300, "gfx1030"],
  [90010, "gfx90a"],
  [110001, "gfx1101"],
] as const) {
  test(`the compute driver's ${version} is ${name}`, async () => {
    await node(0, 0);
    await node(1, version);
    assert.deepEqual(await findCards(root), [{ architecture: name, from: "kfd" }]);
  });
}

test("several cards are all listed, and each target once", async () => {
  for (const [index, version] of [0, 100102, 100100, 100100, 100300].entries()) await node(index, version);
  const cards = await findCards(root);
  assert.equal(cards.length, 4);
  assert.deepEqual(targetsOf(cards), ["gfx1010", "gfx1012"]);
});

test("without the compute driver the PCI bus tells RDNA1 cards, and only AMD's", async () => {
  await node(0, 0);
  await pci("0000:03:00.0", "0x1002", "0x731f");
  await pci("0000:04:00.0", "0x1002", "0x7340");
  await pci("0000:05:00.0", "0x1002", "0x73bf");
  await pci("0000:06:00.0", "0x10de", "0x731f");
  assert.deepEqual(await findCards(root), [
    { architecture: "gfx1010", from: "pci" },
    { architecture: "gfx1012", from: "pci" },
  ]);
});

test("a machine without any of it has no cards", async () => {
  assert.deepEqual(await findCards(root), []);
});
