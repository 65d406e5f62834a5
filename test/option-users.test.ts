import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../src/inputs.ts";
import { isUserError, LOOKED_AT, parse, spec } from "./options.ts";

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
