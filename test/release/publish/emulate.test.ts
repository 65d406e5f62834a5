import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { publishTo, sampleFiles, TOKEN } from "./support.ts";

/*
 * A GitHub that no one here wrote: `emulate` 0.12.2 from npm. It keeps releases and assets, but computes no digests and
 * takes two assets of one name, so what depends on those is tested with a server of ours.
 */

let scratch = "";
let emulator: ChildProcess;
let address = "";
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "rdna1-emulate-"));
  const seed = path.join(scratch, "seed.yaml");
  await writeFile(
    seed,
    `tokens:\n  ${TOKEN}:\n    login: maintainer\n    scopes: [repo]\n` +
      "github:\n  users:\n    - login: maintainer\n  repos:\n    - owner: maintainer\n      name: kernels\n      auto_init: true\n",
  );
  const port = await freePort();
  const program = path.join(import.meta.dirname, "../../../node_modules/emulate/dist/index.js");
  emulator = spawn(process.execPath, [program, "--service", "github", "--port", String(port), "--seed", seed], {
    cwd: scratch,
    stdio: "ignore",
  });
  address = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${address}/repos/maintainer/kernels`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; tries < 300 && !(await answers()); tries++) await sleep(100);
});
after(async () => {
  emulator.kill();
  await rm(scratch, { recursive: true, force: true });
});

const ask = async (what: string) => {
  const response = await fetch(`${address}/repos/maintainer/kernels/${what}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return (await response.json()) as Record<string, unknown>[];
};

test("a release of the emulated GitHub: draft, all files, a second run over the draft, published", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  const [{ sha } = {}] = (await ask("commits")) as { sha?: string }[];
  const commit = sha ?? "";
  assert.match(commit, /^[0-9a-f]{40}$/);
  const request = {
    repository: "maintainer/kernels",
    draft: { tag: "v1", commit, body: "notes" },
    commits: { tag: null, wanted: commit },
  };
  await publishTo(address, files, { ...request, stayDraft: true }).done;
  const [draft] = await ask("releases");
  assert.deepEqual([draft?.tag_name, draft?.draft, draft?.target_commitish], ["v1", true, commit]);

  const published = await publishTo(address, files, request).done;
  const releases = await ask("releases");
  assert.deepEqual(
    releases.map(({ id, draft }) => [id, draft]),
    [[published.release.id, false]],
  );
  const assets = await ask(`releases/${published.release.id}/assets`);
  assert.deepEqual(
    assets.map(({ name, size, state }) => [name, size, state]).reverse(),
    files.map(({ name, bytes }) => [name, bytes, "uploaded"]),
  );
});

test("a repository that the emulated GitHub does not know is the user's error", async () => {
  const files = await sampleFiles(path.join(scratch, "out"));
  await assert.rejects(publishTo(address, files, { repository: "maintainer/none" }).done, {
    kind: "user",
    message: /404/,
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
