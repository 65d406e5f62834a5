import type { Command } from "./exec.ts";

/**
 * The same program tied to this process by `setpriv` of util-linux, which Debian always has: it ends when this process
 * ends, even by SIGKILL, so that nothing of a killed run writes into the folders of the next.
 */
export function endingWithUs(command: Command): Command {
  return setpriv(command, []);
}

/**
 * As {@link endingWithUs}, and without any privilege over files. For root this drops every capability: user 0 without
 * capabilities obeys file modes like anyone else, and still reaches a cache that lies in root's home. Anyone else is an
 * ordinary user already.
 */
export function asOrdinaryUser(command: Command, uid = process.getuid?.()): Command {
  return setpriv(command, uid === 0 ? ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] : []);
}

function setpriv(command: Command, options: readonly string[]): Command {
  return { ...command, file: "setpriv", args: ["--pdeathsig=KILL", ...options, command.file, ...command.args] };
}
