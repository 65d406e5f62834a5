import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NodeExec } from "../../../src/ports/exec.ts";
import { packageBuild } from "../../../src/release/package.ts";
import { sampleInput } from "../sample.ts";
import { GitHubServer } from "./github-server.ts";
import { COMMIT, TOKEN } from "./support.ts";

const PROGRAM = path.join(import.meta.dirname, "../../../src/main.ts");
const TERMINAL = ["publish", "--repository", "org/kernels", "--tag", "v1.0", "--output", "out"];

let scratch = "";
let server: GitHubServer;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-command-"));
  await packageBuild(await sampleInput(path.join(scratch, "in")), path.join(scratch, "out"), { exec: new NodeExec() });
});
after(async () => {
  server.close();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  server?.close();
  server = new GitHubServer();
  await server.listen();
  server.tags.set("v1.0", COMMIT);
});

/** Starts the program as a user or a runner does, with nothing of this test's own environment. */
function start(args: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; text: () => string } {
  const { PATH = "", HOME = "" } = process.env;
  const own = { PATH, HOME, RDNA1_MIOPEN_CACHE: path.join(scratch, "cache"), GITHUB_API_URL: server.address };
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: scratch, env: { ...own, ...env } });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  return { child, text: () => text };
}

async function run(args: readonly string[], env: Record<string, string> = { GITHUB_TOKEN: TOKEN }) {
  const { child, text } = start(args, env);
  const [code] = await once(child, "close");
  // A runner swallows the command that tells it what to mask.
  const shown = text().replaceAll(/^::add-mask::.*$/gm, "");
  assert.equal(shown.includes(TOKEN), false, "the token is in no output");
  return { code: code as number, text: text() };
}

const assets = () => server.assets.get(server.releases[0]?.id ?? 0) ?? [];

test("publishes from a terminal; a second run uploads nothing", async () => {
  const first = await run(TERMINAL);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, /v1\.0, published[\s\S]*6 uploaded, 0 there already, all verified[\s\S]*\/releases\/\d+\n/);
  assert.equal(server.releases[0]?.target_commitish, COMMIT);
  assert.equal(assets().at(-1)?.name, "SHA256SUMS");
  server.requests.length = 0;
  const second = await run(TERMINAL);
  assert.equal(second.code, 0, second.text);
  assert.match(second.text, /0 uploaded, 6 there already/);
  assert.equal(server.count(/^(POST|PATCH|DELETE)/), 0);
});

test("a runner's tag and repository are taken, and the release's address becomes an output", async () => {
  const [outputs, summary, state] = ["outputs", "summary", "state"].map((name) => path.join(scratch, name)) as [
    string,
    string,
    string,
  ];
  for (const file of [outputs, summary, state]) await writeFile(file, "");
  const { code, text } = await run([], {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: outputs,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_STATE: state,
    GITHUB_REPOSITORY: "org/kernels",
    GITHUB_REF_TYPE: "tag",
    GITHUB_REF_NAME: "v1.0",
    GITHUB_SHA: COMMIT,
    RUNNER_ENVIRONMENT: "self-hosted",
    INPUT_COMMAND: "publish",
    INPUT_TOKEN: TOKEN,
    INPUT_DRAFT: "true",
  });
  assert.equal(code, 0, text);
  assert.equal(server.releases[0]?.draft, true);
  assert.match(await readFile(outputs, "utf8"), new RegExp(`release<<.*\n${server.releases[0]?.html_url}\n`));
  assert.match(await readFile(summary, "utf8"), /a draft/);
});

test("killed in the middle of an upload, it is repaired by the next run", async () => {
  server.faults.push({ on: /^POST \/uploads.*tar\.zst/, fault: { kind: "stall", after: 1 } });
  const { child } = start(TERMINAL, { GITHUB_TOKEN: TOKEN });
  for (let tries = 0; tries < 600 && (assets()[0]?.size ?? 0) < 2; tries++) await sleep(50);
  child.kill("SIGKILL");
  await once(child, "close");
  const [half] = assets();
  assert.deepEqual([half?.state, assets().length, server.releases[0]?.draft], ["starter", 1, true]);
  const { code, text } = await run(TERMINAL);
  assert.equal(code, 0, text);
  assert.equal(server.count(/^DELETE/), 1);
  assert.deepEqual(
    assets().map(({ state }) => state),
    Array(6).fill("uploaded"),
  );
  assert.deepEqual([server.releases.length, server.releases[0]?.draft], [1, false]);
});

for (const [what, args, env, exit, pattern] of [
  ["no token", TERMINAL, {}, 2, /no token[\s\S]*GITHUB_TOKEN/],
  ["an output folder without a build", [...TERMINAL, "--output", "empty"], undefined, 2, /SHA256SUMS in[\s\S]*build/],
  ["a tag of another commit", [...TERMINAL, "--commit", "b".repeat(40)], undefined, 2, /tag v1\.0 is commit a+/],
  ["a tag that is not there", [...TERMINAL, "--tag", "v2"], undefined, 2, /push the tag first/],
] as const) {
  test(`${what}: exit code ${exit}, and what to do`, async () => {
    const { code, text } = await run(args, env);
    assert.match(text, pattern);
    assert.equal(code, exit);
    assert.equal(server.releases.length, 0);
  });
}

test("damaged on the way twice: exit code 1, the file's name, and a draft that is not public", async () => {
  const on = /^POST \/uploads.*proofs/;
  server.faults.push({ on, fault: { kind: "wrong digest" } }, { on, fault: { kind: "wrong digest" } });
  const { code, text } = await run(TERMINAL);
  assert.match(text, /proofs\.json did not arrive as it was sent[\s\S]*stays a draft/);
  assert.deepEqual([code, server.releases[0]?.draft], [1, true]);
});
