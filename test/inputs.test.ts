import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse as parseYaml } from "yaml";
import { openDoor } from "../src/door.ts";
import { RdnaError } from "../src/errors.ts";
import { COMMANDS, parseInputs } from "../src/inputs.ts";
import { helpText, parseActionSpec } from "../src/options.ts";

const actionText = readFileSync(join(import.meta.dirname, "../action.yml"), "utf8");
const spec = parseActionSpec(actionText);
const parse = (raw: Record<string, string>) => parseInputs(raw, spec, "/somewhere");
const isUserError = (pattern: RegExp) => (error: unknown) =>
  error instanceof RdnaError && error.kind === "user" && pattern.test(`${error.message} ${error.remedy}`);

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

/** A value of every option, and the commands that look at it; null: all. */
const LOOKED_AT: Readonly<Record<string, [value: string, commands: string | null]>> = {
  command: ["", null],
  targets: ["gfx1012", "build kernels verify install"],
  "rocm-version": ["7.2.4", "build kernels verify drift install"],
  toolchain: ["amd", "build kernels verify"],
  "debian-mirror": ["http://h/debian", "build kernels verify"],
  "amd-mirror": ["http://h/rocm", "build kernels verify"],
  "amd-keyring": ["k.asc", "build kernels verify"],
  miopen: ["patched", "build kernels verify install"],
  "miopen-source": ["./m", "build kernels verify"],
  patches: ["./p", "build kernels verify drift"],
  sources: ["./m", "drift"],
  "kernel-set": ["full", "build kernels verify"],
  shard: ["1/2", "build kernels"],
  parts: ["./parts", "build kernels"],
  verify: ["off", "build kernels"],
  device: ["gpu", "verify"],
  commands: ["./c.txt", "verify"],
  "kernel-database": ["gfx1010.kdb", "verify"],
  prefix: ["/opt/x", "build kernels install"],
  source: ["./out", "install"],
  attestation: ["required", "install"],
  "signer-workflow": [".github/workflows/x.yml", "install"],
  "trusted-root": ["./roots", "install"],
  fallback: ["build", "install"],
  tag: ["v1", "publish install"],
  repository: ["o/r", "publish install"],
  commit: ["ab".repeat(20), "publish"],
  draft: ["true", "publish"],
  token: ["t", null],
  output: ["./o", "build kernels verify drift publish"],
  jobs: ["2", null],
  cache: ["local", null],
  offline: ["true", null],
};

test("takes an option for the commands that look at it, and refuses it for all others", () => {
  assert.deepEqual(
    Object.keys(LOOKED_AT),
    spec.options.map(({ name }) => name),
  );
  for (const [name, [value, commands]] of Object.entries(LOOKED_AT)) {
    if (name === "command") continue;
    for (const command of COMMANDS) {
      const given = () => parse({ command, [name]: value });
      if (commands === null || commands.split(" ").includes(command)) given();
      else assert.throws(given, isUserError(new RegExp(`^${name} is given, but the command is '${command}'`)));
    }
  }
});

