import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StandIn } from "../../src/card/find.ts";

/** gfx_target_version of the compute driver */
const VERSIONS = { gfx1010: 100100, gfx1011: 100101, gfx1012: 100102, gfx1030: 100300 };

/** A root of a machine with these cards, for RDNA1_TEST_CARD. Whatever they are, `standIn` plays them. */
export function standInRoot(parent: string, cards: readonly (keyof typeof VERSIONS)[], standIn: StandIn): string {
  const root = mkdtempSync(join(parent, "card-"));
  mkdirSync(join(root, "dev/dri"), { recursive: true });
  writeFileSync(join(root, "dev/kfd"), "");
  const put = (node: number, properties: string) => {
    const folder = join(root, "sys/class/kfd/kfd/topology/nodes", String(node));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "properties"), properties);
  };
  put(0, "cpu_cores_count 16\ngfx_target_version 0\n");
  for (const [index, card] of cards.entries()) {
    writeFileSync(join(root, `dev/dri/renderD${128 + index}`), "");
    put(
      index + 1,
      `simd_count 80\ndevice_id 29471\nlocation_id ${768 + index}\ndrm_render_minor ${128 + index}\ngfx_target_version ${VERSIONS[card]}\n`,
    );
  }
  writeFileSync(join(root, "stand-in.json"), JSON.stringify(standIn));
  return root;
}
