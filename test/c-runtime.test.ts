import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { bothRuntimes, neededRuntime, runtimeHere, whyNotRunning } from "../src/c-runtime.ts";
import { type Exec, NodeExec } from "../src/ports/exec.ts";

let root = "";
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "rdna1-runtime-"));
  const folder = path.join(root, "usr/lib64");
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, "libstdc++.so.6"),
    "\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4\0GLIBCXX_TUNABLES\0",
  );
});
after(() => rm(root, { recursive: true, force: true }));

/** A machine whose `getconf` says this, or is not there. */
function machine(said: { code: number; stdout: string } | null): Exec {
  return {
    run: async () => {
      if (said === null) throw new Error("ENOENT");
      return { ...said, signal: null, timedOut: false, stderr: "", seconds: 0 };
    },
  };
}

test("reads the highest versions that a file needs, by number, and no weak ones", () => {
  const line = (name: string, flags = "none") => `  0x0030:   Name: ${name}  Flags: ${flags}  Version: 27\n`;
  const names = [
    "GLIBC_2.9",
    "GLIBC_2.38",
    "GLIBC_2.2.5",
    "GLIBCXX_3.4.9",
    "GLIBCXX_3.4.32",
    "GLIBCXX_3.4",
    "CXXABI_9.9",
  ];
  const text = `Version needs section\n${names.map((name) => line(name)).join("")}${line("GLIBC_2.43", "WEAK")}${line("GLIBC_ABI_DT_RELR")}`;
  assert.deepEqual(neededRuntime(text), { glibc: "2.38", glibcxx: "3.4.32" });
  assert.deepEqual(neededRuntime("There are no version needs"), { glibc: null, glibcxx: null });
});

test("two files need the higher of each", () => {
  const needs = bothRuntimes({ glibc: "2.9", glibcxx: null }, { glibc: "2.36", glibcxx: "3.4.9" });
  assert.deepEqual(needs, { glibc: "2.36", glibcxx: "3.4.9" });
});

test("tells the machine's C library and newest symbols of libstdc++", async () => {
  const said = { code: 0, stdout: "glibc 2.36\n" };
  assert.deepEqual(await runtimeHere({}, machine(said), root), { glibc: "2.36", glibcxx: "3.4.30" });
  const own = path.join(root, "own");
  await mkdir(own);
  await writeFile(path.join(own, "libstdc++.so.6"), "GLIBCXX_3.4.33\0");
  assert.equal((await runtimeHere({ LD_LIBRARY_PATH: `:${own}` }, machine(said), root)).glibcxx, "3.4.33");
});

test("a machine that cannot tell is not refused for it", async () => {
  for (const said of [null, { code: 1, stdout: "" }, { code: 0, stdout: "undefined\n" }]) {
    assert.deepEqual(await runtimeHere({}, machine(said), path.join(root, "empty")), { glibc: null, glibcxx: null });
  }
  assert.equal(whyNotRunning({ glibc: "2.43", glibcxx: "3.4.32" }, { glibc: null, glibcxx: null }), null);
});

test("says what is needed and what is here, and nothing for packages that do not tell", () => {
  const needs = { glibc: "2.43", glibcxx: "3.4.32" };
  assert.equal(
    whyNotRunning(needs, { glibc: "2.36", glibcxx: "3.4.30" }),
    "needs glibc 2.43 (here is 2.36), and libstdc++ with GLIBCXX 3.4.32 (here is 3.4.30)",
  );
  assert.equal(whyNotRunning(needs, { glibc: "2.5", glibcxx: "3.4.100" }), "needs glibc 2.43 (here is 2.5)");
  assert.equal(whyNotRunning(needs, { glibc: "2.43", glibcxx: "3.4.32" }), null);
  assert.equal(whyNotRunning(undefined, { glibc: "2.36", glibcxx: "3.4.30" }), null);
});

test("this machine can be asked", { skip: process.platform !== "linux" }, async () => {
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  assert.equal((await runtimeHere(process.env, new NodeExec())).glibc, glibcVersionRuntime ?? null);
});
