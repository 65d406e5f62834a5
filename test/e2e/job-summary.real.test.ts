import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { writeSeries, writeTree } from "../miopen/small-miopen.ts";
import { job } from "./job.ts";

/** A patch of the small MIOpen whose second hunk fits nowhere. */
const MISFIT = `A patch that is out of date.
--- a/src/api.cpp
+++ b/src/api.cpp
@@ -1,2 +1,2 @@
 #include "miopen/miopen.h"
-int solvers();
+int solvers(int);
--- a/src/solver.cpp
+++ b/src/solver.cpp
@@ -3,3 +3,3 @@
     // never there
-    int found = 1;
+    int found = 7;
     // nor this
`;

test("shows a patch that does not apply as an annotation, and in the summary with what to do", async (t) => {
  const { workspace, run } = await job(t);
  writeTree(join(workspace, "source"));
  writeSeries(join(workspace, "series"), { "0001-misfit.patch": MISFIT });
  const { code, stdout, summary } = await run({ "miopen-source": "./source", patches: "./series" });
  assert.equal(code, 2, stdout);
  const patch = join(workspace, "series/0001-misfit.patch");
  assert.ok(stdout.includes(`::error title=0001-misfit.patch,file=${patch},line=10::0001-misfit.patch does not apply`));
  assert.match(stdout, /::group::miopen-patches: no earlier result\n[\s\S]*::endgroup::/);
  assert.match(summary, /^## RDNA1 MIOpen: build failed in stage miopen-patches\n/);
  assert.match(summary, /\*\*1 of 1 patches do not apply to MIOpen 3\.4\.0\*\*/);
  assert.match(summary, /\*\*What to do:\*\* Use the source that the series is made for/);
  assert.match(
    summary,
    /\| <code>series\/0001-misfit\.patch:10<\/code> \| 0001-misfit\.patch does not apply at src\/solver/,
  );
  assert.match(summary, /\| miopen-source \| made \| \d/);
});

test("says under RUNNER_DEBUG what it starts, and what keys are made of", async (t) => {
  const { workspace, run } = await job(t);
  writeTree(join(workspace, "source"));
  writeSeries(join(workspace, "series"), { "0001-misfit.patch": MISFIT });
  const { stdout } = await run({ "miopen-source": "./source", patches: "./series" }, { RUNNER_DEBUG: "1" });
  assert.match(stdout, /^::debug::start: setpriv .*patch .*--dry-run/m);
  assert.match(stdout, /^::debug::setpriv ended with 1 after \d/m);
  assert.match(stdout, /^::debug::miopen-patches: [0-9a-f]{24}: series=[0-9a-f]{64}$/m);
});

test("prints no token and no password of an address, and has the runner mask them", async (t) => {
  const { run, folder } = await job(t);
  const password = "pa*ss_word|x";
  const source = `http://someone:${encodeURIComponent(password)}@127.0.0.1:9/miopen.tar.gz`;
  const token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
  const env = { RUNNER_DEBUG: "1", https_proxy: "http://proxyuser:proxyword@127.0.0.1:9/" };
  const { code, stdout, stderr, summary } = await run({ "miopen-source": source, token }, env);
  assert.equal(code, 1, stdout);
  for (const secret of [password, encodeURIComponent(password), token, "proxyword"]) {
    const masked = stdout.split("\n").filter((line) => line.startsWith("::add-mask::"));
    assert.ok(
      masked.some((line) => line.replaceAll("%25", "%") === `::add-mask::${secret}`),
      secret,
    );
    const rest = stdout.split("\n").filter((line) => !line.startsWith("::add-mask::"));
    for (const text of [rest.join("\n"), stderr, summary, summary.replaceAll(/&#\d+;/g, "")]) {
      assert.equal(text.includes(secret), false, text);
    }
  }
  assert.match(summary, /failed in stage miopen-source/);
  assert.match(summary, /127\.0\.0\.1:9/);
  assert.equal(readFileSync(join(folder, "state"), "utf8").includes(token), false);
});

test("leaves a summary of a run that is cancelled: what ran, and that the next goes on from there", async (t) => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { run } = await job(t);
  const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/miopen.tar.gz`;
  let asked = false;
  const connected = once(server, "connection");
  const { summary, code } = await run({ "miopen-source": source }, {}, (_, kill) => {
    if (!asked) void connected.then(() => kill("SIGTERM"));
    asked = true;
  });
  assert.equal(code, 1);
  assert.match(summary, /^## RDNA1 MIOpen: build was ended by SIGTERM in stage miopen-source\n/);
});

test("leaves a summary of a wrong input, too", async (t) => {
  const { run } = await job(t);
  const { code, summary } = await run({ targets: "gfx1030" });
  assert.equal(code, 2);
  assert.match(summary, /^## RDNA1 MIOpen failed\n\n\*\*targets: gfx1030 is RDNA2/);
  assert.match(summary, /What to do:\*\* Allowed are gfx1010/);
});
