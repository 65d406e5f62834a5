import assert from "node:assert/strict";
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { programsOf } from "../../src/miopen/compile/stage.ts";
import { type Exec, type ExecResult, NodeExec } from "../../src/ports/exec.ts";
import { dearmored, keyFingerprints } from "../../src/toolchain/amd/key.ts";
import { type AmdOptions, amdToolchain } from "../../src/toolchain/amd.ts";
import { resolveToolchain, verifiedToolchain } from "../../src/toolchain/resolve.ts";
import { rocblasTargets, sayWithoutRocblas } from "../../src/toolchain/rocblas.ts";
import { programCommand } from "../../src/toolchain/toolchain.ts";
import { recordedLog, scratch } from "./helpers.ts";
import { amdSetting, smallAmd } from "./small-amd.ts";
import { cannotMakeArchive, SmallArchive, smallRocm } from "./small-archive.ts";

const skip = cannotMakeArchive();
const exec = new NodeExec();

async function make(options: AmdOptions, programs: Exec = exec) {
  const log = recordedLog();
  return { toolchain: await amdToolchain(options, { exec: programs, log }), log };
}

/** What each `apt-get update` was to ask, and by which policy; `answer` instead of what it would answer about AMD's. */
function watchedUpdates(answer?: Partial<ExecResult>) {
  const asked: { sources: string; policy: string | undefined; text: string | null }[] = [];
  const run: Exec["run"] = async (command, options) => {
    if (!command.args.includes("update")) return exec.run(command, options);
    const list = command.args.find((arg) => arg.startsWith("Dir::Etc::sourcelist="))?.replace(/.*=/, "");
    const sources = await readFile(list ?? join(command.cwd ?? "", "etc/sources.list"), "utf8");
    const policy = command.env.APT_SEQUOIA_CRYPTO_POLICY;
    asked.push({ sources, policy, text: policy === undefined ? null : await readFile(policy, "utf8") });
    const result = await exec.run(command, options);
    return answer !== undefined && sources.includes("/apt/") ? { ...result, ...answer } : result;
  };
  return { asked, programs: { run } };
}

test("makes a tree of AMD's packages on those of a distribution, and uses it again offline", { skip }, async (t) => {
  const { amdServer, options, cacheRoot } = await amdSetting(t);
  const { toolchain, log } = await make(options);
  assert.equal(toolchain.kind, "amd");
  assert.equal(toolchain.miopenVersion, "3.5.0");
  assert.ok(log.lines.includes("info: toolchain: AMD's packages for jammy, on debian bookworm"));
  const names = toolchain.packages.map(({ name }) => name);
  for (const name of ["miopen-hip", "rocm-llvm", "hipblaslt", "libc6", "g++", "cmake", "libdrm2", "libstdc++-11-dev"])
    assert.ok(names.includes(name), name);
  assert.ok(!names.includes("python3"));

  const rocm = join(toolchain.root, "opt/rocm-7.0.2");
  assert.equal(await readlink(join(toolchain.root, "opt/rocm")), "rocm-7.0.2");
  assert.equal(toolchain.paths.llvmBin, join(rocm, "lib/llvm/bin"));
  assert.deepEqual(await readdir(join(rocm, "share/miopen/db")), []);
  assert.deepEqual(await readdir(join(rocm, "lib/rocblas/library")), ["TensileLibrary_Type_HH.dat"]);
  assert.deepEqual(programsOf({ method: "namespace" }, toolchain), {
    clang: "/opt/rocm-7.0.2/lib/llvm/bin/clang",
    clangxx: "/opt/rocm-7.0.2/lib/llvm/bin/clang++",
    rocm: "/opt/rocm-7.0.2",
  });
  for (const folder of ["dev", "proc", "tmp", "src", "out", "ccache"])
    assert.ok((await stat(join(toolchain.root, folder))).isDirectory(), `a build mounts on ${folder}`);
  // A program of the tree runs where it lies, through the tree's own loader.
  const run = await exec.run(programCommand(toolchain, toolchain.paths.miopenDriver ?? "", []));
  assert.equal(run.code, 0, run.stderr);

  amdServer.close();
  const again = await make({ ...options, offline: true });
  assert.deepEqual(again.toolchain, toolchain);
  assert.equal((await readdir(join(cacheRoot, "toolchain"))).length, 2, "the tree and its lock, no leftovers");
});

