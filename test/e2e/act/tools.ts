import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheRoot } from "../../../src/cache/root.ts";
import { sha256 } from "../../../src/ports/files.ts";

/** A program that is needed to run or check workflows, at one version, fetched once through its registry's client. */
interface Tool {
  name: string;
  version: string;
  /** Fetches it with that client; null: the machine has no such client */
  client: readonly string[];
  install(folder: string): void;
  /** Path in the tool's folder */
  program: string;
}

/** nektos/act, a runner for workflows without GitHub. */
export const ACT = goTool("act", "v0.2.87", "github.com/nektos/act");
/** rhysd/actionlint, which knows the syntax, the expressions and the shell of workflows. */
export const ACTIONLINT = goTool("actionlint", "v1.7.12", "github.com/rhysd/actionlint/cmd/actionlint");
/** zizmor, which looks for what an attacker could use. */
export const ZIZMOR: Tool = {
  name: "zizmor",
  version: "1.32.0",
  client: ["python3", "-c", "import venv, ensurepip"],
  install: (folder) => {
    execFileSync("python3", ["-m", "venv", folder], { stdio: "pipe" });
    execFileSync(join(folder, "bin/pip"), ["install", "--quiet", "zizmor==1.32.0"], { stdio: "pipe" });
  },
  program: "bin/zizmor",
};

const SERVICE = join(import.meta.dirname, "../../cache/service");
/**
 * GitHub's cache service, version 2: the crate `runnerd-core`, which serves it to the runners of a machine, and a main program
 * of ours that starts it. Its makers ask for a newer compiler than it needs.
 */
export const CACHE_SERVICE: Tool = {
  name: "cache-service",
  version: sha256(["Cargo.toml", "src/main.rs"].map((name) => readFileSync(join(SERVICE, name), "utf8")).join()).slice(
    0,
    16,
  ),
  client: ["cargo", "--version"],
  install: (folder) => {
    // Cargo writes beside what it compiles
    const source = mkdtempSync(join(tmpdir(), "rdna1-cache-service-"));
    try {
      cpSync(SERVICE, source, { recursive: true });
      const flags = ["--path", source, "--root", folder, "--debug", "--ignore-rust-version", "--quiet"];
      execFileSync("cargo", ["install", ...flags], { cwd: source, stdio: "pipe" });
    } finally {
      rmSync(source, { recursive: true, force: true });
    }
  },
  program: "bin/cache-service",
};

function goTool(name: string, version: string, module: string): Tool {
  return {
    name,
    version,
    client: ["go", "version"],
    install: (folder) => {
      const env = { ...process.env, GOBIN: folder, GOTOOLCHAIN: "auto" };
      execFileSync("go", ["install", `${module}@${version}`], { env, stdio: "pipe" });
    },
    program: name,
  };
}

/**
 * The tool's program, or why it cannot run here: a test is skipped with these words where the machine has no Go, no Python or
 * no Cargo. Where it has one, a tool that cannot be fetched is a failure.
 */
export function find(tool: Tool): { program: string } | { skip: string } {
  const home = join(cacheRoot(process.env), "tools");
  const folder = join(home, `${tool.name}-${tool.version}`);
  const program = join(folder, tool.program);
  if (existsSync(program)) return { program };
  const [client = "", ...args] = tool.client;
  try {
    execFileSync(client, args, { stdio: "pipe" });
  } catch {
    return {
      skip: `${tool.name} ${tool.version} is not here, and ${client}, which would fetch it, is not on this machine`,
    };
  }
  mkdirSync(home, { recursive: true });
  // A virtual environment knows its own path, so it is made in place; half of one is made again.
  rmSync(folder, { recursive: true, force: true });
  tool.install(folder);
  return { program };
}
