import assert from "node:assert/strict";
import { test } from "node:test";
import { redactor, secretsOf, withoutCredentials } from "../src/secret.ts";

test("finds the token, and passwords in the addresses of inputs and proxies, as written and as meant", () => {
  const raw = {
    token: "ghp_x",
    "miopen-source": "https://me:p%40ss@h/m.git#v1",
    sources: "https://a:one@h/x https://longlonglonglonglonglong@h/y",
    "debian-mirror": "http://plain@h/debian",
  };
  const env = { https_proxy: "http://u:proxypw@h:1/", HOME: "http://u:nosecret@h" };
  assert.deepEqual(secretsOf(raw, env).sort(), [
    ...["ghp_x", "longlonglonglonglonglong", "one", "p%40ss", "p@ss", "proxypw"],
  ]);
});

test("redacts secrets anywhere, and every user and password of an address", () => {
  const redact = redactor(["tok", "token-long", "x"]);
  assert.equal(
    redact("a token-long and tok, exact"),
    "a *** and ***, exact",
    "the longest first; a letter is no secret",
  );
  assert.equal(redact("cannot fetch https://me:pw@h/x"), "cannot fetch https://***@h/x");
  assert.equal(redact("ssh://git@h/x and a@b.c"), "ssh://git@h/x and a@b.c");
});

test("keeps addresses without user and password", () => {
  assert.equal(withoutCredentials("https://me:pw@h/m.git#v1 +./mine"), "https://h/m.git#v1 +./mine");
  assert.equal(withoutCredentials("git+ssh://git@h/m.git"), "git+ssh://git@h/m.git");
  assert.equal(withoutCredentials("https://h/a@b"), "https://h/a@b");
});