test("takes the wanted release among several, and every package of it", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const { toolchain } = await make(options);
  const amds = toolchain.packages.filter(({ version }) => version.includes("~22.04"));
  assert.equal(amds.length, smallAmd("7.0.2").length);
  for (const { name, version } of amds) assert.match(version, /\.70002-56~22\.04$/, name);
  assert.match(await readFile(toolchain.paths.miopen ?? "", "utf8"), /of 7\.0\.2$/);
});

test("finds the repository of a release whose folder has two numbers", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const { toolchain } = await make({ ...options, rocmVersion: "7.1.0" });
  assert.ok(toolchain.paths.llvmBin.includes("/opt/rocm-7.1.0/"));
});

test("says that AMD has no such release, or none that is known here", { skip }, async (t) => {
  const { options, cacheRoot } = await amdSetting(t);
  await assert.rejects(make({ ...options, rocmVersion: "7.0.9" }), {
    kind: "user",
    message: /AMD's repository has no ROCm 7\.0\.9 for jammy/,
  });
  assert.deepEqual(
    (await readdir(join(cacheRoot, "toolchain"))).filter((name) => name.endsWith(".work")),
    [],
  );
  await assert.rejects(make({ ...options, rocmVersion: "5.7.0" }), { kind: "user", message: /ROCm 5\.7 .* not known/ });
});

test("lists the releases of a repository that has not the wanted one", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  amd.publish("jammy", [...smallAmd("7.0.1"), ...smallAmd("6.4.3")], { at: "apt/7.0.2" });
  await assert.rejects(make(options), {
    kind: "user",
    message: /no ROCm 7\.0\.2 with MIOpen; it has 7\.0\.1 .*6\.4\.3/,
  });
});

test("names the package that is missing", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  const all = smallAmd("7.0.2");
  amd.publish(
    "jammy",
    all.filter(({ name }) => name !== "hipblaslt"),
    { at: "apt/7.0.2" },
  );
  await assert.rejects(make(options), { kind: "machine", message: /rocblas : .*Depends: hipblaslt/ });
  amd.publish(
    "jammy",
    all.filter(({ name }) => name !== "rocrand-dev"),
    { at: "apt/7.0.2" },
  );
  await assert.rejects(make(options), { kind: "machine", message: /Unable to locate package rocrand-dev/ });
});

test("takes only AMD's key from the address, and another only as a file", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  const { amdFingerprints: _, ...strict } = options;
  await assert.rejects(make(strict), {
    kind: "machine",
    message: new RegExp(`its fingerprint is ${amd.fingerprint()}, not CA8BB4727A47B4D09B4EE8969386B48A1A693C5C`),
  });
  const file = join(await scratch(t), "key.asc");
  await writeFile(file, amd.armoredKey());
  assert.equal((await make({ ...strict, amdKeyring: file })).toolchain.kind, "amd");

  const cacheRoot = join(await scratch(t), "cache");
  await writeFile(join(amd.folder, "rocm.gpg.key"), "<html>not a key</html>");
  await assert.rejects(make({ ...options, cacheRoot }), { kind: "machine", message: /this is no OpenPGP key/ });
  await rm(join(amd.folder, "rocm.gpg.key"));
  await assert.rejects(make({ ...options, cacheRoot }), { kind: "machine", message: /cannot fetch the key/ });
  await assert.rejects(make({ ...options, cacheRoot, amdKeyring: "/nowhere" }), { kind: "user", message: /ENOENT/ });
});

test("allows a key that SHA-1 binds for AMD's source, never for the distribution's", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const { asked, programs } = watchedUpdates();
  await make(options, programs);
  assert.equal(asked.length, 2);
  const [base, amd] = asked;
  assert.match(base?.sources ?? "", /^deb \[[^\n]*\] \S+ bookworm main\n$/);
  assert.equal(base?.policy, undefined);
  assert.match(amd?.sources ?? "", /^deb \[[^\n]*\] \S+\/apt\/7\.0\.2 jammy main\n$/);
  assert.match(amd?.text ?? "", /^\[hash_algorithms\]\nsha1\.second_preimage_resistance = "always"$/m);
});

