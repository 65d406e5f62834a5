import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { commitsOf, isPreliminary } from "../../../src/commands/publish.ts";
import { RdnaError } from "../../../src/errors.ts";
import { askedWait, errorOf } from "../../../src/release/publish/answers.ts";
import type { Asset, Release } from "../../../src/release/publish/api.ts";
import type { LocalFile } from "../../../src/release/publish/local.ts";
import { chooseRelease, planAssets, refusalOf } from "../../../src/release/publish/plan.ts";
import { pauseAfter, TransientError } from "../../../src/release/publish/retry.ts";
import { Secret } from "../../../src/secret.ts";
import { COMMIT } from "./support.ts";

const OTHER = "b".repeat(40);
const SHA = "c".repeat(64);
const file: LocalFile = { name: "a.tar.zst", path: "/a.tar.zst", bytes: 10, sha256: SHA };
const asset = (changes: Partial<Asset> = {}): Asset => ({
  id: 1,
  name: "a.tar.zst",
  state: "uploaded",
  bytes: 10,
  digest: `sha256:${SHA}`,
  ...changes,
});
const release = (changes: Partial<Release> = {}): Release => ({
  id: 1,
  tag: "v1",
  commit: COMMIT,
  draft: true,
  immutable: false,
  url: "page",
  uploadUrl: "",
  ...changes,
});

for (const [what, assets, sent, kept, removed, why] of [
  ["nothing there: upload", [], [], null, [], /not there yet/],
  ["a whole copy: keep", [asset()], [], 1, [], /^$/],
  ["another name: upload", [asset({ name: "b" })], [], null, [], /not there yet/],
  ["half an upload: replace", [asset({ state: "starter" })], [], null, [1], /half uploaded \(state starter\)/],
  ["an unknown state: replace", [asset({ state: "open" })], [], null, [1], /state open/],
  ["too short: replace", [asset({ bytes: 9 })], [], null, [1], /9 bytes instead of 10/],
  ["other bytes: replace", [asset({ digest: "sha256:1" })], [], null, [1], /digest sha256:1/],
  ["another kind of digest: replace", [asset({ digest: SHA })], [], null, [1], /digest/],
  ["no digest, not ours: replace", [asset({ digest: null })], [], null, [1], /no digest/],
  ["no digest, sent by this run: keep", [asset({ digest: null })], [1], 1, [], /^$/],
  ["a damaged one beside a whole one: keep the whole", [asset({ bytes: 1 }), asset({ id: 2 })], [], 2, [1], /^$/],
  ["two whole ones: keep the first", [asset(), asset({ id: 2 })], [], 1, [2], /^$/],
] as const) {
  test(`plans ${what}`, () => {
    const [plan] = planAssets([file], assets, new Set<number>(sent));
    assert.equal(plan?.kept?.id ?? null, kept);
    assert.deepEqual(
      plan?.remove.map(({ id }) => id),
      removed,
    );
    assert.match(plan?.why ?? "", why);
  });
}

for (const [what, releases, tag, chosen, others] of [
  ["none for a new tag", [release({ tag: "v2" })], null, null, []],
  ["the draft", [release()], null, 1, []],
  ["the oldest of two drafts", [release({ id: 9 }), release({ id: 3 })], null, 3, [9]],
  ["the published one before a draft", [release(), release({ id: 5, draft: false })], null, 5, [1]],
  ["a draft of a branch where the tag is our commit", [release({ commit: "main" })], COMMIT, 1, []],
  ["a published one whatever it says of its branch", [release({ commit: "main", draft: false })], COMMIT, 1, []],
] as const) {
  test(`chooses ${what}`, () => {
    const choice = chooseRelease(releases, "v1", { tag, wanted: COMMIT });
    assert.equal(choice.release?.id ?? null, chosen);
    assert.deepEqual(
      choice.others.map(({ id }) => id),
      others,
    );
  });
}

test("refuses a draft of another commit, and one of a branch while there is no tag", () => {
  const refused = { kind: "user", message: /but this build is of a{40}/ };
  assert.throws(() => chooseRelease([release({ commit: OTHER })], "v1", { tag: null, wanted: COMMIT }), refused);
  assert.throws(() => chooseRelease([release({ commit: "main" })], "v1", { tag: null, wanted: COMMIT }), refused);
});

