import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./sandbox.ts";

test("dist is one file that reads nothing beside it", () => {
  const files = readdirSync(join(projectRoot, "dist"));
  assert.deepEqual(files.sort(), ["index.js", "licenses.txt", "package.json"]);
  // ncc takes some paths for files to be packed, and has the bundle look for them in dist.
  assert.doesNotMatch(readFileSync(join(projectRoot, "dist/index.js"), "utf8"), /__nccwpck_require__\.ab \+/);
});

test("dist is what the sources build", () => {
  const fresh = mkdtempSync("/tmp/rdna1-dist-");
  try {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      scripts: { build: string };
    };
    const [, ...args] = scripts.build.replace("--out dist", `--out ${fresh}`).split(" ");
    execFileSync(join(projectRoot, "node_modules/.bin/ncc"), args, { cwd: projectRoot, stdio: "pipe" });
    const committed = join(projectRoot, "dist");
    assert.deepEqual(
      readdirSync(fresh, { recursive: true }).sort(),
      readdirSync(committed, { recursive: true }).sort(),
    );
    for (const file of readdirSync(fresh, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())) {
      const name = join(file.parentPath, file.name).slice(fresh.length + 1);
      assert.ok(
        readFileSync(join(fresh, name)).equals(readFileSync(join(committed, name))),
        `${name} differs: run npm run build and commit dist`,
      );
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
});
