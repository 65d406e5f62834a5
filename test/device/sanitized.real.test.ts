import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { deviceEnvironment } from "../../src/device/device.ts";
import { parseEvents } from "../../src/device/events.ts";
import { sanitizedObjects } from "./sim/sanitized-objects.ts";
import { compileKernel, hostCompiler, must, projectRoot, scratch, toolchainUnderTest } from "./support.ts";

const SANITIZED = [
  "-std=c++20",
  "-g1",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=undefined",
  "-Wall",
  "-Wextra",
  "-Werror",
];
const CORE = [
  "bundle",
  "code_object",
  "compressed_bundle",
  "config",
  "library",
  "log",
  "md5",
  "memory",
  "msgpack",
  "relocation",
  "written",
];
const device = join(projectRoot, "src/device/cpp");

/** Compiles files to objects in `folder`, two at a time. */
async function compile(compiler: string, folder: string, sources: string[], flags: string[]): Promise<string[]> {
  const objects = sources.map((source) => join(folder, `${basename(source, ".cpp")}.o`));
  const waiting = sources.entries();
  const worker = async () => {
    for (const [index, source] of waiting) {
      await must(compiler, [...SANITIZED, ...flags, "-c", source, "-o", objects[index] ?? ""]);
    }
  };
  await Promise.all([worker(), worker()]);
  return objects;
}

test("memory, configuration and parsers hold under address and undefined-behaviour sanitizers", async (t) => {
  const compiler = await hostCompiler();
  if (compiler === null)
    return t.skip("no g++ or clang++ on this host, and a toolchain's clang comes without sanitizers");
  const folder = await scratch(t);
  const sources = [join(import.meta.dirname, "core.cpp"), ...CORE.map((name) => join(device, `${name}.cpp`))];
  const objects = await compile(compiler, folder, sources, [`-I${device}`]);
  const program = join(folder, "core");
  await must(compiler, ["-fsanitize=address,undefined", ...objects, "-o", program]);
  const toolchain = await toolchainUnderTest();
  if (typeof toolchain === "string") t.diagnostic(`damaged code objects are not tried: ${toolchain}`);
  const kernels = typeof toolchain === "string" ? [] : [await compileKernel(toolchain, folder, "gfx1010:xnack-")];
  const environment = deviceEnvironment({ target: "gfx1010", compile: "allow", execute: false, eventLog: null });
  assert.match(await must(program, kernels, environment), /^0 failures$/m);
});

test("HIP calls keep memory bounds and refuse what a card would refuse, under sanitizers", async (t) => {
  if (process.env.RDNA1_TEST_SANITIZED !== "1") {
    return t.skip("compiles the whole device a second time, for minutes: npm run test:sanitized does it, and CI");
  }
  const compiler = await hostCompiler();
  const toolchain = await toolchainUnderTest();
  if (typeof toolchain === "string") return t.skip(`no HIP headers: ${toolchain}`);
  if (compiler === null)
    return t.skip("no g++ or clang++ on this host, and a toolchain's clang comes without sanitizers");
  const folder = await scratch(t);
  const { objects, flags } = await sanitizedObjects(toolchain, compiler, [join(import.meta.dirname, "api.cpp")]);
  const program = join(folder, "api");
  await must(compiler, [...flags, ...objects, "-ldl", "-pthread", "-o", program]);
  const log = join(folder, "events.jsonl");
  const environment = deviceEnvironment({
    target: "gfx1010",
    wgps: 18,
    memoryBytes: 64 << 20,
    compile: "allow",
    execute: false,
    eventLog: log,
  });
  const kernels: string[] = [];
  for (const arch of ["gfx1010:xnack-", "gfx1010:xnack+", "gfx1030"])
    kernels.push(await compileKernel(toolchain, folder, arch));
  const script = `cd ${folder} && exec ${program} "$@"`;
  assert.match(await must("/bin/sh", ["-c", script, "sh", ...kernels], environment), /^0 failures$/m);

  const events = parseEvents(await readFile(log, "utf8"));
  const launches = events.filter((event) => event.event === "launch");
  assert.deepEqual(
    launches.map(({ grid, block, lds }) => ({ grid, block, lds })),
    [
      { grid: [64, 1, 1], block: [32, 1, 1], lds: 256 },
      { grid: [64, 1, 1], block: [32, 1, 1], lds: 256 },
      { grid: [64, 1, 1], block: [32, 1, 1], lds: 256 },
    ],
  );
  assert.deepEqual(
    launches.map((launch) => launch.missingArgumentBytes),
    [0, 0, 6],
  );
  assert.equal(launches[0]?.arguments?.slice(32), `40000000feff`); // n = 64, s = -2 behind two pointers
  assert.deepEqual(
    events.filter((event) => event.event === "unsupported").map(({ call }) => call),
    ["hipGraphCreate"],
  );
  const refused = events.filter((event) => event.event === "module" && !event.accepted);
  assert.equal(refused.length, 5);
  const end = events.at(-1);
  assert.ok(end?.event === "end" && end.launches === 3 && end.liveAllocations === 0);
});
