import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { projectRoot } from "../sandbox.ts";
import { ACTIONLINT, find, ZIZMOR } from "./tools.ts";

const scratch = mkdtempSync("/tmp/rdna1-lint-");
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The same workflows with a hole that each of the linters has to see: an event's text in a shell script. */
function withHole(): string {
  const folder = join(scratch, "hole");
  cpSync(join(projectRoot, ".github"), join(folder, ".github"), { recursive: true });
  const file = join(folder, ".github/workflows/ci.yml");
  const hole = `      - run: echo "\${{ github.event.pull_request.title }}"\n`;
  writeFileSync(file, readFileSync(file, "utf8").replace("      - run: npm ci\n", hole));
  return folder;
}

const run = (program: string, args: readonly string[], cwd: string): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr });
    });
  });

const linters = [
  { tool: ACTIONLINT, args: (folder: string) => ["-no-color", ...WORKFLOWS.map((name) => join(folder, name))] },
  { tool: ZIZMOR, args: (folder: string) => ["--offline", "--no-progress", "--color=never", folder] },
];
const WORKFLOWS = ["ci", "build", "publish", "release", "rebuild", "drift", "prober"].map(
  (name) => `.github/workflows/${name}.yml`,
);

for (const { tool, args } of linters) {
  const found = find(tool);
  describe(`${tool.name} ${tool.version}`, { skip: "skip" in found ? found.skip : false }, () => {
    if ("skip" in found) return;
    test("finds nothing in the workflows and the action", async () => {
      const { code, said } = await run(found.program, args(projectRoot), projectRoot);
      assert.equal(code, 0, said);
    });
    test("finds a title that is run as a script", async () => {
      const folder = withHole();
      const { code, said } = await run(found.program, args(folder), folder);
      assert.notEqual(code, 0);
      assert.match(said, /template-injection|untrusted/, said);
    });
  });
}
