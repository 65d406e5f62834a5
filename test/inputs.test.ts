import assert from "node:assert/strict";
import { test } from "node:test";
import { openDoor } from "../src/door.ts";
import { COMMANDS } from "../src/inputs.ts";
import { isUserError, parse, spec } from "./options.ts";

test("takes every default from action.yml", () => {
  const inputs = parse({});
  assert.equal(inputs.command, "build");
  assert.deepEqual(inputs.targets, ["gfx1010"]);
  assert.equal(inputs.rocmVersion, "7.0.2");
  assert.equal(inputs.output, "/somewhere/out");
  assert.equal(inputs.jobs, null);
  assert.equal(inputs.offline, false);
  assert.deepEqual(inputs.given, {});
});

test("takes install's defaults from action.yml, and leaves open what the machine decides", () => {
  assert.deepEqual(parse({ command: "install" }).install, {
    source: { kind: "release" },
    rocmVersion: null,
    targets: null,
    miopen: null,
    prefix: null,
    attestation: { demand: "auto", bundles: null },
    signerWorkflow: spec.options.find(({ name }) => name === "signer-workflow")?.default,
    trustedRoot: null,
    fallback: "none",
  });
  const { prefix, install } = parse({ command: "install", prefix: "/opt/rocm-miopen-rdna1", "rocm-version": "7.2.4" });
  assert.deepEqual(
    [prefix, install.prefix, install.rocmVersion],
    ["/opt/rocm-miopen-rdna1", "/opt/rocm-miopen-rdna1", "7.2.4"],
  );
  assert.equal(parse({}).prefix, "/opt/rocm-miopen-rdna1");
  for (const miopen of ["patched", "distribution"]) {
    assert.equal(parse({ command: "install", miopen }).install.miopen, miopen);
  }
});

test("takes a package from a release, a tarball, a folder or an address", () => {
  const cases: [string, object][] = [
    ["release", { kind: "release" }],
    ["./a b.tar.zst", { kind: "file", path: "/somewhere/a b.tar.zst" }],
    ["/mirror/", { kind: "mirror", address: "file:///mirror" }],
    ["./my mirror", { kind: "mirror", address: "file:///somewhere/my%20mirror" }],
    ["file:///mirror/a.tar.zst", { kind: "file", path: "/mirror/a.tar.zst" }],
    ["https://h/mirror/", { kind: "mirror", address: "https://h/mirror" }],
  ];
  for (const [source, taken] of cases) assert.deepEqual(parse({ command: "install", source }).install.source, taken);
  for (const source of ["releases", "https://user:secret@h/mirror", "https://h/mirror?x=1", "https://"]) {
    assert.throws(() => parse({ command: "install", source }), isUserError(/source/), source);
  }
});

test("a file of attestations demands that one of them is good", () => {
  const attestation = (text: string) => parse({ command: "install", attestation: text }).install.attestation;
  assert.deepEqual(attestation("./a.jsonl"), { demand: "required", bundles: "/somewhere/a.jsonl" });
  assert.deepEqual(attestation("off"), { demand: "off", bundles: null });
  assert.throws(() => attestation("of"), isUserError(/attestation: 'of' is not allowed/));
});

test("says which commands an option is for", () => {
  assert.throws(() => parse({ source: "./x" }), isUserError(/source is given.*use the command install/));
  for (const command of ["install", "publish"]) assert.equal(parse({ command, tag: "v1" }).tag, "v1");
  assert.throws(() => parse({ tag: "v1" }), isUserError(/publish or install/));
});

test("makes kernels for the MIOpen that is there, unless another one is named", () => {
  for (const command of ["kernels", "verify", "install"]) {
    assert.equal(parse({ command }).miopen, "distribution");
    const made: Record<string, string> = command === "install" ? { fallback: "build" } : {};
    for (const raw of [{ miopen: "patched" }, { "miopen-source": "./m" }, { patches: "./p" }]) {
      assert.equal(parse({ command, ...made, ...raw }).miopen, "patched");
    }
  }
  assert.deepEqual(
    [parse({}).miopen, parse({ command: "kernels", patches: "auto" }).miopen],
    ["patched", "distribution"],
  );
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: "/x", INPUT_COMMAND: "kernels" };
  const inRunner = (miopen: string) => parse(openDoor([], { ...env, INPUT_MIOPEN: miopen }, spec).raw).miopen;
  assert.deepEqual([inRunner("auto"), inRunner("patched")], ["distribution", "patched"]);
});

test("takes a shard and a folder of parts, for build and kernels", () => {
  assert.deepEqual([parse({}).shard, parse({}).parts], [null, null]);
  assert.deepEqual(parse({ shard: "2/4" }).shard, { number: 2, of: 4 });
  assert.equal(parse({ command: "kernels", parts: "parts" }).parts, "/somewhere/parts");
});

test("takes this program's patches, a folder instead, or a folder after them", () => {
  assert.deepEqual(parse({}).patches, { bundled: true, folder: null });
  assert.deepEqual(parse({ patches: "./mine" }).patches, { bundled: false, folder: "/somewhere/mine" });
  assert.deepEqual(parse({ patches: "+./mine" }).patches, { bundled: true, folder: "/somewhere/mine" });
});

