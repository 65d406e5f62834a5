import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseInputs } from "../src/inputs.ts";
import { describeOrigin } from "../src/miopen/source/origin.ts";
import { parseActionSpec } from "../src/options.ts";
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

test("finds what the queries of addresses hold, but no switch or page number", () => {
  const raw = {
    toolchain: "https://h/r.tar.zst?private_token=glpat-123%2B45&page=2&x#sha256=00",
    sources: "https://h/x.tar.gz?opaque-signature https://h/y?a=semi;b=colon-token",
    "kernel-set": "./what?no=address-at-all",
  };
  assert.deepEqual(secretsOf(raw, {}).sort(), ["colon-token", "glpat-123%2B45", "glpat-123+45", "opaque-signature"]);
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

test("keeps addresses without their queries, and what follows a #", () => {
  assert.equal(
    withoutCredentials("https://h/r.tar.zst?private_token=glpat-1#sha256=00 and http://u:p@h?a=b, c?d=e"),
    "https://h/r.tar.zst#sha256=00 and http://h c?d=e",
  );
});

test("neither the manifest's options nor the source's name have the query of an address", () => {
  const spec = parseActionSpec(readFileSync(join(import.meta.dirname, "../action.yml"), "utf8"));
  const digest = `#sha256=${"0".repeat(64)}`;
  const raw = {
    toolchain: `https://h/rocm.tar.zst?private_token=glpat-1${digest}`,
    "miopen-source": `https://h/m.tar.gz?private_token=glpat-2${digest}`,
  };
  const { given, miopenSource } = parseInputs(raw, spec, "/");
  assert.deepEqual(given, {
    toolchain: `https://h/rocm.tar.zst${digest}`,
    "miopen-source": `https://h/m.tar.gz${digest}`,
  });
  assert.equal(miopenSource === null ? "" : describeOrigin(miopenSource), "https://h/m.tar.gz");
});

test("keeps addresses without user and password", () => {
  assert.equal(withoutCredentials("https://me:pw@h/m.git#v1 +./mine"), "https://h/m.git#v1 +./mine");
  assert.equal(withoutCredentials("git+ssh://git@h/m.git"), "git+ssh://git@h/m.git");
  assert.equal(withoutCredentials("https://h/a@b"), "https://h/a@b");
});
