import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Scope } from "../toolchain/helpers.ts";

/**
 * Starts the real cache service (`test/cache/service/`) with its entries in `folder`; returns the path of its socket. Ends
 * with the test.
 */
export async function startService(t: Scope, program: string, folder: string): Promise<string> {
  const child = spawn(program, [folder], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, "close");
  });
  const lines = createInterface(child.stdout);
  const [socket] = (await Promise.race([
    once(lines, "line"),
    once(child, "close").then(([code]) => Promise.reject(new Error(`the cache service ended with ${code}`))),
  ])) as [string];
  return socket;
}