test("takes sources for drift, separated by blanks or lines", () => {
  const sources = "./a  https://h/m.git#v1\n./b.tar.gz";
  assert.deepEqual(
    parse({ command: "drift", sources }).sources.map(({ kind }) => kind),
    ["path", "git", "tarball"],
  );
});

test("names every command and every allowed value in action.yml", () => {
  const description = spec.options.find(({ name }) => name === "command")?.description ?? "";
  for (const command of COMMANDS) assert.match(description, new RegExp(`\\b${command}\\b`));
});

test("takes archives by address and by file, a file from the folder that we are in", () => {
  const digest = `#sha256=${"ab".repeat(32)}`;
  const cases: [string, string][] = [
    [`rocm.tar.gz${digest}`, `/somewhere/rocm.tar.gz${digest}`],
    [`file:///a/rocm.tar.gz${digest}`, `/a/rocm.tar.gz${digest}`],
    [`https://h/rocm.tar.gz${digest}`, `https://h/rocm.tar.gz${digest}`],
    ["./rocm", "/somewhere/rocm"],
  ];
  for (const [given, taken] of cases) assert.equal(parse({ toolchain: given }).toolchain, taken);
  assert.equal(parse({ "amd-keyring": "k.asc" }).amdKeyring, "/somewhere/k.asc");
});

test("takes targets separated by commas, blanks or lines, each once, in order", () => {
  assert.deepEqual(parse({ targets: "gfx1012, gfx1010\ngfx1012" }).targets, ["gfx1010", "gfx1012"]);
});

for (const [what, raw, pattern] of [
  ["an RDNA2 target and says why", { targets: "gfx1030" }, /RDNA2.*allowed are gfx1010, gfx1011, gfx1012/],
  ["an unknown target", { targets: "navi10" }, /navi10/],
  ["a list without targets", { targets: " , " }, /no target/],
  ["zero jobs", { jobs: "0" }, /jobs: '0'.*from 1 to 256/],
  ["a negative number of jobs", { jobs: "-1" }, /jobs: '-1'/],
  ["jobs with a fraction", { jobs: "1.5" }, /jobs: '1.5'/],
  ["an unknown command", { command: "biuld" }, /command: 'biuld'.*build, kernels.*, publish, doctor$/],
  ["a bare word as patches", { patches: "mine" }, /patches: 'mine'.*\.\/mine/],
  ["a git address without a ref", { "miopen-source": "https://h/m.git" }, /miopen-source: .*without a ref/],
  ["sources without drift", { sources: "./a" }, /sources is given, but the command is 'build'/],
  ["one source for drift", { command: "drift", "miopen-source": "./a" }, /name the sources with sources/],
  ["a bare word as toolchain", { toolchain: "redhat" }, /toolchain: 'redhat'.*\.\/redhat/],
  ["a bare word as kernel set", { "kernel-set": "convs" }, /kernel-set: 'convs'/],
  ["a version that is none", { "rocm-version": "latest" }, /rocm-version: 'latest'/],
  ["an archive without its digest", { toolchain: "https://h/rocm.tar.gz" }, /needs a SHA-256 digest/],
  ["a repository of AMD's over ftp", { "amd-mirror": "ftp://localhost/rocm" }, /amd-mirror: 'ftp:'/],
  ["AMD's key for Debian's archive", { toolchain: "debian", "amd-keyring": "k.asc" }, /amd-keyring is given/],
  ["a mirror that is no address", { "debian-mirror": "mirror" }, /debian-mirror/],
  ["a mirror over ftp", { "debian-mirror": "ftp://localhost/debian" }, /ftp:/],
  ["a relative prefix", { prefix: "opt/x" }, /prefix/],
  ["a prefix that a shell would read", { prefix: "/opt/$(id)" }, /prefix/],
  ["a MIOpen that is neither", { miopen: "stock" }, /miopen: 'stock'.*auto, patched, distribution/],
  ["a source for the distribution's MIOpen", { miopen: "distribution", "miopen-source": "x.tar" }, /miopen-source/],
  ["a shard that is not there", { shard: "5/4" }, /shard: '5\/4' is not there/],
  [
    "a shard for another command",
    { command: "verify", shard: "1/2" },
    /shard is given.*use the command build or kernels/,
  ],
  ["parts for another command", { command: "publish", parts: "p" }, /parts is given.*use the command build or kernels/],
  ["a share of proofs without proofs", { shard: "1/2", parts: "p", verify: "off" }, /share of the proofs, but verify/],
  [
    "a tag of a folder",
    { command: "install", source: "./out", tag: "v1" },
    /tag is given, but the source is '\.\/out'/,
  ],
  [
    "a release for drift that has sources",
    { command: "drift", sources: "./m", "rocm-version": "7.2.4" },
    /rocm-version is given, but so are sources/,
  ],
  ["a device by the wrong name", { command: "verify", verify: "off" }, /name the device with device/],
  ["offline without a cache", { offline: "true", cache: "off" }, /offline/],
  ["offline with another word", { offline: "yes" }, /offline: 'yes'.*true, false/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(() => parse(raw), isUserError(pattern));
  });
}