test("install takes what build takes where it may have to build", () => {
  const made = ["toolchain", "debian-mirror", "amd-mirror", "amd-keyring", "miopen-source", "patches", "kernel-set"];
  for (const name of [...made, "verify", "output"]) {
    const raw = { command: "install", [name]: LOOKED_AT[name]?.[0] ?? "" };
    assert.throws(() => parse(raw), isUserError(/which makes nothing unless fallback is 'build'/), name);
    parse({ ...raw, fallback: "build" });
  }
  for (const [name, value] of [
    ["shard", "1/2"],
    ["parts", "./parts"],
  ] as const) {
    assert.throws(() => parse({ command: "install", fallback: "build", [name]: value }), isUserError(/is given/));
  }
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
  ["an unknown command", { command: "biuld" }, /command: 'biuld'.*build, kernels.*, publish$/],
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
    "roots where nothing is checked",
    { command: "install", attestation: "off", "trusted-root": "./roots" },
    /trusted-root is given, but attestation is 'off'/,
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

test("reads options in both spellings; a later one wins", () => {
  const door = openDoor(["kernels", "--jobs", "1", "--jobs=3", "--offline", "--targets", "gfx1011"], {}, spec);
  assert.deepEqual(door, {
    kind: "terminal",
    wants: "run",
    raw: { command: "kernels", jobs: "3", offline: "true", targets: "gfx1011" },
  });
});

test("npm start presets what makes its kernel set, and nothing for other commands", () => {
  const presets = ["--for", "build,verify", "--miopen", "distribution", "--targets=gfx1010", "--"];
  const raw = (...args: string[]) => openDoor([...presets, ...args], {}, spec).raw;
  assert.deepEqual(raw(), { miopen: "distribution", targets: "gfx1010" });
  assert.deepEqual(raw("verify", "--miopen", "patched"), { command: "verify", miopen: "patched", targets: "gfx1010" });
  assert.deepEqual(raw("install", "--source", "./out"), { command: "install", source: "./out" });
  const door = openDoor([...presets, "--help"], {}, spec);
  assert.equal(door.kind === "terminal" && door.wants, "help");
  assert.throws(() => openDoor(["--for", "build"], {}, spec), isUserError(/unknown option --for/));
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const [, , ...started] = scripts.start.split(" ");
  const { miopen, toolchain, targets, rocmVersion } = parse(openDoor(started, {}, spec).raw);
  assert.deepEqual([miopen, toolchain, targets, rocmVersion], ["distribution", "debian", ["gfx1010"], "7.2.4"]);
  for (const command of COMMANDS) assert.equal(parse(openDoor([...started, command], {}, spec).raw).command, command);
});

test("refuses an unknown option and names the one that was meant", () => {
  assert.throws(() => openDoor(["--target", "gfx1010"], {}, spec), isUserError(/--target.*--targets/));
  assert.throws(() => openDoor(["--kernle-set", "conv"], {}, spec), isUserError(/--kernel-set/));
  assert.throws(() => openDoor(["-x"], {}, spec), isUserError(/unknown option -x/));
});

test("refuses an option without its value, and a second command", () => {
  assert.throws(() => openDoor(["--jobs"], {}, spec), isUserError(/--jobs needs a value/));
  assert.throws(() => openDoor(["--jobs", "--offline"], {}, spec), isUserError(/--jobs needs a value/));
  assert.throws(() => openDoor(["build", "kernels"], {}, spec), isUserError(/'kernels' is a second command/));
});

test("quotes no secret of an address that stands where a command or an option belongs", () => {
  const address = "https://user:hidden1@h/x.tar.gz?private_token=hidden2";
  for (const argv of [["build", address], [address, "build"], [`--${address}`], [`--miopen_source=${address}`]]) {
    const said = (error: unknown) => error instanceof RdnaError && !/hidden/.test(`${error.message} ${error.remedy}`);
    assert.throws(() => openDoor(argv, {}, spec), said, argv.join(" "));
  }
  assert.throws(() => openDoor(["build", address], {}, spec), isUserError(/'https:\/\/h\/x\.tar\.gz' is a second/));
});

test("reads INPUT_ variables in a runner, and knows the post step by its state", () => {
  const env = { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: "/dev/null", "INPUT_KERNEL-SET": "full", INPUT_JOBS: "" };
  assert.deepEqual(openDoor([], env, spec), { kind: "action", post: false, raw: { "kernel-set": "full", jobs: "" } });
  const post = openDoor([], { ...env, STATE_main: "started" }, spec);
  assert.equal(post.kind === "action" && post.post, true);
});

test("no description in action.yml is cut off, as YAML does at a blank before #", () => {
  const written = [...actionText.matchAll(/^ {4}description: (.*)$/gm)].map(([, text = ""]) => text);
  const { inputs, outputs } = parseYaml(actionText) as Record<string, Record<string, { description: string }>>;
  const read = [inputs, outputs].flatMap((list = {}) => Object.values(list).map(({ description }) => description));
  assert.deepEqual(
    read,
    written.map((text) => text.replace(/^"(.*)"$/, "$1")),
  );
  for (const text of read) {
    assert.match(text, /\.$/);
    assert.equal(text.split("(").length, text.split(")").length, text);
  }
});

test("lists every input in --help within 80 columns", () => {
  const help = helpText(spec);
  for (const { name, secret } of spec.options) {
    assert.match(help, secret ? /GITHUB_TOKEN \(environment variable\)/ : new RegExp(`--${name}\\b`));
  }
  assertNarrow(help);
});

function assertNarrow(help: string): void {
  assert.deepEqual(
    help.split("\n").filter((line) => line.length > 80),
    [],
  );
}

test("after a command, --help lists the options that it looks at", () => {
  const listed = (...argv: string[]) => {
    const door = openDoor([...argv, "--help"], {}, spec);
    assert.ok(door.kind === "terminal" && door.wants === "help");
    const help = helpText(spec, door.raw.command, door.presets);
    assertNarrow(help);
    return [...help.matchAll(/^ {2}(?:--)?([A-Z_a-z-]+)/gm)].map(([, name = ""]) => name);
  };
  const all = listed();
  for (const [name, [, commands]] of Object.entries(LOOKED_AT)) {
    if (commands === null) continue;
    assert.ok(all.includes(name), name);
    for (const command of ["build", "kernels", "verify", "drift", "publish"]) {
      assert.equal(listed(command).includes(name), commands.split(" ").includes(command), `${command} --${name}`);
    }
  }
  assert.deepEqual(
    listed("doctor"),
    listed("drift").filter((name) => LOOKED_AT[name]?.[1] === null || !(name in LOOKED_AT)),
  );
  assert.deepEqual(listed("biuld"), all);
  const install = helpText(spec, "install").split("What fallback build makes");
  const inPart = (name: string) => install.map((part) => part.includes(`\n  --${name}`));
  assert.deepEqual(["prefix", "kernel-set", "shard"].map(inPart), [
    [true, false],
    [false, true],
    [false, false],
  ]);
});

test("--help of npm start shows what it gives, to the commands that it gives it to", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const [, , ...started] = scripts.start.split(" ");
  const help = (...argv: string[]) => {
    const door = openDoor([...started, ...argv, "--help"], {}, spec);
    const text = helpText(spec, door.raw.command, door.kind === "terminal" ? door.presets : undefined);
    assertNarrow(text);
    return text;
  };
  const given = started.slice(2, -1).join(" ");
  const shown = (text: string) => /npm start gives (.*) these values.*:\n([\s\S]*?)\n\n/.exec(text);
  const [, commands, values = ""] = shown(help()) ?? [];
  assert.deepEqual([commands, values.trim().split(/\s+/).join(" ")], ["build, kernels and verify", given]);
  assert.equal(shown(help("verify"))?.[1], "verify");
  assert.equal(shown(help("install")), null);
  assert.equal(shown(helpText(spec)), null);
});
