import type { Command } from "./exec.ts";

/**
 * The same program without any privilege over files. For root this drops every capability (`setpriv` of util-linux,
 * which Debian always has): user 0 without capabilities obeys file modes like anyone else, and still reaches a cache
 * that lies in root's home. Anyone else is an ordinary user already.
 */
export function asOrdinaryUser(command: Command, uid = process.getuid?.()): Command {
  if (uid !== 0) return command;
  const args = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", command.file, ...command.args];
  return { ...command, file: "setpriv", args };
}
