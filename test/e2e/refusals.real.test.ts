import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, test } from "node:test";
import { mainJob, Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
after(() => sandbox.remove());

mkdirSync(sandbox.path("a-folder"));
sandbox.file("a-file", "x");

const oneBadLine = sandbox.file(
  "bad.txt",
  "MIOpenDriver conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3\n\nMIOpenDriver cnov -n 1\n",
);
const file = (name: string, text: string | Uint8Array) => mainJob(sandbox.file(name, text));

for (const [what, args, pattern] of [
  ["an unknown option", ["--target", "gfx1010"], /unknown option --target[\s\S]*--targets/],
  ["an RDNA2 target, and says why", ["--targets", "gfx1030"], /gfx1030 is RDNA2/],
  ["zero jobs", ["--jobs", "0"], /jobs: '0'/],
  ["a kernel-set file that is missing", mainJob("./missing.txt"), /missing\.txt does not exist/],
  ["a kernel-set file that is empty", file("empty.txt", ""), /empty\.txt is empty/],
  ["a kernel-set file that is binary", file("binary.txt", new Uint8Array([0, 1, 2, 255])), /binary\.txt is not a text/],
  ["a kernel-set file with a bad line, naming it", mainJob(oneBadLine), /bad\.txt:3: .*cnov/],
  ["a folder as kernel-set file", mainJob("./a-folder"), /a-folder cannot be read \(EISDIR\)/],
  ["an output that is a file", mainJob(oneBadLine, "--output", "a-file"), /output: .*a-file/],
  ["a source that is not there", ["--miopen-source", "./none"], /miopen-source: .*none does not exist/],
  ["a toolchain that is not there", ["--toolchain", "/none/rocm"], /toolchain: \/none\/rocm does not exist/],
  ["a key that is not there", ["--toolchain", "amd", "--amd-keyring", "none"], /amd-keyring: .*none does not exist/],
  ["patches without a series", ["--patches", "+./a-folder"], /patches: .*a-folder\/series does not exist/],
  ["a database that is not there", ["verify", "--kernel-database", "none"], /kernel-database: .*none does not exist/],
  ["a package that is not there", ["install", "--source", "./none"], /source: .*none does not exist/],
  ["a package that is none", ["install", "--source", "./a-file"], /source: .*a-file is not the tarball/],
  ["roots that are not there", ["install", "--trusted-root", "none"], /trusted-root: .*none does not exist/],
  ["bundles that are not there", ["install", "--attestation", "./none"], /attestation: .*none does not exist/],
  ["a git address without a ref", ["--miopen-source", "https://h.invalid/m.git"], /without a ref/],
  ["a series that is not there", ["drift", "--sources", "./a-folder", "--patches", "word"], /patches: 'word'/],
  ["a release without a token", ["publish", "--tag", "v1", "--repository", "o/r"], /no token[\s\S]*GITHUB_TOKEN/],
  ["a token on the command line", ["publish", "--token", "x"], /--token is not taken/],
  ["a ROCm that the archive has not", mainJob(oneBadLine, "--rocm-version", "nine"), /rocm-version: 'nine'/],
] as const) {
  test(`refuses ${what}`, async () => {
    const { code, stderr } = await sandbox.run(args);
    assert.match(stderr, pattern);
    assert.equal(code, 2, stderr);
  });
}

test("refuses an output folder that cannot be written, even by root", async () => {
  const { code, stderr } = await sandbox.run(mainJob(oneBadLine, "--output", "/proc/out"));
  assert.match(stderr, /output: the folder \/proc\/out cannot be written/);
  assert.equal(code, 2);
});

test("says where its own folders cannot be made", async () => {
  for (const [env, args, pattern] of [
    [
      { RDNA1_MIOPEN_CACHE: sandbox.path("a-file/x") },
      [],
      /cache: no folder can be made at .*a-file\/x \(ENOTDIR\)[\s\S]*RDNA1_MIOPEN/,
    ],
    [{ TMPDIR: "/none" }, ["--cache", "off"], /temporary files: .*\/none \(ENOENT\)[\s\S]*TMPDIR/],
  ] as const) {
    const { code, stderr } = await sandbox.run(mainJob(oneBadLine, ...args), env);
    assert.match(stderr, pattern);
    assert.equal(code, 1, stderr);
  }
});

test("says what is missing when it is offline and nothing is cached", async () => {
  const good = sandbox.file("good.txt", "MIOpenDriver conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3\n");
  const { code, stderr } = await sandbox.run(mainJob(good, "--offline"), {
    RDNA1_MIOPEN_CACHE: sandbox.path("nothing"),
  });
  assert.match(stderr, /offline/);
  assert.equal(code, 1, stderr);
});

test("says that a mirror is not there, and ends soon", async () => {
  const good = sandbox.file("good.txt", "MIOpenDriver conv -n 1 -c 8 -H 14 -W 14 -k 8 -y 3 -x 3\n");
  const mirror = ["--debian-mirror", "http://127.0.0.1:9/debian"];
  const { code, stderr } = await sandbox.run(mainJob(good, ...mirror), { RDNA1_MIOPEN_CACHE: sandbox.path("nothing") });
  assert.match(stderr, /127\.0\.0\.1:9/);
  assert.equal(code, 1, stderr);
});

test("prints help and version", async () => {
  const help = await sandbox.run(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--kernel-set/);
  assert.match((await sandbox.run(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});
