import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeExec } from "../../src/ports/exec.ts";
import type { Log } from "../../src/ports/log.ts";
import { asOrdinaryUser } from "../../src/ports/setpriv.ts";

/** A test, or a suite: what is started for it ends with it. */
export interface Scope {
  after(work: () => unknown): unknown;
}

/** A folder that is gone when the test is over. */
export async function scratch(t: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rdna1-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface RecordedLog extends Log {
  lines: string[];
}

/** A log that keeps its lines as `level: message`; progress is left out, because it depends on time. */
export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return {
    lines,
    debug: keep("debug"),
    info: keep("info"),
    warning: keep("warning"),
    error: keep("error"),
    progress: () => {},
    group: (_title, work) => work(),
  };
}

/**
 * Makes a call of a function of a module of src in a process that obeys the modes of files, also where the tests run as
 * root. Returns what went wrong, or "".
 */
export async function asUser(module: string, call: string): Promise<string> {
  const file = join(import.meta.dirname, "../../src", module);
  const args = ["--input-type=module", "--eval", `await (await import(${JSON.stringify(file)})).${call}`];
  const command = { file: process.execPath, args, env: { PATH: process.env.PATH ?? "" } };
  const { code: exit, stderr } = await new NodeExec().run(asOrdinaryUser(command), { timeoutMs: 60_000 });
  return exit === 0 ? "" : stderr;
}
