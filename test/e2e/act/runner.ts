import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "../sandbox.ts";

/** One run of a workflow. */
export interface Run {
  /** Path of the workflow in the tree */
  workflow: string;
  /** The event that it runs for, and its payload */
  event: "push" | "workflow_dispatch" | "schedule" | "pull_request";
  payload?: object;
  /** Only this job, and what it needs */
  job?: string;
  env?: Readonly<Record<string, string>>;
  vars?: Readonly<Record<string, string>>;
  secrets?: Readonly<Record<string, string>>;
  /** `owner/name@ref` → folder, beside the stand-ins */
  repositories?: Readonly<Record<string, string>>;
  /** Folder of act's own cache server; without it there is no cache */
  cacheServer?: string;
  /** Folder in front of PATH */
  programs?: string;
  /** Kills act and everything below it when this comes */
  kill?: Promise<void>;
}

export interface Outcome {
  code: number | null;
  /** All that act printed, both streams */
  log: string;
  /** Folder with a folder for each artifact that the run left */
  artifacts: string;
}

const STAND_INS = join(import.meta.dirname, "stand-ins");

/**
 * A clean tree and a runner for it: what git would commit of the project (or nothing), as a repository of its own, and act
 * in host mode beside it. Nothing of the caller's environment reaches a job but PATH
 * and the way to the network.
 */
export class ActRunner {
  readonly folder = mkdtempSync("/tmp/rdna1-act-");
  readonly tree = join(this.folder, "rdna1-miopen");
  readonly #act: string;
  #runs = 0;

  constructor(act: string, tree: "project" | "empty" = "project", repository = "org/rdna1-miopen") {
    this.#act = act;
    mkdirSync(this.tree);
    for (const name of ["home", "cache"]) mkdirSync(join(this.folder, name));
    if (tree === "project") {
      const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
        cwd: projectRoot,
        encoding: "utf8",
      });
      for (const file of files.split("\0").filter(Boolean)) cpSync(join(projectRoot, file), join(this.tree, file));
    }
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("remote", "add", "origin", `https://github.com/${repository}`);
    this.commit();
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  git(...args: string[]): string {
    const who = ["-c", "user.name=test", "-c", "user.email=test@invalid", "-c", "commit.gpgsign=false"];
    return execFileSync("git", [...who, ...args], { cwd: this.tree, encoding: "utf8" }).trim();
  }

  /** Commits everything in the tree; returns the commit. */
  commit(): string {
    this.git("add", "--all", "--force");
    this.git("commit", "--quiet", "--allow-empty", "-m", "tree");
    return this.git("rev-parse", "HEAD");
  }

  /** Writes a file of the tree. */
  file(name: string, text: string): void {
    mkdirSync(dirname(join(this.tree, name)), { recursive: true });
    writeFileSync(join(this.tree, name), text);
  }

  async run(run: Run): Promise<Outcome> {
    const artifacts = this.path(`artifacts-${++this.#runs}`);
    mkdirSync(artifacts);
    const event = this.path("event.json");
    writeFileSync(event, JSON.stringify({ repository: { default_branch: "main" }, ...run.payload }));
    const repositories = { ...standIns(join(this.tree, ".github/workflows")), ...run.repositories };
    const flags = [
      ...["-W", run.workflow, "--eventpath", event, "--directory", this.tree],
      ...["ubuntu-latest", "self-hosted", "rdna1"].flatMap((label) => ["-P", `${label}=-self-hosted`]),
      ...["--action-offline-mode", "--action-cache-path", this.path("cache"), "--concurrent-jobs", "2"],
      ...["--env-file", "/dev/null", "--secret-file", "/dev/null", "--var-file", "/dev/null"],
      ...(run.job === undefined ? [] : ["--job", run.job]),
      ...(run.cacheServer === undefined
        ? ["--no-cache-server"]
        : ["--cache-server-addr", "127.0.0.1", "--cache-server-path", run.cacheServer]),
      ...pairs("--local-repository", repositories),
      ...pairs("--env", { RDNA1_ACT_ARTIFACTS: artifacts, ...run.env }),
      ...pairs("--var", run.vars ?? {}),
      ...pairs("--secret", { GITHUB_TOKEN: "ghp_onlyForTests", ...run.secrets }),
    ];
    return { ...(await this.#start([run.event, ...flags], run)), artifacts };
  }

  #start(args: readonly string[], { kill, programs }: Run): Promise<Omit<Outcome, "artifacts">> {
    // npm's own Node 24 first: act runs actions with the first `node` in PATH
    const first = [join(projectRoot, "node_modules/node/bin"), ...(programs === undefined ? [] : [programs])];
    const PATH = [...first, process.env.PATH].join(":");
    const env = {
      ...networkSettings(),
      PATH,
      HOME: this.path("home"),
      // The clean tree needs packages for `npm ci`, and should find them where this tree's came from
      npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? "", ".npm"),
    };
    return new Promise((resolve) => {
      const child = spawn(this.#act, args, { cwd: this.tree, env, stdio: ["ignore", "pipe", "pipe"] });
      let log = "";
      const take = (chunk: Buffer) => {
        log += chunk.toString();
      };
      kill?.then(() => killTree(child.pid ?? 0));
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      child.on("close", (code) => resolve({ code, log }));
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Actions of GitHub's own that the workflows use and that are in no registry this machine reaches: what stands in for
 * them does the part that matters here. `actions/checkout` needs none, act does it itself.
 */
function standIns(workflows: string): Record<string, string> {
  const found: Record<string, string> = {};
  const files = ["ci", "build", "publish"].map((name) => join(workflows, `${name}.yml`));
  const text = files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  for (const [, repository = "", ref = ""] of text.matchAll(/uses: (actions\/[\w-]+)@(\w+)/g)) {
    const name = repository.slice("actions/".length);
    if (name !== "checkout" && name !== "setup-go") found[`${repository}@${ref}`] = join(STAND_INS, name);
  }
  return found;
}

/** How this machine reaches the network, which jobs need too. */
function networkSettings(): Record<string, string> {
  const names = /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => names.test(name))) as Record<string, string>;
}

/** Ends a process and all below it at once, as when a machine is switched off: act gives each step a group of its own. */
function killTree(pid: number): void {
  const list = execFileSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
  const parents = [...list.matchAll(/(\d+) +(\d+)/g)].map(
    ([, child, parent]) => [Number(child), Number(parent)] as const,
  );
  const below = (of: number): number[] => [
    of,
    ...parents.filter(([, parent]) => parent === of).flatMap(([c]) => below(c)),
  ];
  for (const each of below(pid)) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // ended by itself in the meantime
    }
  }
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}
