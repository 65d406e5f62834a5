import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { machineError } from "../errors.ts";
import { exists, readTextIfThere } from "../ports/files.ts";
import { type ComputeCard, computeCards } from "../rdna1/cards.ts";
import type { Target } from "../rdna1/targets.ts";

/** What plays the card in tests, where nobody has one: `stand-in.json` in the folder that RDNA1_TEST_CARD names. */
export interface StandIn {
  /** Libraries that answer HIP instead of the card's runtime */
  preload: readonly string[];
  environment: Readonly<Record<string, string>>;
}

/** A card that this process can use. */
export interface UsableCard extends ComputeCard {
  /** The kernel with its driver: another one may behave differently */
  driver: string;
  standIn: StandIn | null;
}

/**
 * The first card of a target that this user may open, or in words why there is none. What the process inherited of
 * HSA_OVERRIDE_GFX_VERSION or ROCR_VISIBLE_DEVICES is not looked at: the card is asked under variables of our own.
 */
export async function cardOf(target: Target, env: NodeJS.ProcessEnv): Promise<UsableCard | string> {
  const standInRoot = env.RDNA1_TEST_CARD || null;
  const root = standInRoot ?? "/";
  const kfd = join(root, "dev/kfd");
  if (!(await exists(kfd))) return "this machine has no AMD card that programs can use (no /dev/kfd)";
  const cards = await computeCards(root);
  const card = cards.find(({ architecture }) => architecture === target);
  if (card === undefined) {
    const others = [...new Set(cards.map(({ architecture }) => architecture))].join(", ");
    return `there is no ${target} among the cards of this machine${others === "" ? "" : ` (${others})`}`;
  }
  for (const file of [kfd, join(root, `dev/dri/renderD${card.renderMinor}`)]) {
    if (await mayUse(file)) continue;
    return `this user may not open ${file}: it has to be in the group that the file belongs to (render or video)`;
  }
  const standIn =
    standInRoot === null ? null : (JSON.parse(await readFile(join(standInRoot, "stand-in.json"), "utf8")) as StandIn);
  return { ...card, driver: await driverOf(root), standIn };
}

/**
 * The card of a target when `wish` is `gpu`, or `auto` and there is one; null where the virtual device has to do. Throws a
 * machine error when `gpu` cannot be had.
 */
export async function wantedCard(
  { env, log }: Pick<Context, "env" | "log">,
  option: "device" | "verify",
  wish: "auto" | "gpu" | "virtual" | "off",
  target: Target,
): Promise<UsableCard | null> {
  if (wish !== "gpu" && wish !== "auto") return null;
  const card = await cardOf(target, env);
  if (typeof card !== "string") {
    if (card.standIn !== null)
      log.warning("RDNA1_TEST_CARD: a stand-in plays the card; what runs on it proves no card");
    return card;
  }
  if (wish === "gpu") throw machineError(`${option}: ${card}`, `use ${option} 'virtual', which needs no card`);
  log.debug(`${option}: ${target} on the virtual device: ${card}`);
  return null;
}

function mayUse(file: string): Promise<boolean> {
  return access(file, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** `6.12.48` or, with AMD's own driver, `6.12.48 amdgpu 6.14.5`. */
async function driverOf(root: string): Promise<string> {
  const own = (await readTextIfThere(join(root, "sys/module/amdgpu/version")))?.trim();
  return own === undefined ? release() : `${release()} amdgpu ${own}`;
}
