import { readdir } from "node:fs/promises";
import type { Log } from "../ports/log.ts";
import { TARGETS, type Target } from "../rdna1/targets.ts";
import type { Toolchain } from "./toolchain.ts";

/** The targets that rocBLAS has kernels for, by the names of its files. */
export async function rocblasTargets({ paths }: Pick<Toolchain, "paths">): Promise<Target[]> {
  const names = paths.rocblasLibrary === null ? [] : await readdir(paths.rocblasLibrary).catch(() => []);
  const cards = new Set(names.map((name) => /^TensileLibrary.*_(gfx[0-9a-f]+)/.exec(name)?.[1]));
  return Object.values(TARGETS)
    .map(({ target }) => target)
    .filter((target) => cards.has(target));
}

/**
 * Warns of wanted targets that rocBLAS has no kernels for: GEMM, and every convolution that goes through it, then aborts
 * the process. AMD's packages of 6.4 to 7.2 have none for RDNA1 (facts: MIOpen §7); those for gfx1010 also serve gfx1011
 * and gfx1012 (device/rocblas-overlay.ts).
 */
export async function sayWithoutRocblas(toolchain: Toolchain, targets: readonly Target[], log: Log): Promise<void> {
  const served = await rocblasTargets(toolchain);
  const missing = served.includes("gfx1010") ? [] : targets.filter((target) => !served.includes(target));
  if (missing.length === 0) return;
  const whose = toolchain.kind === "amd" ? "AMD's rocBLAS" : "the toolchain's rocBLAS";
  log.warning(
    `${whose} (ROCm ${toolchain.rocmVersion}) has no kernels for ${missing.join(", ")}: GEMM does not work there; ` +
      "Debian's rocBLAS and TheRock's archives for gfx101X have them",
  );
}
