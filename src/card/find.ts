import { open, readdir, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { codeOf, machineError } from "../errors.ts";
import { readTextIfThere } from "../ports/files.ts";
import { type ComputeCard, computeCards, findCards, targetsOf } from "../rdna1/cards.ts";
import type { Target } from "../rdna1/targets.ts";

/** What plays the card in tests, where nobody has one: `stand-in.json` in the folder that RDNA1_TEST_CARD names. */
export interface StandIn {
  /** Libraries that answer HIP instead of the card's runtime */
  preload: readonly string[];
  environment: Readonly<Record<string, string>>;
}

/** A card that this process can use. */
export interface UsableCard extends ComputeCard {
  /** Its render node */
  node: string;
  /** The kernel with its driver: another one may behave differently */
  driver: string;
  /** A kernel that hangs freezes what it shows */
  drivesDisplay: boolean;
  standIn: StandIn | null;
}

/** What stands for `/` when cards are looked for. */
export function cardRoot(env: NodeJS.ProcessEnv): string {
  return env.RDNA1_TEST_CARD || "/";
}

/**
 * The first card of a target that this user may open, or in words why there is none. What the process inherited of
 * HSA_OVERRIDE_GFX_VERSION or ROCR_VISIBLE_DEVICES is not looked at: the card is asked under variables of our own.
 */
export async function cardOf(target: Target, env: NodeJS.ProcessEnv): Promise<UsableCard | string> {
  const root = cardRoot(env);
  const kfd = join(root, "dev/kfd");
  const state = await openState(kfd);
  if (state === "absent") return "this machine has no AMD card that programs can use (no /dev/kfd)";
  if (state !== null) return mayNot(kfd, state);
  const seen: (ComputeCard & { node: string })[] = [];
  for (const card of await computeCards(root)) {
    const node = join(root, `dev/dri/renderD${card.renderMinor}`);
    const problem = await openState(node);
    // The HSA runtime leaves out and does not count what is not there or not in its device group; any other refusal, also of a
    // card that nobody asks for, keeps it from starting [libhsakmt, topology.c and openclose.c]
    if (problem === "absent" || problem === "EPERM") continue;
    if (problem !== null) return mayNot(node, problem);
    seen.push({ ...card, index: seen.length, node });
  }
  const card = seen.find(({ architecture }) => architecture === target);
  if (card === undefined) {
    const others = [...new Set(seen.map(({ architecture }) => architecture))].join(", ");
    return `there is no ${target} among the cards that programs can use here${others === "" ? "" : ` (${others})`}`;
  }
  const standIn = root === "/" ? null : (JSON.parse(await readFile(join(root, "stand-in.json"), "utf8")) as StandIn);
  return { ...card, driver: await driverOf(root), drivesDisplay: await drivesDisplay(root, card), standIn };
}

/**
 * The card of a target when `wish` is `gpu`, or `auto` and there is one that drives no display; null where the virtual device
 * has to do. Throws a machine error when `gpu` cannot be had.
 */
export async function wantedCard(
  { env, log }: Pick<Context, "env" | "log">,
  option: "device" | "verify",
  wish: "auto" | "gpu" | "virtual" | "off",
  target: Target,
): Promise<UsableCard | null> {
  if (wish !== "gpu" && wish !== "auto") return null;
  const card = await cardOf(target, env);
  if (typeof card === "string") {
    if (wish === "gpu") {
      const others = targetsOf(await findCards(cardRoot(env))).filter((other) => other !== target);
      const hint = others.length === 0 ? "" : `use targets ${others.join(", ")}, or `;
      throw machineError(`${option}: ${card}`, `${hint}use ${option} 'virtual', which needs no card`);
    }
    log.debug(`${option}: ${target} on the virtual device: ${card}`);
    return null;
  }
  if (wish === "auto" && card.drivesDisplay) {
    log.info(
      `${option}: ${target} on the virtual device: the card drives a display, which a kernel that hangs would freeze; ${option} 'gpu' asks it all the same`,
    );
    return null;
  }
  if (card.standIn !== null) log.warning("RDNA1_TEST_CARD: a stand-in plays the card; what runs on it proves no card");
  else log.info(`${option}: what passes on the virtual device runs on the ${target} of this machine, too`);
  return card;
}

/** {@link wantedCard} of each target that has one. */
export async function wantedCards(
  context: Pick<Context, "env" | "log">,
  option: "device" | "verify",
  wish: "auto" | "gpu" | "virtual" | "off",
  targets: readonly Target[],
): Promise<ReadonlyMap<Target, UsableCard>> {
  const cards = new Map<Target, UsableCard>();
  for (const target of targets) {
    const card = await wantedCard(context, option, wish, target);
    if (card !== null) cards.set(target, card);
  }
  return cards;
}

function mayNot(file: string, code: string): string {
  return `this user may not open ${file} (${code}): it has to be in the group that the file belongs to (render or video)`;
}

/** Really opens a device, for access(2) knows nothing of device groups: null, `absent`, or the error's code. */
export async function openState(file: string): Promise<string | null> {
  try {
    await (await open(file, "r+")).close();
    return null;
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === undefined ? "absent" : code;
  }
}

/** Whether a display is connected to a card [Linux, Documentation/gpu: `card<n>-<connector>/status`]. */
async function drivesDisplay(root: string, { renderMinor }: ComputeCard): Promise<boolean> {
  const drm = join(root, `sys/class/drm/renderD${renderMinor}/device/drm`);
  for (const card of await readdir(drm).catch(() => [])) {
    for (const connector of await readdir(join(drm, card)).catch(() => [])) {
      const status = await readTextIfThere(join(drm, card, connector, "status")).catch(() => null);
      if (status?.trim() === "connected") return true;
    }
  }
  return false;
}

/** `6.12.48` or, with AMD's own driver, `6.12.48 amdgpu 6.14.5`. */
async function driverOf(root: string): Promise<string> {
  const own = (await readTextIfThere(join(root, "sys/module/amdgpu/version")))?.trim();
  return own === undefined ? release() : `${release()} amdgpu ${own}`;
}
