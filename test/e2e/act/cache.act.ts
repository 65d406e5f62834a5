import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { cacheRoot } from "../../../src/cache/root.ts";
import { FaultProxy } from "../../cache/fault-proxy.ts";
import { startService } from "../../cache/service.ts";
import type { Scope } from "../../toolchain/helpers.ts";
import { realToolchain, Sandbox } from "../sandbox.ts";
import { shareBuilds } from "../shared-builds.ts";
import { ActRunner, type Outcome, type Run } from "./runner.ts";
import { ACT, CACHE_SERVICE, find } from "./tools.ts";

const act = find(ACT);
const toolchain = await realToolchain();
const skip = "skip" in act ? act.skip : typeof toolchain === "string" ? toolchain : false;

const service = find(CACHE_SERVICE);

const WORKFLOW = `on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo 'MIOpenDriver conv -n 1 -c 8 -H 8 -W 8 -k 8 -y 1 -x 1 -F 1' > one.txt
      - uses: org/rdna1-miopen@v1
        with: { miopen: distribution, toolchain: debian, rocm-version: 7.2.4, kernel-set: ./one.txt }
`;

const SERVERS = [
  {
    name: "act's own server, version 1",
    skip,
    start: async (folder: string): Promise<Partial<Run>> => ({ cacheServer: folder }),
    store: true,
  },
  {
    name: "a server of version 2",
    skip: skip || ("skip" in service && service.skip),
    start: async (folder: string, scope: Scope): Promise<Partial<Run>> => {
      assert.ok("program" in service);
      const socketPath = await startService(scope, service.program, folder);
      const { address } = await FaultProxy.start(scope, { socketPath });
      const token = { ACTIONS_RUNTIME_TOKEN: "runtime-token" };
      return { env: { ACTIONS_CACHE_SERVICE_V2: "true", ACTIONS_RESULTS_URL: address, ...token } };
    },
    store: false,
  },
];

for (const server of SERVERS) {
  describe(`hosted runners, each with an empty disk, and ${server.name}`, { skip: server.skip }, () => {
    const sandbox = new Sandbox();
    let project: ActRunner;
    let user: ActRunner;
    let settings: Partial<Run>;
    const ends: (() => unknown)[] = [];
    before(async () => {
      if (server.skip !== false || "skip" in act || typeof toolchain === "string") return;
      await shareBuilds(toolchain);
      project = new ActRunner(act.program);
      user = new ActRunner(act.program, "empty", "someone/project");
      user.file(".github/workflows/user.yml", WORKFLOW);
      user.commit();
      settings = await server.start(sandbox.path("server"), { after: (work) => ends.push(work) });
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
      project?.remove();
      user?.remove();
      sandbox.remove();
    });

    /** A job on a machine that has nothing yet but a device and a prover, which are not what this is about. */
    async function job(): Promise<Outcome> {
      rmSync(sandbox.path("cache"), { recursive: true });
      for (const stage of ["device", "prover"]) {
        mkdirSync(sandbox.path("cache/stages"), { recursive: true });
        symlinkSync(join(cacheRoot(process.env), "test/stages", stage), sandbox.path("cache/stages", stage));
      }
      const outcome = await user.run({
        workflow: ".github/workflows/user.yml",
        event: "push",
        repositories: { "org/rdna1-miopen@v1": project.tree },
        ...settings,
        env: { RDNA1_MIOPEN_CACHE: sandbox.path("cache"), ...settings.env },
      });
      assert.equal(outcome.code, 0, outcome.log.slice(-8000));
      said(outcome, /set-output:: proofs=(\d+)\/\1\n/);
      return outcome;
    }

    test("the first makes everything, and saves the toolchain and every slow stage", async () => {
      const outcome = await job();
      for (const entry of ["toolchain-debian-7.2.4", "kernels-gfx1010", "verify-gfx1010", "completeness-gfx1010"]) {
        said(outcome, new RegExp(`saved as rdna1-miopen-${entry}`));
      }
    });

    test("the second makes none of that again", async () => {
      const outcome = await job();
      for (const entry of ["toolchain-debian-7.2.4", "kernels-gfx1010", "verify-gfx1010", "completeness-gfx1010"]) {
        said(outcome, new RegExp(`restored rdna1-miopen-${entry}`));
      }
      assert.doesNotMatch(outcome.log, /saved as/);
    });

    test("one that gets a toolchain cut short, and another stage's files for the kernels, makes both anew", async (t) => {
      if (!server.store) return t.skip("the files of that server are not at hand");
      const entries = entriesOf(sandbox.path("server"));
      const [tree, kernels, verify] = ["toolchain/", "/kernels-gfx1010/", "/verify-gfx1010/"].map((part) => {
        const entry = entries.find(({ first }) => first.includes(part));
        assert.ok(entry, `${part} is in ${JSON.stringify(entries)}`);
        return entry;
      });
      if (tree === undefined || kernels === undefined || verify === undefined) return;
      truncateSync(tree.file, Math.floor(statSync(tree.file).size / 2));
      renameSync(kernels.file, `${kernels.file}.aside`);
      renameSync(verify.file, kernels.file);
      renameSync(`${kernels.file}.aside`, verify.file);

      const outcome = await job();
      said(outcome, /toolchain: Actions cache: .*(no usable entry|not usable|not restored)/);
      said(outcome, /unpacked \d+ packages in/);
      said(outcome, /kernels gfx1010: no earlier result/);
    });
  });
}

function said({ log }: Outcome, what: RegExp): void {
  assert.ok(what.test(log), `${what} is not in ${log.slice(-8000)}`);
}

/** Every archive that act's server keeps, with the first path in it. */
function entriesOf(folder: string): { file: string; first: string }[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap(({ parentPath, name }) => {
    const file = join(parentPath, name);
    try {
      const list = execFileSync("tar", ["--zstd", "-tPf", file], {
        encoding: "utf8",
        stdio: "pipe",
        maxBuffer: 64 << 20,
      });
      return [{ file, first: list.slice(0, list.indexOf("\n")) }];
    } catch {
      // the server's own database
      return [];
    }
  });
}
