import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { NodeExec } from "../../src/ports/exec.ts";
import { sha256File } from "../../src/ports/files.ts";
import { resolveToolchain, verifiedToolchain } from "../../src/toolchain/resolve.ts";
import { ArchiveServer } from "./archive-server.ts";
import { recordedLog, scratch } from "./helpers.ts";
import { cannotMakeArchive } from "./small-archive.ts";

const skip = cannotMakeArchive();
const exec = new NodeExec();

/** A folder laid out as TheRock's tarballs are. */
async function therock(t: TestContext): Promise<string> {
  const root = join(await scratch(t), "therock");
  const files = {
    ".info/version": "7.10.0\n",
    "lib/libMIOpen.so.1": "…, MIOpen version 3.5.1. …",
    "lib/libamdhip64.so.7": "HIP",
    "lib/rocm_sysdeps/lib/librocm_sysdeps_elf.so.1": "elf",
    "lib/rocblas/library/TensileLibrary_lazy_gfx1010.dat": "needed",
    "lib/rocblas/library/TensileLibrary_lazy_gfx1100.dat": "not needed",
    "bin/MIOpenDriver": "#!/bin/sh\necho driver\n",
    "lib/llvm/bin/clang": "",
    "include/hip/hip_version.h": "#define HIP_VERSION_MAJOR 7\n",
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  chmodSync(join(root, "bin/MIOpenDriver"), 0o4755);
  symlinkSync("lib/llvm", join(root, "llvm"));
  return root;
}

/** `tar` as it stands; the archive and its digest as the option has them. */
async function packed(t: TestContext, folder: string, name: string, args: string[]): Promise<string> {
  const file = join(await scratch(t), name);
  execFileSync("tar", ["--create", "--auto-compress", "--file", file, "--directory", folder, ...args]);
  return `${file}#sha256=${await sha256File(file)}`;
}

async function resolved(t: TestContext, toolchain: string, more: { offline?: boolean; cacheRoot?: string } = {}) {
  const cacheRoot = more.cacheRoot ?? join(await scratch(t), "cache");
  const options = {
    toolchain,
    rocmVersion: "7.10.0",
    mirror: null,
    jobs: 1,
    env: {},
    offline: true,
    ...more,
    cacheRoot,
  };
  const log = recordedLog();
  return { toolchain: await resolveToolchain(options, { exec, log }), options, log };
}

test("unpacks tar.gz, tar.xz and tar.zst, flat or in a folder of their own", { skip }, async (t) => {
  const root = await therock(t);
  for (const name of ["a.tar.gz", "a.tar.xz", "a.tar.zst"]) {
    for (const [folder, member] of [
      [root, "."],
      [dirname(root), "therock"],
    ] as const) {
      const { toolchain } = await resolved(t, await packed(t, folder, name, [member]));
      assert.equal(toolchain.kind, "archive");
      assert.equal(toolchain.miopenVersion, "3.5.1");
      assert.equal(toolchain.paths.loader, null);
      assert.deepEqual(await readdir(toolchain.paths.rocblasLibrary ?? ""), ["TensileLibrary_lazy_gfx1010.dat"]);
      assert.equal(toolchain.packages[0]?.name, name);
      assert.equal((await stat(join(toolchain.root, "llvm/bin/clang"))).isFile(), true);
      assert.equal((await stat(toolchain.paths.miopenDriver ?? "")).mode & 0o7777, 0o755, "no set-user-id bit");
    }
  }
});

test("uses the tree again when the archive is gone, and repairs it while the archive is there", { skip }, async (t) => {
  const archive = await packed(t, await therock(t), "a.tar.gz", ["."]);
  const { toolchain, options } = await resolved(t, archive);
  const header = join(toolchain.paths.include, "hip/hip_version.h");
  await truncate(header, 3);
  const ports = { exec, log: recordedLog() };
  assert.deepEqual(await verifiedToolchain(toolchain, options, ports), toolchain);
  assert.match(ports.log.lines[0] ?? "", /changed: include\/hip\/hip_version\.h/);
  assert.match(await readFile(header, "utf8"), /HIP_VERSION_MAJOR 7/);
  await rm(archive.replace(/#.*/, ""));
  assert.deepEqual((await resolved(t, archive, { cacheRoot: options.cacheRoot })).toolchain, toolchain);
});

test("fetches an archive, goes on where the connection was cut, and checks its digest", { skip }, async (t) => {
  const [file = "", digest] = (await packed(t, await therock(t), "a.tar.gz", ["."])).split("#");
  const server = new ArchiveServer(dirname(file));
  t.after(() => server.close());
  const url = `${await server.listen()}/a.tar.gz`;
  await assert.rejects(resolved(t, `${url}#${digest}`), {
    kind: "machine",
    message: /offline, and .* not in the cache/,
  });
  server.cutAfter = Math.ceil((await stat(file)).size / 2);
  const { toolchain } = await resolved(t, `${url}#${digest}`, { offline: false });
  assert.equal(toolchain.kind, "archive");
  assert.deepEqual(
    server.requests.map(({ start }) => start),
    [0, server.cutAfter],
  );
  server.cutAfter = null;
  server.requests.length = 0;
  const other = `${url}#sha256=${"0".repeat(64)}`;
  await assert.rejects(resolved(t, other, { offline: false }), { kind: "machine", message: /is damaged: its SHA-256/ });
  assert.equal(server.requests.length, 1, "what is another file is not fetched a second time");
  const secret = `${url}?private_token=glpat-1#sha256=${"0".repeat(64)}`;
  const message = await resolved(t, secret, { offline: false }).then(String, String);
  assert.match(message, /a\.tar\.gz is damaged/);
  assert.doesNotMatch(message, /glpat/);
});

test("goes on with a download that is complete but was not checked", { skip }, async (t) => {
  const [file = "", digest] = (await packed(t, await therock(t), "a.tar.gz", ["."])).split("#");
  const server = new ArchiveServer(dirname(file));
  t.after(() => server.close());
  const url = `${await server.listen()}/a.tar.gz`;
  const first = await resolved(t, `${url}#${digest}`, { offline: false });
  const tree = dirname(first.toolchain.root);
  await rm(tree, { recursive: true });
  mkdirSync(`${tree}.work`);
  await copyFile(file, `${tree}.work/archive.part`);
  server.requests.length = 0;
  await resolved(t, `${url}#${digest}`, { offline: false, cacheRoot: first.options.cacheRoot });
  assert.deepEqual(
    server.requests.map(({ start }) => start),
    [(await stat(file)).size],
  );
});

test("refuses an archive with another digest, and one without", { skip }, async (t) => {
  const archive = await packed(t, await therock(t), "a.tar.gz", ["."]);
  const [file = ""] = archive.split("#");
  const message = /the SHA-256 of .*a\.tar\.gz is [0-9a-f]{64}, not 0{64}/;
  await assert.rejects(resolved(t, `${file}#sha256=${"0".repeat(64)}`), { kind: "user", message });
  await assert.rejects(resolved(t, file), { kind: "user", message: /is a file, and an archive needs a SHA-256/ });
  await assert.rejects(resolved(t, "https://h/a.tar.gz"), { kind: "user", message: /needs a SHA-256 digest/ });
});

test("refuses members and links that lead out of the archive, and leaves nothing", { skip }, async (t) => {
  const cacheRoot = join(await scratch(t), "cache");
  const refused = async (name: string, prepare: (root: string) => string[], what: RegExp) => {
    const root = await therock(t);
    const archive = await packed(t, root, name, prepare(root));
    await assert.rejects(resolved(t, archive, { cacheRoot }), { kind: "user", message: what });
  };
  const links: [string, string][] = [
    ["absolute", "/etc/passwd"],
    ["relative", "../../etc/passwd"],
    ["beside", "../root.excludes"],
  ];
  for (const [name, target] of links) {
    const link = (root: string) => {
      symlinkSync(target, join(root, name));
      return ["."];
    };
    await refused(`${name}.tar.gz`, link, new RegExp(`leads out of it: ${name} -> ${target}`));
  }
  // By its text this link stays inside; through another link it does not.
  const through = (root: string) => {
    mkdirSync(join(root, "a/b"), { recursive: true });
    symlinkSync("../..", join(root, "a/b/up"));
    symlinkSync("up/../..", join(root, "a/b/out"));
    return ["."];
  };
  await refused("through.tar.gz", through, /leads out of it: a\/b\/out -> up/);
  const transformed = (to: string) => (root: string) => {
    writeFileSync(join(root, "evil"), "evil");
    return ["-P", `--transform=s,^./evil,${to},`, "."];
  };
  await refused("up.tar.gz", transformed("../evil"), /leads out of it: .*contains '\.\.'/);
  const outside = join(cacheRoot, "evil");
  await refused("root.tar.gz", transformed(outside), /leads out of it: .*Removing leading/);
  await assert.rejects(stat(outside), { code: "ENOENT" });
  const left = await readdir(join(cacheRoot, "toolchain"));
  assert.deepEqual(
    left.filter((name) => !/\.(lock|work)$/.test(name)),
    [],
  );
});

test("refuses what is no archive, no ROCm, or another release, and believes no description in it", {
  skip,
}, async (t) => {
  const text = join(await scratch(t), "a.tar.gz");
  await writeFile(text, "not an archive");
  const digest = await sha256File(text);
  await assert.rejects(resolved(t, `${text}#sha256=${digest}`), { kind: "user", message: /is no tar\.gz, tar\.xz/ });
  const root = await therock(t);
  writeFileSync(join(root, "toolchain.json"), JSON.stringify({ kind: "system", rocmVersion: "7.10.0", paths: {} }));
  const { toolchain } = await resolved(t, await packed(t, root, "b.tar.gz", ["."]));
  assert.equal(toolchain.paths.llvmBin, join(toolchain.root, "lib/llvm/bin"));
  writeFileSync(join(root, ".info/version"), "7.9.0");
  const other = await packed(t, root, "c.tar.gz", ["."]);
  await assert.rejects(resolved(t, other), {
    kind: "user",
    message: /c\.tar\.gz has ROCm 7\.9\.0, but rocm-version is 7\.10\.0/,
  });
  rmSync(join(root, ".info"), { recursive: true });
  rmSync(join(root, "include"), { recursive: true });
  const none = await packed(t, root, "d.tar.gz", ["."]);
  await assert.rejects(resolved(t, none), { kind: "user", message: /is not a ROCm installation/ });
});
