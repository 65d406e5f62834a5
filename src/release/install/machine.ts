import type { Log } from "../../ports/log.ts";
import { findCards, targetsOf } from "../../rdna1/cards.ts";
import type { Target } from "../../rdna1/targets.ts";
import { installedVersion } from "../../toolchain/system.ts";
import type { InstallRequest } from "./request.ts";

/** What a package must fit, as asked for or as this machine has it. */
export interface Fit {
  /** null: any */
  rocm: string | null;
  /** empty: any */
  targets: readonly Target[];
}

/** Fills in from the machine what was not asked for. `root` stands in for `/`. */
export async function fitOf(
  { rocmVersion, targets }: Pick<InstallRequest, "rocmVersion" | "targets">,
  env: NodeJS.ProcessEnv,
  log: Log,
  root = "/",
): Promise<Fit> {
  return {
    rocm: rocmVersion ?? (await rocmHere(env, log, root)),
    targets: targets ?? (await targetsHere(log, root)),
  };
}

async function targetsHere(log: Log, root: string): Promise<readonly Target[]> {
  const cards = await findCards(root);
  const targets = targetsOf(cards);
  const others = cards.map(({ architecture }) => architecture).filter((name) => !targets.some((own) => own === name));
  if (targets.length > 0) log.info(`cards of this machine: ${cards.map((card) => card.architecture).join(", ")}`);
  else if (others.length > 0) {
    log.warning(`the cards of this machine (${others.join(", ")}) are no RDNA1 cards: these kernels do not serve them`);
  } else {
    log.info("no AMD card is seen on this machine, so a package for any target will do");
  }
  return targets;
}

async function rocmHere(env: NodeJS.ProcessEnv, log: Log, root: string): Promise<string | null> {
  for (const folder of [env.ROCM_PATH || `${root}/opt/rocm`, root]) {
    const version = await installedVersion(folder);
    if (version === null) continue;
    log.info(`ROCm of this machine: ${version}, in ${folder}`);
    return version;
  }
  log.info("no ROCm is seen on this machine, so a package for any will do");
  return null;
}
