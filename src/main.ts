import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@actions/core";
import { TRANSFER } from "./cache/transfer.ts";
import { openDoor } from "./door.ts";
import { messageOf, RdnaError, userError } from "./errors.ts";
import { parseInputs } from "./inputs.ts";
import { failureMarkdown } from "./job-summary/failure.ts";
import { writeJobSummary } from "./job-summary/write.ts";
import { helpText, parseActionSpec } from "./options.ts";
import { checkPlaces } from "./places.ts";
import { ActionsLog, asText } from "./ports/actions-log.ts";
import type { Log } from "./ports/log.ts";
import { RedactingLog } from "./ports/redacting-log.ts";
import { TerminalLog } from "./ports/terminal-log.ts";
import { afterwards } from "./post.ts";
import { RunRecord } from "./record.ts";
import { run } from "./run.ts";
import { redactor, secretsOf } from "./secret.ts";

const projectRoot = join(import.meta.dirname, "..");
const inAction = process.env.GITHUB_ACTIONS === "true" && process.argv.length === 2;
const record = new RunRecord();
let redact = redactor([]);
const log: Log = new RedactingLog(inAction ? new ActionsLog() : new TerminalLog(), (text) => redact(text));

process.on("uncaughtException", (error) => process.exit(report(error)));
process.on("unhandledRejection", (error) => process.exit(report(error)));
process.exitCode = await main().catch(report);
// Sockets that a cache client keeps open must not hold the process.
process.exit();

async function main(): Promise<number> {
  if (process.argv[2] === TRANSFER) {
    const { carry } = await import("./cache/carrier.ts");
    await carry(process.argv[3] ?? "");
    return 0;
  }
  refuseOldNode(process.versions.node);
  const spec = parseActionSpec(readFileSync(join(projectRoot, "action.yml"), "utf8"));
  const door = openDoor(process.argv.slice(2), process.env, spec);
  if (door.kind === "terminal" && door.wants !== "run") {
    const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
    process.stdout.write(door.wants === "help" ? helpText(spec, door.raw.command, door.presets) : `${version}\n`);
    return 0;
  }
  const secrets = secretsOf(door.raw, process.env);
  redact = redactor(secrets);
  if (door.kind === "action") for (const secret of secrets) core.setSecret(secret);
  if (door.kind === "action" && door.post) return await afterwards(log, process.env);
  if (door.kind === "action") core.saveState("main", "started");
  const inputs = parseInputs(door.raw, spec, process.cwd());
  await checkPlaces(inputs);
  await run(inputs, { log, projectRoot, env: process.env, inAction, record, redact });
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
  if (inAction) {
    const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd();
    writeJobSummary(failureMarkdown(error, record, { redact, workspace }), process.env, log);
  }
  if (error instanceof RdnaError && error.kind !== "internal") {
    log.error(`${error.message}\n       ${error.remedy}`);
    return error.kind === "user" ? 2 : 1;
  }
  log.error(`internal error, please report it: ${messageOf(error)}`);
  if (error instanceof Error && error.stack) {
    const stack = redact(error.stack);
    process.stderr.write(`${inAction ? asText(stack) : stack}\n`);
  }
  return 1;
}
