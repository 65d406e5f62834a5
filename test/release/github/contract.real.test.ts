import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Contract, type Sent } from "./contract.ts";
import { githubDescription } from "./description.ts";

const description = githubDescription();

const GOOD: Sent = {
  origin: "https://api.github.com",
  method: "POST",
  path: "/repos/org/kernels/releases",
  headers: {
    ...{ "user-agent": "test", accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
    ...{ authorization: "Bearer x", "content-type": "application/json", "content-length": "2" },
  },
  body: Buffer.from('{"tag_name":"v1","draft":true}'),
};
const RELEASE = "POST /repos/{owner}/{repo}/releases";
const UPLOAD = {
  ...GOOD,
  path: "/repos/org/kernels/releases/7/assets?name=a.tar.zst",
  origin: "https://uploads.github.com",
};
const get = (path: string): Sent => ({
  ...GOOD,
  method: "GET",
  path: `/repos/org/kernels/${path}`,
  body: Buffer.alloc(0),
});
const json = (body: unknown, changes: Partial<Sent> = {}) => ({
  ...GOOD,
  ...changes,
  body: Buffer.from(JSON.stringify(body)),
});
const header = (name: string, value?: string) => ({ ...GOOD, headers: { ...GOOD.headers, [name]: value } });

describe("the contract with GitHub", { skip: "skip" in description && description.skip }, () => {
  if ("skip" in description) return;
  const contract = new Contract(description);

  test("knows what fits", () => {
    assert.deepEqual(contract.judge(GOOD), { operation: RELEASE, problems: [] });
    assert.deepEqual(contract.judge(UPLOAD).problems, []);
    const slashes = contract.judge(get("git/ref/tags/v1/rocm7"));
    assert.deepEqual(slashes, { operation: "GET /repos/{owner}/{repo}/git/ref/{ref}", problems: [] });
    assert.equal(contract.judge(get("releases/latest")).operation, "GET /repos/{owner}/{repo}/releases/latest");
  });

  for (const [what, sent, problem] of [
    ["a path that does not exist any more", get("git/refs/tags/v1"), /GitHub has no GET/],
    ["a method that the path does not have", { ...get("releases"), method: "PUT" }, /GitHub has no PUT/],
    ["a word for a number in the path", get("releases/newest/assets"), /path\/release_id must be integer/],
    ["a word for a number in the query", get("releases?per_page=all"), /query\/per_page must be integer/],
    ["a query parameter of another name", get("releases?pages=1"), /additional properties: pages/],
    ["a value that is not offered", get("issues?state=shut"), /query\/state must be equal to one of/],
    [
      "an upload without a name",
      { ...UPLOAD, path: "/repos/org/kernels/releases/7/assets" },
      /required property 'name'/,
    ],
    ["an upload to the API's host", { ...UPLOAD, origin: GOOD.origin }, /belongs to https:\/\/uploads\.github\.com/],
    ["an upload of no type", { ...UPLOAD, headers: header("content-type").headers }, /have no content-type/],
    ["a body without what it must have", json({ draft: true }), /required property 'tag_name'/],
    ["a member of another type", json({ tag_name: "v1", draft: "yes" }), /body\/draft must be boolean/],
    ["a member of another name", json({ tag_name: "v1", commit: "a" }), /additional properties: commit/],
    [
      "a body that is no JSON by its header",
      header("content-type", "text/plain"),
      /is 'text\/plain', not application\/json/,
    ],
    ["no body where there must be one", { ...GOOD, body: Buffer.alloc(0) }, /it has no body/],
    ["a body where GitHub reads none", json({}, { method: "GET" }), /GitHub reads none/],
    ["a change without a token", header("authorization"), /without a token/],
    ["no user-agent", header("user-agent"), /no user-agent/],
    ["no version of the API", header("x-github-api-version"), /no known version/],
    ["a body of unknown length", header("content-length"), /no length/],
  ] as const) {
    test(`refuses ${what}`, () => {
      const { problems } = contract.judge(sent);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }

  test("refuses answers that GitHub would not give", () => {
    const asset = { id: 1, name: "a", size: 3, digest: null };
    assert.deepEqual(contract.judgeAnswer(RELEASE, 201, JSON.stringify({ id: 1, assets: [asset] })), []);
    const wrong = { id: "1", assets: [{ ...asset, size: "3" }] };
    assert.deepEqual(contract.judgeAnswer(RELEASE, 201, JSON.stringify(wrong)), [
      "answer/id must be integer",
      "answer/assets/0/size must be integer",
    ]);
    assert.deepEqual(contract.judgeAnswer(RELEASE, 200, "{}"), [`${RELEASE} does not answer 200`]);
    assert.deepEqual(contract.judgeAnswer(RELEASE, 503, "busy"), []);
  });

  test("knows which fields answers have", () => {
    assert.ok(contract.describes("GET /repos/{owner}/{repo}/releases", "assets.digest"));
    assert.equal(contract.describes("GET /repos/{owner}/{repo}/releases", "assets.checksum"), false);
    assert.equal(contract.describes("GET /repos/{owner}/{repo}/none", "id"), false);
  });
});