test("leaves the policy to a user who names one, and says what it refuses", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const own = join(await scratch(t), "own.config");
  await writeFile(own, "[hash_algorithms]\n");
  const why =
    "W: OpenPGP signature verification failed: http://m/apt/7.0.2 jammy InRelease: Signing key on CA8B is not bound: because: SHA1 is not considered secure since 2026-02-01T00:00:00Z\nE: The repository 'http://m/apt/7.0.2 jammy InRelease' is not signed.\n";
  const { asked, programs } = watchedUpdates({ code: 100, stderr: why });
  const user = { ...options, env: { APT_SEQUOIA_CRYPTO_POLICY: relative(process.cwd(), own) } };
  await assert.rejects(make(user, programs), {
    kind: "machine",
    message: /^the policy of this host's apt refuses the key of http\S+\/apt\/7\.0\.2: .*SHA1 is not considered secure/,
    remedy: /^allow it in \S+own\.config \(docs\/toolchain\.md\)/,
  });
  assert.deepEqual(
    asked.map(({ policy }) => policy),
    [undefined, own],
  );
  await assert.rejects(make(options, programs), { remedy: /^name a policy .* with APT_SEQUOIA_CRYPTO_POLICY/ });
});

test("refuses a cache folder that apt's list of sources cannot name", { skip }, async (t) => {
  const { options, cacheRoot } = await amdSetting(t);
  for (const name of ["a b", "a\tb", "a[b", "a]b"]) {
    await assert.rejects(make({ ...options, cacheRoot: join(cacheRoot, name) }), {
      kind: "user",
      message: /^the path of the cache has the character "/,
    });
  }
});

test("refuses a key file in which another key hides behind AMD's", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  const other = new SmallArchive(await scratch(t));
  const both = Buffer.concat([await readFile(amd.keyring), await readFile(other.keyring)]);
  assert.deepEqual(keyFingerprints(dearmored(both)), [amd.fingerprint(), other.fingerprint()]);
  await writeFile(join(amd.folder, "rocm.gpg.key"), both);
  await assert.rejects(make(options), { message: new RegExp(`its fingerprint is ${other.fingerprint()}`) });
});

test("refuses a repository that is signed by another key, and one that is not signed", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  const other = new SmallArchive(await scratch(t));
  const file = join(await scratch(t), "key.asc");
  await writeFile(file, other.armoredKey());
  const message = /the signature of http.*\/apt\/7\.0\.2 cannot be checked/;
  await assert.rejects(make({ ...options, amdKeyring: file }), { kind: "machine", message });
  const release = join(amd.folder, "apt/7.0.2/dists/jammy");
  await writeFile(join(release, "InRelease"), "Origin: Small\nSuite: jammy\n");
  await assert.rejects(make(options), { kind: "machine", message });
});

