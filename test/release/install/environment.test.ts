import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { NO_RUNTIME } from "../../../src/c-runtime.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { activatedEnvironment, refuseOverride } from "../../../src/release/install/environment.ts";
import { stagePrefix } from "../../../src/release/prefix.ts";
import { sampleInput } from "../sample.ts";

let scratch = "";
let prefix = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1 environment-"));
  prefix = path.join(scratch, "prefix");
  const built = path.join(scratch, "built");
  for (const folder of [prefix, path.join(built, "lib")]) await mkdir(folder, { recursive: true });
  await writeFile(path.join(built, "lib/libMIOpen.so.1.0"), "a library");
  const input = await sampleInput(path.join(scratch, "in"));
  const miopen = { prefix: built, library: "lib/libMIOpen.so.1.0", digest: "d", needs: NO_RUNTIME };
  await stagePrefix({ ...input, built: miopen }, prefix);
});
after(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const environment = (env: Record<string, string>) =>
  activatedEnvironment(prefix, { PATH: process.env.PATH, HOME: scratch, ...env }, new NodeExec());

test("the environment is what activate makes of it, whatever characters are in its paths", async () => {
  const changed = await environment({ LD_LIBRARY_PATH: "/other/it's\nodd" });
  assert.equal(changed.MIOPEN_SYSTEM_DB_PATH, `${prefix}/share/miopen/db`);
  assert.equal(changed.MIOPEN_DEBUG_CONV_WINOGRAD, "0");
  assert.equal(changed.MIOPEN_FIND_MODE, "2");
  assert.equal(changed.LD_LIBRARY_PATH, `${prefix}/lib:/other/it's\nodd`);
  assert.deepEqual(
    Object.keys(changed).filter((name) => !/^(MIOPEN_|LD_LIBRARY_PATH$)/.test(name)),
    [],
    "nothing else is exported",
  );
});

test("what the user has set stays, and a second step of a job changes nothing", async () => {
  assert.equal((await environment({ MIOPEN_FIND_MODE: "1" })).MIOPEN_FIND_MODE, undefined);
  const first = await environment({ LD_LIBRARY_PATH: "/other" });
  assert.deepEqual(await environment(first), {});
});

test("what activate refuses is the user's error, in its own words", async () => {
  await assert.rejects(environment({ HSA_OVERRIDE_GFX_VERSION: "10.3.0" }), {
    kind: "user",
    message: /is installed, but its environment cannot be set: HSA_OVERRIDE_GFX_VERSION is set/,
  });
  assert.throws(() => refuseOverride({ HSA_OVERRIDE_GFX_VERSION: "10.3.0" }), { kind: "user" });
  refuseOverride({});
});
