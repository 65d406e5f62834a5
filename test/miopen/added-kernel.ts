import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../device/support.ts";

/** What HIPRTC declares by itself. */
const PRELUDE = `
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(n) __attribute__((launch_bounds(n)))
#define MIOPEN_DONT_USE_HIP_RUNTIME_HEADERS
#define threadIdx (Item{__builtin_amdgcn_workitem_id_x()})
#define blockIdx (Item{__builtin_amdgcn_workgroup_id_x()})
#define blockDim (Item{__builtin_amdgcn_workgroup_size_x()})
#define gridDim (Item{__builtin_amdgcn_grid_size_x() / __builtin_amdgcn_workgroup_size_x()})
struct Item { unsigned x; };
#define __syncthreads() (__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"), __builtin_amdgcn_s_barrier(), \\
                         __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup"))
#define sqrtf __builtin_sqrtf
`;

/** The series of this program, `3.4` and so on. */
export async function bundledSeries(): Promise<string[]> {
  return (await readdir(join(projectRoot, "patches"))).filter((name) => /^\d/.test(name)).sort();
}

/** The text of a file that a patch of a series adds, or null. */
export async function addedFile(series: string, file: string): Promise<string | null> {
  const folder = join(projectRoot, "patches", series);
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(".patch")).sort()) {
    const patch = await readFile(join(folder, name), "utf8");
    const begin = patch.indexOf(`\n--- /dev/null\n+++ b/${file}\n`);
    if (begin < 0) continue;
    const lines = patch.slice(begin).split("\n").slice(4);
    const end = lines.findIndex((line) => !line.startsWith("+"));
    return lines
      .slice(0, end < 0 ? undefined : end)
      .map((line) => line.slice(1))
      .join("\n");
  }
  return null;
}

/**
 * A kernel source that series add, as HIPRTC would be given it: each text that differs, with the series that have it. Fails
 * where one of `wanted` has none.
 */
export async function addedKernels(file: string, wanted: readonly string[]): Promise<Map<string, string[]>> {
  const texts = new Map<string, string[]>();
  for (const series of wanted) {
    const text = await addedFile(series, file);
    assert.ok(text !== null, `patches/${series} does not add ${file}`);
    const source = PRELUDE + text;
    texts.set(source, [...(texts.get(source) ?? []), series]);
  }
  return texts;
}