test("takes an expired Release file and says so", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  amd.publish("jammy", smallAmd("7.0.2"), { at: "apt/7.0.2", validUntil: new Date(Date.now() - 86_400_000) });
  const { log } = await make(options);
  assert.equal(log.lines.filter((line) => /^warning: the mirror's jammy .* was valid until/.test(line)).length, 1);
});

test("refuses a package file that is not the one that was signed", { skip }, async (t) => {
  const { amd, options } = await amdSetting(t, true);
  const deb = join(amd.folder, "apt/7.0.2/pool/miopen-hip_3.5.0.70002-56~22.04_amd64.deb");
  const bytes = await readFile(deb);
  bytes[700] = (bytes[700] ?? 0) ^ 1;
  await writeFile(deb, bytes);
  await assert.rejects(make(options), { kind: "machine", message: /is damaged: its SHA-256 is [0-9a-f]{64}, not/ });
});

test("goes on with a download that was cut, from the byte where it was cut", { skip }, async (t) => {
  const { amd, amdServer, options } = await amdSetting(t);
  const deb = join(amd.folder, "apt/7.0.2/pool/rocm-llvm_20.0.0.25385.70002-56~22.04_amd64.deb");
  const cut = Math.ceil((await stat(deb)).size / 2);
  amdServer.cutAfter = cut;
  const { toolchain } = await make(options);
  const starts = amdServer.requests.filter(({ path }) => /\/rocm-llvm_.*deb$/.test(path)).map(({ start }) => start);
  assert.deepEqual(starts, [0, cut]);
  assert.deepEqual(await verifiedToolchain(toolchain, options, { exec, log: recordedLog() }), toolchain);
});

test("notices a changed file, and replaces the tree; offline it says so", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const { toolchain } = await make(options);
  const file = join(toolchain.root, "opt/rocm-7.0.2/lib/librocblas.so.5.0");
  await writeFile(file, "BLAS");
  const ports = { exec, log: recordedLog() };
  await assert.rejects(verifiedToolchain(toolchain, { ...options, offline: true }, ports), { message: /offline/ });
  assert.deepEqual(await verifiedToolchain(toolchain, options, ports), toolchain);
  assert.equal(await readFile(file, "utf8"), "blas");
  assert.match(ports.log.lines.join("\n"), /is damaged \(changed: opt\/rocm-7\.0\.2\/lib\/librocblas\.so\.5\.0\)/);
});

test("stands on Ubuntu's archive where the host follows that one", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const folder = await scratch(t);
  await mkdir(join(folder, "parts"));
  await writeFile(join(folder, "sources.list"), `deb ${options.mirror} noble main universe\n`);
  const lines = { sourcelist: "sources.list", sourceparts: "parts" };
  const conf = Object.entries(lines).map(([name, path]) => `Dir::Etc::${name} "${join(folder, path)}";\n`);
  await writeFile(join(folder, "apt.conf"), conf.join(""));
  const env = { APT_CONFIG: join(folder, "apt.conf") };
  const { toolchain, log } = await make({ ...options, mirror: null, env });
  assert.ok(log.lines.includes("info: toolchain: AMD's packages for noble, on ubuntu noble"), log.lines.join("\n"));
  assert.equal(toolchain.kind, "amd");
});

test("auto takes Debian's archive where it has the release, else AMD's, and says why", { skip }, async (t) => {
  const { base, options, cacheRoot } = await amdSetting(t, true);
  const auto = { ...options, toolchain: "auto", env: { ROCM_PATH: join(cacheRoot, "none") } };
  base.publish("sid", smallRocm("6.4.3"));
  base.publish("experimental", smallRocm("7.2.4"));
  const log = recordedLog();
  assert.equal((await resolveToolchain({ ...auto, rocmVersion: "7.2.4" }, { exec, log })).kind, "debian");
  const amd = await resolveToolchain(auto, { exec, log });
  assert.equal(amd.kind, "amd");
  assert.match(
    log.lines.join("\n"),
    /Debian's archive has no ROCm 7\.0\.2 .*it has .*7\.2\.4.*; AMD's repository is used/,
  );
  // A tree that is there is used without asking any archive.
  const again = recordedLog();
  assert.deepEqual(await resolveToolchain({ ...auto, offline: true }, { exec, log: again }), amd);
  assert.match(again.lines.join("\n"), new RegExp(`using ROCm 7\\.0\\.2 in ${dirname(amd.root)}`));
});

test("says that AMD's rocBLAS has no kernels for RDNA1", { skip }, async (t) => {
  const { options } = await amdSetting(t);
  const { toolchain } = await make(options);
  assert.deepEqual(await rocblasTargets(toolchain), []);
  const log = recordedLog();
  await sayWithoutRocblas(toolchain, ["gfx1010", "gfx1012"], log);
  assert.match(log.lines[0] ?? "", /^warning: AMD's rocBLAS \(ROCm 7\.0\.2\) has no kernels for gfx1010, gfx1012/);
  const library = toolchain.paths.rocblasLibrary ?? "";
  await writeFile(join(library, "TensileLibrary_lazy_gfx1010.dat"), "");
  const quiet = recordedLog();
  await sayWithoutRocblas(toolchain, ["gfx1010", "gfx1012"], quiet);
  assert.deepEqual(quiet.lines, []);
});
