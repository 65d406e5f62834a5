import type { TensorType } from "./problem.ts";
import type { Im2colCase } from "./ranges.ts";

/**
 * Tile sizes at which the compiler changes its mind about Im2d2Col, measured with LLVM 22 (docs/kernel-set.md): below
 * and above each lies other code or another register count. Elements, except where a size in bytes of LDS decides (how
 * many work-groups fit). Another compiler may have others: what lies between two anchors of different code is then
 * reported by derive.ts and harvested one by one.
 */
const ELEMENT_LIMITS = [256, 320, 1020, 1022, 1023, 1024];
const BYTE_LIMITS = [1796, 2020];

/** How many tiles between the limits are harvested too, only to check what is derived. */
const CONTROLS = 3;

/**
 * The Im2d2Col cases to harvest for a type: on both sides of every limit, the smallest, the largest, and some controls.
 * bf16 has the objects of fp16: the ends and the controls only, as a check.
 */
export function anchorsOf(cases: readonly Im2colCase[], type: TensorType): Im2colCase[] {
  const branches = [false, true].map((whole) =>
    cases.filter(({ shape }) => (shape.oneBlock && !shape.strided) === whole),
  );
  return branches.flatMap((branch) => {
    const sorted = branch.toSorted((a, b) => a.shape.tile - b.shape.tile);
    const picked = new Set<Im2colCase>();
    const pick = (one: Im2colCase | undefined) => one !== undefined && picked.add(one);
    pick(sorted[0]);
    pick(sorted.at(-1));
    for (let control = 1; control <= CONTROLS; control++) {
      const tile = sorted[Math.floor((control * sorted.length) / (CONTROLS + 1))]?.shape.tile;
      // All cases of that tile: strided or not must not matter
      for (const one of sorted) if (one.shape.tile === tile) pick(one);
    }
    if (type === "bf16") return [...picked];
    const bytes = type === "fp32" ? 4 : 2;
    for (const limit of [...ELEMENT_LIMITS, ...BYTE_LIMITS.map((size) => size / bytes)]) {
      pick(sorted.findLast(({ shape }) => shape.tile <= limit));
      pick(sorted.find(({ shape }) => shape.tile > limit));
    }
    return [...picked];
  });
}
