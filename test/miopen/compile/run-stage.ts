// Compiles ./source in a folder as a run of its own, so that a test can kill it: run-stage.ts <folder>
import { TerminalLog } from "../../../src/ports/terminal-log.ts";
import { compileSmall } from "./small-stage.ts";

const folder = process.argv[2] ?? "";
await compileSmall(folder, { log: new TerminalLog() });
