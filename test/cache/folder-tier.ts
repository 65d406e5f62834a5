import { existsSync, readdirSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { CacheTier } from "../../src/cache/tiers.ts";

const CP = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };

/** A tier in a folder: what the Actions cache does, without its server. Where a prefix is asked for, the last name is the newest. */
export function folderTier(home: string): CacheTier {
  return {
    name: "tier",
    restore: async ({ key, folder, prefixes = [] }) => {
      const names = existsSync(home) ? readdirSync(home).sort() : [];
      const like = prefixes.map((prefix) => names.findLast((name) => name.startsWith(prefix)));
      const found = [names.find((name) => name === key), ...like].find((name) => name !== undefined);
      if (found === undefined) return { found: false, why: `no entry ${key}` };
      await cp(join(home, found), folder, CP);
      return { found: true, why: `restored ${found}` };
    },
    save: async ({ key, folder }) => {
      await cp(folder, join(home, key), CP);
      return { saved: true, why: `saved as ${key}` };
    },
  };
}
