import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { isTarget, TARGETS, type Target } from "./targets.ts";

/** A graphics card of this machine. */
export interface Card {
  /** e.g. `gfx1010`, also of architectures that are no target */
  architecture: string;
  /** Which part of the system told: the compute driver, or the PCI bus where that driver is not loaded */
  from: "kfd" | "pci";
}

/** A card as the compute driver has it. */
export interface ComputeCard {
  architecture: string;
  /** As ROCR_VISIBLE_DEVICES counts [ROCR-Runtime, the agents in the order of the driver's nodes] */
  index: number;
  /** `/dev/dri/renderD<this>`, which programs open besides `/dev/kfd` */
  renderMinor: number;
  /** Tells it from every other card as far as the driver can: PCI device and place, and a serial number where it has one */
  id: string;
}

/** PCI devices of AMD (0x1002) by architecture [Linux, drivers/gpu/drm/amd/amdgpu/amdgpu_drv.c, pciidlist]. */
const PCI_DEVICES: Readonly<Record<Target, readonly number[]>> = {
  gfx1010: [0x7310, 0x7312, 0x7318, 0x7319, 0x731a, 0x731b, 0x731e, 0x731f],
  gfx1011: [0x7360, 0x7362],
  gfx1012: [0x7340, 0x7341, 0x7347, 0x734f],
};

/**
 * AMD cards as the compute driver lists them; where it lists none, the RDNA1 cards on the PCI bus. Nothing is opened and no
 * right is needed. `root` stands in for `/`.
 */
export async function findCards(root = "/"): Promise<readonly Card[]> {
  const known = await computeCards(root);
  if (known.length === 0) return (await busCards(root)).map(({ architecture }) => ({ architecture, from: "pci" }));
  return known.map(({ architecture }) => ({ architecture, from: "kfd" }));
}

/** The cards that the compute driver lists, in its order. `root` stands in for `/`. */
export async function computeCards(root = "/"): Promise<readonly ComputeCard[]> {
  const nodes = join(root, "sys/class/kfd/kfd/topology/nodes");
  const cards: ComputeCard[] = [];
  for (const node of (await namesIn(nodes)).sort((a, b) => Number(a) - Number(b))) {
    const properties = await textOf(join(nodes, node, "properties"));
    const number = (name: string) => BigInt(new RegExp(`^${name} (\\d+)$`, "m").exec(properties)?.[1] ?? 0);
    const architecture = architectureOf(Number(number("gfx_target_version")));
    if (architecture === null) continue;
    const place = [number("device_id"), number("domain"), number("location_id"), number("unique_id")];
    const id = place.map((part) => part.toString(16)).join(".");
    cards.push({ architecture, index: cards.length, renderMinor: Number(number("drm_render_minor")), id });
  }
  return cards;
}

/** The targets among cards, each once. */
export function targetsOf(cards: readonly Card[]): readonly Target[] {
  return [...new Set(cards.map(({ architecture }) => architecture).filter(isTarget))].sort();
}

/** `gfx_target_version` is major * 10000 + minor * 100 + stepping, 0 for a CPU [Linux, kfd_device.c]; the name has them in hexadecimal. */
function architectureOf(version: number): string | null {
  if (version === 0) return null;
  const [minor, stepping] = [Math.floor(version / 100) % 100, version % 100];
  return `gfx${Math.floor(version / 10_000)}${minor.toString(16)}${stepping.toString(16)}`;
}

/** An RDNA1 card on the PCI bus, whether or not a driver has it. */
export interface BusCard {
  /** e.g. `0000:03:00.0` */
  address: string;
  architecture: Target;
  /** The kernel driver that has it, e.g. `amdgpu` or `vfio-pci`; null: none */
  driver: string | null;
}

/** The RDNA1 cards on the PCI bus. `root` stands in for `/`. */
export async function busCards(root = "/"): Promise<readonly BusCard[]> {
  const devices = join(root, "sys/bus/pci/devices");
  const cards: BusCard[] = [];
  for (const address of await namesIn(devices)) {
    if (Number(await textOf(join(devices, address, "vendor"))) !== 0x1002) continue;
    const id = Number(await textOf(join(devices, address, "device")));
    const driver = await readlink(join(devices, address, "driver")).then(basename, () => null);
    for (const { target } of Object.values(TARGETS)) {
      if (PCI_DEVICES[target].includes(id)) cards.push({ address, architecture: target, driver });
    }
  }
  return cards;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  );
}

async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
}
