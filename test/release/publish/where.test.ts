import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { openDoor } from "../../../src/door.ts";
import { parseInputs } from "../../../src/inputs.ts";
import { parseActionSpec } from "../../../src/options.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { checksumsText, fileFact } from "../../../src/release/checksums.ts";
import { packageBuild } from "../../../src/release/package.ts";
import { readLocalRelease } from "../../../src/release/publish/local.ts";
import { releaseNotes } from "../../../src/release/publish/notes.ts";
import { destinationOf } from "../../../src/release/publish/where.ts";
import { sampleInput, sampleProofs } from "../sample.ts";
import { COMMIT } from "./support.ts";

const spec = parseActionSpec(readFileSync(path.join(import.meta.dirname, "../../../action.yml"), "utf8"));
const RUNNER = {
  GITHUB_REPOSITORY: "org/kernels",
  GITHUB_REF_TYPE: "tag",
  GITHUB_REF_NAME: "v1.2",
  GITHUB_SHA: COMMIT,
  GITHUB_API_URL: "https://ghe.example.org/api/v3/",
};
const destination = (raw: Record<string, string>, env: Record<string, string> = {}) =>
  destinationOf(parseInputs({ command: "publish", token: "t", ...raw }, spec, "/"), env);

test("takes repository, tag, commit and the Enterprise Server's address from the runner", () => {
  const { token, ...rest } = destination({}, RUNNER);
  assert.equal(token.reveal(), "t");
  const api = "https://ghe.example.org/api/v3";
  assert.deepEqual(rest, { api, repository: "org/kernels", tag: "v1.2", commit: COMMIT, draft: false });
});

test("options win; another repository does not get the workflow's tag and commit", () => {
  const given = destination({ tag: "v2", commit: "B".repeat(40), draft: "true" }, RUNNER);
  assert.deepEqual([given.tag, given.commit, given.draft], ["v2", "b".repeat(40), true]);
  assert.equal(destination({ repository: "o/r", tag: "v2" }, RUNNER).commit, null);
  assert.throws(() => destination({ repository: "o/r" }, RUNNER), { kind: "user", message: /^tag:/ });
});

for (const [what, raw, env, pattern] of [
  ["no token", { token: "" }, RUNNER, /no token/],
  ["a token with a line break inside", { token: "a\nb" }, RUNNER, /token has blanks/],
  ["no repository", {}, {}, /repository/],
  ["no tag on a branch", {}, { ...RUNNER, GITHUB_REF_TYPE: "branch" }, /tag/],
  ["offline", { offline: "true" }, RUNNER, /offline/],
  ["a token over clear text", {}, { ...RUNNER, GITHUB_API_URL: "http://ghe.example.org" }, /https/],
  ["an address with a user", {}, { ...RUNNER, GITHUB_API_URL: "https://u@ghe.example.org" }, /https/],
  ["a tag that git refuses", { tag: "v1..2" }, RUNNER, /tag: 'v1\.\.2'/],
  ["a tag with a space", { tag: "v 1" }, RUNNER, /tag/],
  ["a tag as a whole reference", { tag: "refs/tags/v1" }, RUNNER, /tag/],
  ["an address as repository", { repository: "https://x/o/r" }, RUNNER, /repository/],
  ["a repository that climbs", { repository: "o/.." }, RUNNER, /repository/],
  ["half a commit", { commit: "abc123" }, RUNNER, /commit/],
  ["a tag for another command", { command: "build", tag: "v1" }, RUNNER, /tag is given.*'build'/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(() => destination(raw, env), { kind: "user", message: pattern });
  });
}

test("takes no token from a command line, and keeps it out of what a manifest records", () => {
  for (const argv of [["publish", "--token", "t"], ["--token=t"]]) {
    assert.throws(() => openDoor(argv, {}, spec), { kind: "user", remedy: /GITHUB_TOKEN/ });
  }
  const door = openDoor(["publish", "--draft", "--tag", "v1"], { GITHUB_TOKEN: "hidden" }, spec);
  const inputs = parseInputs(door.raw, spec, "/");
  assert.deepEqual([inputs.token?.reveal(), inputs.draft, inputs.tag], ["hidden", true, "v1"]);
  assert.equal(JSON.stringify(inputs).includes("hidden"), false);
  assert.deepEqual(Object.keys(inputs.given).sort(), ["command", "draft", "tag"]);
});

test("a runner's input wins over its environment, unless it is empty", () => {
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: "/dev/null", GITHUB_TOKEN: "environment" };
  assert.equal(openDoor([], { ...env, INPUT_TOKEN: "input" }, spec).raw.token, "input");
  assert.equal(openDoor([], { ...env, INPUT_TOKEN: "" }, spec).raw.token, "environment");
});

let scratch = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-local-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

test("refuses what a test has built with a stand-in for the card, and tells of a true one", async () => {
  const rows = sampleProofs(["gfx1010"]);
  const card = { target: "gfx1010" as const, name: "AMD Radeon RX 5700 XT", driver: "6.12", rows };
  const built = async (standIn: boolean) => {
    const input = await sampleInput(path.join(scratch, "carded"));
    const proofs = { ...input.proofs, cards: [{ ...card, standIn }] };
    const out = path.join(scratch, `carded-${standIn}`);
    await packageBuild({ ...input, proofs }, out, { exec: new NodeExec() });
    return readLocalRelease(out);
  };
  await assert.rejects(built(true), { kind: "user", message: /something else played the card/ });
  assert.match(
    releaseNotes(await built(false)),
    /\| on AMD Radeon RX 5700 XT \(gfx1010\) \| \d+ of \d+ rows passed \|/,
  );
});

test("reads a whole output folder, tarball first, bill of materials and SHA256SUMS last, and describes it", async () => {
  const out = path.join(scratch, "out");
  await packageBuild(await sampleInput(path.join(scratch, "in")), out, { exec: new NodeExec() });
  const local = await readLocalRelease(out);
  const tarball = local.manifest.tarball;
  const order = [tarball.file, "manifest.json", "proofs.json", "report.html", "sbom.spdx.json", "SHA256SUMS"];
  assert.deepEqual(
    local.files.map(({ name }) => name),
    order,
  );
  for (const { name, bytes, sha256 } of local.files) {
    assert.deepEqual(await fileFact(out, name), { file: name, bytes, sha256 });
  }
  assert.match(releaseNotes(local), new RegExp(tarball.sha256));
  await assert.rejects(readLocalRelease(out, tarball.bytes), {
    kind: "user",
    message: /GitHub takes release assets below/,
  });

  const manifest = await readFile(path.join(out, "manifest.json"), "utf8");
  await writeFile(path.join(out, "manifest.json"), manifest.replaceAll(tarball.sha256, "0".repeat(64)));
  const facts = await Promise.all(order.slice(0, -1).map((name) => fileFact(out, name)));
  await writeFile(path.join(out, "SHA256SUMS"), checksumsText(facts));
  await assert.rejects(readLocalRelease(out), { kind: "user", message: /is not the file in manifest\.json/ });
  await truncate(path.join(out, tarball.file), 100);
  await assert.rejects(readLocalRelease(out), {
    kind: "user",
    message: /is not the file in SHA256SUMS/,
    remedy: /build/,
  });
  await assert.rejects(readLocalRelease(path.join(scratch, "none")), {
    kind: "user",
    message: /there is no SHA256SUMS/,
  });
});
