import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cacheRoot } from "../../../src/cache/root.ts";
import { messageOf } from "../../../src/errors.ts";
import { type Method, openEnvironment } from "../../../src/miopen/compile/environment.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import { debianToolchain } from "../../../src/toolchain/debian.ts";
import { programCommand } from "../../../src/toolchain/toolchain.ts";
import { scratch } from "../../toolchain/helpers.ts";
import { writeTree } from "../small-miopen.ts";
import { compileSmall } from "./small-stage.ts";

const exec = new NodeExec();
const toolchain = await debianToolchain(
  {
    ...{ rocmVersion: "7.2.4", profile: "build", cacheRoot: cacheRoot(process.env), mirror: null },
    ...{ offline: false, jobs: 2, env: process.env },
  },
  { exec, log: new TerminalLog() },
).catch((error) => `the toolchain cannot be had here: ${messageOf(error)}`);

function whyNot(method: Method, isRoot: boolean): string | false {
  if (typeof toolchain === "string") return toolchain;
  if (method === "bubblewrap" && !["/usr/bin/bwrap", "/usr/local/bin/bwrap"].some((file) => existsSync(file)))
    return "bubblewrap is not on this machine";
  if (method === "chroot" && process.getuid?.() !== 0) return "only root may use chroot";
  if (method === "namespace" && isRoot && process.getuid?.() !== 0) return "only root has a mount namespace alone";
  return false;
}

for (const [method, isRoot, how] of [
  ["namespace", true, "a mount namespace"],
  ["namespace", false, "a user namespace"],
  ["bubblewrap", false, "bubblewrap"],
  ["chroot", true, "a plain chroot"],
] as const) {
  test(`an unpacked Debian compiles in ${how}`, { skip: whyNot(method, isRoot) }, async (t) => {
    if (typeof toolchain === "string") return;
    const folder = await scratch(t);
    const request = {
      toolchain,
      work: join(folder, "work"),
      ccache: join(folder, "ccache"),
      methods: [method],
      isRoot,
    };
    const environment = await openEnvironment(request, exec);
    assert.equal(environment.method, method);
    writeTree(environment.host.source, { "a.cpp": "#include <iostream>\nint main() { std::cout << 42; }\n" }, {});
    const { source, build } = environment.inside;
    const script = `set -e; cmake --version; ninja --version; clang++ -O1 ${source}/a.cpp -o ${build}/a; ${build}/a; id -u; ls ${source}`;
    const result = await exec.run(environment.command("sh", ["-c", script]));
    assert.match(result.stdout, /\n420\na\.cpp\n$/, result.stderr);
    assert.ok(existsSync(join(environment.host.build, "a")));
  });
}

test("compiles with the tree's own compiler, and ccache knows every file of the next source", {
  skip: whyNot("namespace", false),
}, async (t) => {
  if (typeof toolchain === "string") return;
  const folder = await scratch(t);
  mkdirSync(join(folder, "cache"));
  writeTree(join(folder, "source"));
  const sound = { ...toolchain, ensureSound: async () => {} };
  const first = await compileSmall(folder, { toolchain: sound });
  assert.ok(
    first.lines.some((line) => /, 0 of 3 files from ccache/.test(line)),
    first.lines.join("\n"),
  );
  writeTree(join(folder, "source"), { "driver/main.cpp": "int main() { return 3; }\n" });
  const { miopen, lines } = await compileSmall(folder, { toolchain: sound });
  assert.ok(
    lines.some((line) => /, 2 of 3 files from ccache/.test(line)),
    lines.join("\n"),
  );
  const driver = programCommand(toolchain, join(miopen.prefix, miopen.driver), []);
  assert.equal((await exec.run(driver)).code, 3);
});

test("says what each method was refused for, and what to do, when none is allowed", {
  skip: whyNot("namespace", false),
}, async (t) => {
  if (typeof toolchain === "string") return;
  const folder = await scratch(t);
  const request = { toolchain: { ...toolchain, root: folder }, work: join(folder, "w"), ccache: join(folder, "c") };
  await assert.rejects(openEnvironment({ ...request, isRoot: false }, exec), (error: Error & { remedy?: string }) => {
    assert.match(error.message, /namespace: .*\/dev.*; bubblewrap: /);
    assert.match(error.remedy ?? "", /allow user namespaces .*bubblewrap.*as root.*toolchain system/);
    return true;
  });
});

test("a build in a namespace ends with us", { skip: whyNot("namespace", false) }, async (t) => {
  if (typeof toolchain === "string") return;
  const folder = await scratch(t);
  const request = {
    toolchain,
    work: join(folder, "work"),
    ccache: join(folder, "ccache"),
    methods: ["namespace" as const],
  };
  const { command } = await openEnvironment(request, exec);
  const result = await exec.run(command("sh", ["-c", "(sleep 987654 &) ; sleep 987654"]), { timeoutMs: 500 });
  assert.ok(result.timedOut);
  await new Promise((next) => setTimeout(next, 200));
  assert.doesNotMatch(execFileSync("ps", ["-eo", "args"]).toString(), /^sleep 987654/m);
});