test("a published release is refused only when a file differs", () => {
  assert.equal(refusalOf(release({ draft: false }), planAssets([file], [asset()])), null);
  assert.match(
    String(refusalOf(release({ draft: false }), planAssets([file], []))),
    /published already.*not there yet/,
  );
});

test("a tag must be of the commit that was built, and one of the two must be known", () => {
  const to = { api: "", repository: "o/r", tag: "v1", commit: COMMIT, token: new Secret("x"), draft: false };
  assert.deepEqual(commitsOf(to, null), { tag: null, wanted: COMMIT });
  assert.deepEqual(commitsOf({ ...to, commit: null }, OTHER), { tag: OTHER, wanted: OTHER });
  assert.throws(() => commitsOf(to, OTHER), { kind: "user", message: /tag v1 is commit b+, but this build is of a+/ });
  assert.throws(() => commitsOf({ ...to, commit: null }, null), { kind: "user", message: /v1 is not in o\/r/ });
});

const NOW = Date.UTC(2026, 0, 1);
for (const [what, headers, wait] of [
  ["seconds", { "retry-after": "12" }, 12_000],
  ["a date", { "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" }, 30_000],
  ["a date in the past", { "retry-after": "Wed, 31 Dec 2025 23:59:00 GMT" }, 0],
  ["nonsense", { "retry-after": "soon" }, null],
  ["a reset", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1000 + 5) }, 5_000],
  ["a reset while some are left", { "x-ratelimit-remaining": "9", "x-ratelimit-reset": String(NOW / 1000 + 5) }, null],
  ["nothing", {}, null],
] as const) {
  test(`reads how long to wait from ${what}`, () => {
    assert.equal(askedWait({ status: 429, headers, text: "" }, NOW), wait);
  });
}

for (const [status, text, headers, expected] of [
  [500, "", {}, null],
  [503, "<html>", { "retry-after": "3" }, 3_000],
  [408, "", {}, null],
  [429, "", {}, 60_000],
  [403, '{"message":"You have exceeded a secondary rate limit"}', {}, 60_000],
  [403, "", { "retry-after": "9" }, 9_000],
  [403, '{"message":"Resource not accessible by integration"}', {}, "user"],
  [401, "", {}, "user"],
  [404, "", {}, "user"],
  [301, "", {}, "user"],
  [422, '{"message":"Validation Failed","errors":[{"code":"custom","message":"too large"}]}', {}, "machine"],
  [400, "[1]", {}, "machine"],
] as const) {
  test(`takes ${status} ${text.slice(0, 40)} for ${typeof expected === "string" ? `the ${expected}'s` : "transient"}`, () => {
    const error = errorOf("upload x", { status, headers, text }, NOW);
    if (typeof expected === "string") assert.equal(error instanceof RdnaError && error.kind, expected);
    else assert.equal(error instanceof TransientError ? error.wait : "no", expected);
  });
}

test("backs off twice as long each time, half to whole by chance, and no more than a minute", () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((number) => pauseAfter(number, null, 0)),
    [500, 1000, 2000, 4000],
  );
  assert.equal(pauseAfter(1, null, 0.999_999) > 999, true);
  assert.equal(pauseAfter(20, null, 1), 60_000);
  assert.equal(pauseAfter(1, 7_000, 0.25), 7_250);
});

test("a secret shows in no text, JSON or dump", () => {
  const secret = new Secret("hidden");
  const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { depth: 9, showHidden: true })];
  assert.equal(shown.join().includes("hidden"), false);
  assert.equal(secret.reveal(), "hidden");
});

test("a tag with a suffix makes a preliminary release, unless the suffix is a ROCm", () => {
  for (const tag of ["v1.2.3", "v1", "v1.2.3-rocm7.2.5", "kernels"]) assert.equal(isPreliminary(tag), false, tag);
  for (const tag of ["v1.2.3-rc1", "v2-beta", "v1.2.3-rc1-rocm7.2.5"]) assert.equal(isPreliminary(tag), true, tag);
});
