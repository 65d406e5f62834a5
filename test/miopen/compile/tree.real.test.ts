import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { cacheRoot } from "../../../src/cache/root.ts";
import { messageOf } from "../../../src/errors.ts";
import { type Method, openEnvironment } from "../../../src/miopen/compile/environment.ts";
import { NodeExec } from "../../../src/ports/exec.ts";
import { filesBelow } from "../../../src/ports/files.ts";
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import { debianToolchain } from "../../../src/toolchain/debian.ts";
import { programCommand } from "../../../src/toolchain/toolchain.ts";
import { folderTier } from "../../cache/folder-tier.ts";
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

test("carries ccache to the next machine, also from a compilation that failed, within one compiler", {
  skip: whyNot("namespace", false),
}, async (t) => {
  if (typeof toolchain === "string") return;
  const folder = await scratch(t);
  const tier = folderTier(join(folder, "tier"));
  const states: string[] = [];
  const run = (changes: Record<string, string>, digest = "a".repeat(64)) => {
    rmSync(join(folder, "cache"), { recursive: true, force: true });
    writeTree(join(folder, "source"), changes);
    const sound = { ...toolchain, digest, ensureSound: async () => {} };
    return compileSmall(folder, { toolchain: sound, tier, states });
  };
  await assert.rejects(run({ "driver/main.cpp": "int main() { return nothing; }\n" }), /cannot compile MIOpen/);
  const [first = ""] = readdirSync(join(folder, "tier"));
  assert.match(first, /^rdna1-miopen-ccache-a{16}-[0-9a-f]{12}-0-1$/);
  assert.equal(
    (JSON.parse(states[0] ?? "") as { key: string }).key,
    first,
    "what the post step saves if it comes to that",
  );
  assert.equal(states[1], "", "it has been saved");

  // Days later: one result that nobody needs any more, and those that the next run uses.
  const entry = join(folder, "tier", first);
  const stale = "0".repeat(30);
  mkdirSync(join(entry, "0/0"), { recursive: true });
  writeFileSync(join(entry, "0/0", stale), "stale");
  const daysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
  for (const file of await filesBelow(entry)) utimesSync(file, daysAgo, daysAgo);
  renameSync(entry, join(folder, "tier", first.replace(/0-1$/, "0-0")));
  const results = async (name: string) =>
    (await filesBelow(join(folder, "tier", name))).map((file) => basename(file)).filter((name) => name.length >= 20);
  const before = await results(first.replace(/0-1$/, "0-0"));

  const { lines } = await run({ "driver/main.cpp": "int main() { return 3; }\n" });
  assert.ok(lines.includes(`info: ccache: tier: restored ${first.replace(/0-1$/, "0-0")}`), lines.join("\n"));
  assert.ok(
    lines.some((line) => /, 2 of 3 files from ccache/.test(line)),
    lines.join("\n"),
  );

  const after = await results(readdirSync(join(folder, "tier")).find((name) => name.endsWith("0-1")) ?? "");
  assert.ok(before.includes(stale));
  assert.equal(after.includes(stale), false, "what no run uses is not carried on");
  assert.equal(after.length, before.length - 1 + 2, "all others, and those of the file that was compiled");

  const other = await run({}, "b".repeat(64));
  assert.ok(other.lines.some((line) => /^info: ccache: tier: no entry rdna1-miopen-ccache-b{16}-/.test(line)));
  assert.ok(
    other.lines.some((line) => /, 0 of 3 files from ccache/.test(line)),
    other.lines.join("\n"),
  );
});
