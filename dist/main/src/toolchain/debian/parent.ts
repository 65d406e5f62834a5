import type { Command } from "../../ports/exec.ts";

/**
 * A command whose whole process group ends when this process ends, even by SIGKILL: the kernel signals the shell, the
 * shell its group. Otherwise a download or a tar of a killed run would go on writing beside the run that follows it.
 */
export function withParent(command: Command): Command {
  const script = `trap 'trap "" TERM; kill -TERM 0; wait; exit 143' TERM; "$@" & wait $!`;
  return {
    ...command,
    file: "setpriv",
    args: ["--pdeathsig", "TERM", "sh", "-c", script, "sh", command.file, ...command.args],
  };
}
