import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { parseBundles } from "../../../src/release/install/bundles.ts";
import { trustedRoots } from "../../../src/release/install/trusted-root.ts";
import { MemoryLog } from "../publish/support.ts";
import { TestSigstore } from "./sigstore.ts";

let scratch = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-roots-"));
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const options = () => ({ file: null, cache: path.join(scratch, "cache"), offline: true });

test("without a network the roots that come with the program are used: Sigstore's own", async () => {
  const log = new MemoryLog();
  const [root, ...others] = await trustedRoots(options(), log);
  assert.deepEqual([others, log.lines], [[], []]);
  assert.ok(root !== undefined);
  assert.ok(root.certificateAuthorities.some(({ uri }) => uri === "https://fulcio.sigstore.dev"));
  assert.ok(root.tlogs.length > 0 && root.ctlogs.length > 0);
});

test("where the update service is not reached, too, and a warning says so", async (t) => {
  const asked: string[] = [];
  t.mock.method(globalThis, "fetch", async (url: string | URL) => {
    asked.push(new URL(url).host);
    throw new TypeError("fetch failed");
  });
  const log = new MemoryLog();
  const [root] = await trustedRoots({ ...options(), offline: false }, log);
  assert.ok(root?.certificateAuthorities.some(({ uri }) => uri === "https://fulcio.sigstore.dev"));
  assert.deepEqual([...new Set(asked)], ["tuf-repo-cdn.sigstore.dev"]);
  assert.match(log.lines.join("\n"), /could not be brought up to date \(.*fetch failed/);
});

test("one's own roots: a JSON text, or one a line as gh writes them", async () => {
  const [one, two] = [await TestSigstore.start(), await TestSigstore.start(false)];
  const file = path.join(scratch, "roots.jsonl");
  await writeFile(file, `${JSON.stringify(one.root)}\n${JSON.stringify(two.root)}\n`);
  const roots = await trustedRoots({ ...options(), file }, new MemoryLog());
  assert.deepEqual(
    roots.map(({ tlogs }) => tlogs.length),
    [1, 0],
  );
  one.close();
  two.close();
});

for (const [what, text, why] of [
  ["no JSON", "roots", /is no JSON/],
  ["JSON without an authority", "{}", /has no certificate authority/],
] as const) {
  test(`a file of roots that is ${what} is refused`, async () => {
    const file = path.join(scratch, "bad.json");
    await writeFile(file, text);
    await assert.rejects(trustedRoots({ ...options(), file }, new MemoryLog()), { kind: "user", message: why });
  });
}

test("a file of roots that is not there is refused", async () => {
  const file = path.join(scratch, "none.json");
  await assert.rejects(trustedRoots({ ...options(), file }, new MemoryLog()), { kind: "user", message: /ENOENT/ });
});

test("bundles come as one JSON text, as an array, one a line, or as GitHub's API answers", () => {
  const bundle = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
  const one = JSON.stringify(bundle);
  for (const text of [one, `[${one}]`, `${one}\n`, `{"attestations":[{"bundle":${one},"repository_id":1}]}`]) {
    assert.deepEqual(parseBundles(text), [bundle], text);
  }
  assert.deepEqual(parseBundles(`${one}\n${one}\n`), [bundle, bundle]);
  assert.throws(() => parseBundles("no bundle"), SyntaxError);
});
