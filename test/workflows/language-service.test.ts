import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { TextDocument } from "vscode-languageserver-textdocument";

const root = join(import.meta.dirname, "../..");
const workflows = readdirSync(join(root, ".github/workflows")).map((name) => `.github/workflows/${name}`);
const actions = readdirSync(join(root, ".github/actions")).map((name) => `.github/actions/${name}/action.yml`);

// GitHub's packages import JSON as bundlers allow it, without the attribute that Node asks for.
registerHooks({
  load: (url, context, next) =>
    url.endsWith(".json")
      ? { format: "module", source: `export default ${readFileSync(new URL(url), "utf8")}`, shortCircuit: true }
      : next(url, context),
});
const { validate, registerLogger } = await import("@actions/languageservice");

// It reports its own failures to a logger only, and then finds nothing.
const failures: string[] = [];
const note = (message: string) => void failures.push(message);
registerLogger({ error: note, warn: note, info: () => {}, log: () => {} });

async function findings(name: string, text: string): Promise<string[]> {
  const document = TextDocument.create(pathToFileURL(join(root, name)).href, "yaml", 1, text);
  const found = await validate(document, {});
  return [...failures.splice(0), ...found.map(({ message, range }) => `${name}:${range.start.line + 1}: ${message}`)];
}

for (const name of [...workflows, ...actions, "action.yml"]) {
  test(`GitHub's language service finds nothing in ${name}`, async () => {
    assert.deepEqual(await findings(name, readFileSync(join(root, name), "utf8")), []);
  });
}

test("it does look: it names an unknown key and an unknown context", async () => {
  const text = readFileSync(join(root, ".github/workflows/ci.yml"), "utf8");
  const wrong = text
    .replace("timeout-minutes: 15", "timeout-minute: 15")
    .replace("github.event_name", "gitub.event_name");
  const found = await findings(".github/workflows/wrong.yml", wrong);
  assert.match(found.join("\n"), /timeout-minute\b/);
  assert.match(found.join("\n"), /gitub/);
});
