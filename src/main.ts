import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import { openDoor } from "./door.ts";
import { messageOf, RdnaError, userError } from "./errors.ts";
import { parseInputs } from "./inputs.ts";
import { helpText, parseActionSpec } from "./options.ts";
import { ActionsLog } from "./ports/actions-log.ts";
import type { Log } from "./ports/log.ts";
import { TerminalLog } from "./ports/terminal-log.ts";
import { afterwards, run } from "./run.ts";

const projectRoot = join(import.meta.dirname, "..");
const inAction = process.env.GITHUB_ACTIONS === "true" && process.argv.length === 2;
const log: Log = inAction ? new ActionsLog() : new TerminalLog();

process.on("uncaughtException", (error) => process.exit(report(error)));
process.on("unhandledRejection", (error) => process.exit(report(error)));
process.exitCode = await main().catch(report);
// Sockets that a cache client keeps open must not hold the process.
process.exit();

async function main(): Promise<number> {
  refuseOldNode(process.versions.node);
  const spec = parseActionSpec(readFileSync(join(projectRoot, "action.yml"), "utf8"));
  const door = openDoor(process.argv.slice(2), process.env, spec);
  if (door.kind === "terminal" && door.wants !== "run") {
    const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
    process.stdout.write(door.wants === "help" ? helpText(spec) : `${version}\n`);
    return 0;
  }
  if (door.kind === "action" && door.post) return await afterwards(log, process.env);
  if (door.kind === "action") core.saveState("main", "started");
  const inputs = parseInputs(door.raw, spec, process.cwd());
  await run(inputs, { log, projectRoot, env: process.env, inAction: door.kind === "action" });
  return 0;
}

function refuseOldNode(version: string): void {
  if (Number.parseInt(version, 10) >= 24) return;
  throw userError(
    `Node ${version} is too old for this program`,
    "use Node 24: `npm ci` brings one, and `npm start -- …` takes it; a GitHub runner has it from 2.327.1 on",
  );
}

/** Says what failed and what to do; returns the exit code. */
function report(error: unknown): number {
  if (error instanceof RdnaError && error.kind !== "internal") {
    log.error(`${error.message}\n       ${error.remedy}`);
    return error.kind === "user" ? 2 : 1;
  }
  log.error(`internal error, please report it: ${messageOf(error)}`);
  if (error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  return 1;
}
