import { type CRuntime, NO_RUNTIME, runtimeHere, whyNotRunning } from "../../c-runtime.ts";
import { userError } from "../../errors.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Log } from "../../ports/log.ts";
import { findCards, targetsOf } from "../../rdna1/cards.ts";
import type { Target } from "../../rdna1/targets.ts";
import { installedVersion } from "../../toolchain/system.ts";
import { type MiopenFacts, type MiopenHere, matchMiopen, miopenHere } from "./machine-miopen.ts";
import type { InstallRequest } from "./request.ts";

/** What a package must fit, as asked for or as this machine has it. */
export interface Fit {
  /** null: any */
  rocm: string | null;
  /** empty: any */
  targets: readonly Target[];
}

/** What a package has to get along with on this machine. */
export interface Machine {
  runtime: CRuntime;
  /** Version of ROCm; null: none is seen */
  rocm: string | null;
  /** null: none is seen */
  miopen: MiopenHere | null;
  /** Whether kernels for another MIOpen than that are refused; else it is said what they are for */
  strict: boolean;
}

/** A machine of which nothing is known. */
export const ANY_MACHINE: Machine = { runtime: NO_RUNTIME, rocm: null, miopen: null, strict: false };

/**
 * Who names a ROCm may want it for another place than this one, and is told only. Where something that fits can be
 * made instead, it is.
 */
export async function machineHere(
  { rocmVersion, fallback }: Pick<InstallRequest, "rocmVersion" | "fallback">,
  env: NodeJS.ProcessEnv,
  exec: Exec,
  root = "/",
): Promise<Machine> {
  return {
    runtime: await runtimeHere(env, exec, root),
    rocm: (await rocmSeen(env, root))?.version ?? null,
    miopen: await miopenHere(env, root),
    strict: rocmVersion === null || fallback === "build",
  };
}

/** Why a package is of no use here, as what is to follow `whose` or `its`, and whether its kernels are for another MIOpen. */
export async function whyNotHere(manifest: MiopenFacts, machine: Machine): Promise<Unfit | null> {
  const unfit = whyNotRunning(manifest.library?.needs, machine.runtime);
  if (unfit !== null) return { why: `MIOpen ${unfit}`, otherMiopen: false };
  if (!machine.strict) return null;
  const { kind, why } = await matchMiopen(manifest, machine.miopen);
  return kind === "other" ? { why, otherMiopen: true } : null;
}

export interface Unfit {
  why: string;
  otherMiopen: boolean;
}

/**
 * A package whose MIOpen does not start here would keep every program that uses MIOpen from starting; one whose kernels
 * are for another MIOpen would be of no use.
 */
export async function refuseUnfit(
  { name, manifest }: { name: string; manifest: MiopenFacts },
  machine: Machine,
): Promise<void> {
  const unfit = await whyNotHere(manifest, machine);
  if (unfit === null) return;
  throw userError(
    `${name} ${unfit.otherMiopen ? "is not for" : "does not run on"} this machine: its ${unfit.why}`,
    unfit.otherMiopen
      ? OTHER_MIOPEN
      : "use miopen distribution, whose package has kernels only, or a package that was compiled on a system like this one",
  );
}

/** What to do about kernels for another MIOpen than that of this machine. */
export const OTHER_MIOPEN =
  "let fallback 'build' make kernels for the MIOpen of this machine, or name the ROCm with rocm-version to install them all the same";

/** Says which MIOpen installed kernels are for, as far as that could not be made sure of. */
export async function sayMiopen(manifest: MiopenFacts, { miopen, rocm }: Machine, log: Log): Promise<void> {
  const { kind, why } = await matchMiopen(manifest, miopen);
  if (kind === "own") return;
  // Without a ROCm this is no machine to use them on, but perhaps one to prepare them
  if (kind === "same" || (miopen === null && rocm === null)) log.info(`these ${why}`);
  else log.warning(`these ${why}: MIOpen compiles what it does not find in them, and does not check what it finds`);
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
  const seen = await rocmSeen(env, root);
  if (seen !== null) log.info(`ROCm of this machine: ${seen.version}, in ${seen.folder}`);
  else log.info("no ROCm is seen on this machine, so a package for any will do");
  return seen?.version ?? null;
}

/** The ROCm of a machine: `ROCM_PATH`, else `/opt/rocm`, else what a distribution has installed. */
export async function rocmSeen(
  env: NodeJS.ProcessEnv,
  root: string,
): Promise<{ version: string; folder: string } | null> {
  for (const folder of [env.ROCM_PATH || `${root}/opt/rocm`, root]) {
    const version = await installedVersion(folder);
    if (version !== null) return { version, folder };
  }
  return null;
}
