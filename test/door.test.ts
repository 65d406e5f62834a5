import assert from "node:assert/strict";
import { test } from "node:test";
import { parse as parseYaml } from "yaml";
import { openDoor } from "../src/door.ts";
import { RdnaError } from "../src/errors.ts";
import { COMMANDS } from "../src/inputs.ts";
import { helpText } from "../src/options.ts";
import { actionText, isUserError, LOOKED_AT, npmStart, parse, spec } from "./options.ts";

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
  const started = npmStart();
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
    listed("drift").filter((name) => !LOOKED_AT[name]?.[1]),
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
  const started = npmStart();
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
