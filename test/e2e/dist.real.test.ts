import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./sandbox.ts";

test("dist is code alone: what starts every run, and what only some need", () => {
  const files = readdirSync(join(projectRoot, "dist"));
  const code = files.filter((name) => /^(\d+\.)?index\.js$/.test(name));
  assert.deepEqual(
    files.filter((name) => !code.includes(name)),
    ["licenses.txt", "package.json"],
  );
  for (const name of code) {
    const text = readFileSync(join(projectRoot, "dist", name), "utf8");
    // ncc takes some paths for files to be packed, and has the bundle look for them in dist.
    assert.doesNotMatch(text, /__nccwpck_require__\.ab \+/, name);
    // GitHub's cache client and Sigstore are loaded by those runs that need them.
    if (name === "index.js") assert.doesNotMatch(text, /node_modules\/(@azure|@sigstore)\//);
  }
});

test("dist is what the sources build", () => {
  const fresh = mkdtempSync("/tmp/rdna1-dist-");
  try {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      scripts: { build: string };
    };
    const [, command = ""] = scripts.build.split(" && ncc ");
    const args = command.replace("--out dist", `--out ${fresh}`).split(" ");
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
