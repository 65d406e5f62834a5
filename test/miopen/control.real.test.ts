import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "../device/support.ts";
import { TOO_SLOW } from "./patched.ts";

/**
 * The patch that each row of patched.real.test.ts and patched-find.real.test.ts is for. Rows that are not here show that
 * stock behaviour is kept.
 */
const PATCH_OF: Readonly<Record<string, string>> = {
  "is refused: an RX 5700 XT by its PCI id": "rdna1-detect",
  "is refused: a Pro V520 by its PCI id": "rdna1-detect",
  "is refused: an RX 5500 XT by its PCI id": "rdna1-detect",
  "is refused: one that only the KFD shows": "rdna1-detect",
  "runs with one warning when MIOPEN_RDNA1_ALLOW_SPOOF=1": "rdna1-detect",
  "host memory is non-coherent on RDNA1 and goes back with hipHostFree": "rdna1-host-memory",
  "launches nothing but the chosen solver on RDNA1, and searches elsewhere": "rdna1-no-search",
  "agrees with the workspace query, and takes what the workspace allows": "rdna1-no-search",
  "computes the right result in every mode, with workspace and without": "rdna1-no-search",
  "searches when a mode is set through the API, but for the default, which a program may have asked for and sets back":
    "rdna1-no-search",
  "honours a forced solver": "rdna1-fallback",
  "gives dilated convolutions the workspace of GEMM, in a search too": "rdna1-fallback",
  "is left out with one warning when rocBLAS has no kernels for the card": "rdna1-gemm",
  "is left out on gfx1012 where it would be a GEMV": "rdna1-gemm",
  "asks for no Winograd kernel on RDNA1 unless MIOPEN_RDNA1_WINOGRAD=1": "rdna1-winograd-off",
  "agrees with the CPU in the stock solvers too": "rdna1-batchnorm-build",
  "agrees with the CPU, forward and backward, with one kernel for all shapes": "rdna1-batchnorm-shape",
  "tensor reduction agrees with the CPU": "rdna1-reduce",
  "a find-db of a card with another number of work-group processors is used, and files of our own are written":
    "nearest-cu",
  "batch norm per activation, backward, agrees with the CPU": "driver-batchnorm",
  "Im2d2Col keeps within its LDS, and one kernel serves filters of many sizes": "rdna1-im2col",
};

/**
 * A library that `build --patches <folder>` made of a series without some of the patches (control-series.ts makes the folder):
 * `RDNA1_CONTROL_MIOPEN=<prefix>`, and `RDNA1_CONTROL_LACKS` names them, as above, separated by commas.
 */
const prefix = process.env.RDNA1_CONTROL_MIOPEN;
const lacks = (process.env.RDNA1_CONTROL_LACKS ?? "").split(",").filter((name) => name !== "");
const skip = prefix === undefined && "RDNA1_CONTROL_MIOPEN names no library without some of the patches";

test("without its patch each row fails", { skip, timeout: 1_800_000 }, async () => {
  assert.ok(lacks.length > 0 && lacks.every((name) => Object.values(PATCH_OF).includes(name)), "RDNA1_CONTROL_LACKS");
  const files = ["patched.real.test.ts", "patched-find.real.test.ts"].map((name) => join(import.meta.dirname, name));
  const env = { ...process.env, RDNA1_PATCHED_MIOPEN: prefix } as Record<string, string>;
  delete env.NODE_TEST_CONTEXT; // else the child would report to this process's runner
  const needed = Object.entries(PATCH_OF).filter(([, patch]) => lacks.includes(patch));
  const names = needed.map(([name]) => `--test-name-pattern=${name.replaceAll(/[^\w ]/g, ".")}`);
  const args = ["--test", "--test-reporter=tap", ...names, ...files];
  const result = await exec.run({ file: process.execPath, args, env }, { timeoutMs: 1_800_000, keep: 64 << 20 });
  const rows = [...result.stdout.matchAll(/^ *(not ok|ok) \d+ - (.+)\n +---\n +duration_ms: [\d.]+\n +type: 'test'/gm)];
  const passed = new Set(rows.filter(([, outcome]) => outcome === "ok").map(([, , name = ""]) => name));
  assert.ok(!result.stdout.includes(TOO_SLOW), "a run took too long, which is no row that fails");
  assert.deepEqual(
    needed.map(([name]) => name).filter((name) => passed.has(name) || !rows.some(([, , row]) => row === name)),
    [],
    `these rows pass without their patch, or did not run\n${result.stdout.slice(-2000)}`,
  );
});
